"""Make a conda lock: take the packages of another tool's lock, or solve the conda file in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.yaml_lines import INSTALL
from hatch_mlpackage.lock.conda.check import conda_packages_of, with_conda_header
from hatch_mlpackage.lock.conda.explicit import CHANNEL_ROOT, CondaPackage, proven_sha256, read_conda_packages
from hatch_mlpackage.lock.conda.inputs import CondaInputs
from hatch_mlpackage.lock.conda.spec import package_name
from hatch_mlpackage.lock.resolve.task import first_lines, wait_for
from hatch_mlpackage.redaction import redact

_SOLVER = Path(__file__).with_name("solver.py")
_LONGEST_REASON = 14  # lines


def make_conda_lock(
    asked: CondaInputs, *, previous: str | None, upgrade: bool, report: Callable[[str], None] = print
) -> str:
    """Return the text of a conda lock; packages of `previous` are kept where they still fit, unless `upgrade` is set.

    Raises LockError where there is no solution, UnavailableError where a channel cannot be read.
    """
    if asked.file.kind == "locked":
        packages = read_conda_packages("".join(f"{line.text}\n" for line in asked.specs))
    else:
        report(f"Solving {len(asked.specs)} conda requirements for {asked.subdir}.")
        packages = _solve(asked, () if upgrade else _kept(previous), report)
    return with_conda_header(packages, asked)


def _kept(previous: str | None) -> tuple[CondaPackage, ...]:
    try:
        return conda_packages_of(previous or "")
    except LockError:
        return ()  # a new lock replaces a damaged one


def _solve(
    asked: CondaInputs, previous: Sequence[CondaPackage], report: Callable[[str], None]
) -> tuple[CondaPackage, ...]:
    """Return the packages, dependencies first; keep those of `previous` that still fit.

    Raises LockError if there is no solution, and UnavailableError if a channel cannot be read.
    """
    if find_spec("rattler") is None:
        raise LockError(f"Solving a conda file needs py-rattler, which is not installed here. {INSTALL}")
    answer = _ask(_question(asked, previous), report)
    if "unsolvable" in answer:
        _fail(asked, answer["unsolvable"])
    if "unreadable" in answer:
        _fail_outside(asked, answer["unreadable"])
    return tuple(_package(found, asked.channel) for found in answer["packages"])


def _question(asked: CondaInputs, previous: Sequence[CondaPackage]) -> dict[str, Any]:
    root = asked.channel.as_uri() if asked.channel else ""
    return {
        "channels": [root] if root else asked.file.channels,
        "specs": [_without_channel(spec.text) if root else spec.text for spec in asked.specs],
        "platforms": [asked.subdir, "noarch"],
        "virtual_packages": asked.virtual_packages(),
        "kept": {
            package.url.replace(CHANNEL_ROOT, root, 1) if root else package.url: package.name for package in previous
        },
    }


def _without_channel(spec: str) -> str:
    return " ".join((package_name(spec), *spec.split(" ", maxsplit=1)[1:]))


def _ask(question: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
    # -P: do not search the current folder for modules, as it may hold anything.
    command = [sys.executable, "-P", str(_SOLVER)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, encoding="utf-8", errors="replace", **pipes) as process:  # type: ignore[call-overload]
        said, complaint = wait_for(process, report, "solving", json.dumps(question))
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError as error:
        raise UnavailableError(
            f"The solver ended with status {process.returncode}:\n{first_lines(redact(complaint), _LONGEST_REASON)}\n"
            "Bring py-rattler up to date, and try again."
        ) from error
    return answer


def _package(found: dict[str, str], channel: Path | None) -> CondaPackage:
    url, sha256, md5 = found["url"], found["sha256"], found["md5"]
    subdir, file = url.split("/")[-2:]
    if channel:
        url = f"{CHANNEL_ROOT}/{subdir}/{file}"
        sha256 = proven_sha256(channel / subdir / file, sha256)
    if not sha256 and not md5:
        raise LockError(f"The channel gives no hash for {redact(url)}: it cannot be locked.")
    return CondaPackage(
        url=url, subdir=subdir, file=file, sha256=sha256, md5="" if sha256 else md5, license=found["license"]
    )


def _fail(asked: CondaInputs, reason: str) -> NoReturn:
    given = ", ".join(f"{name}={version}" for name, version, _ in asked.virtual_packages())
    shown = first_lines(redact(reason), _LONGEST_REASON)
    raise LockError(
        f"{asked.file.path} cannot be solved for {asked.subdir} ({given}):\n{shown}\n"
        "Loosen one of these, name the channel that has it or change the image, and run `mlpackage lock` again."
    )


def _fail_outside(asked: CondaInputs, reason: str) -> NoReturn:
    shown = first_lines(redact(reason), _LONGEST_REASON)
    if asked.channel:
        raise LockError(
            f"The vendored channel cannot be read:\n{shown}\n"
            "It needs the packages in a folder for each platform, noarch too, and their index: `conda index`."
        )
    raise UnavailableError(
        f"A conda channel cannot be read:\n{shown}\nCheck the network and the channels' names, and try again."
    )
