"""Lock with pip-tools, for an image whose Python and platform are those of this interpreter.

pip evaluates markers and wheel tags for the interpreter that runs it, whatever its options say. For any other image the
lock would be wrong without a warning, so it is refused.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from pathlib import Path

from packaging.requirements import Requirement

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.asked.markers import applies
from hatch_mlpackage.lock.resolve import index_settings, uv, uv_resolve
from hatch_mlpackage.lock.resolve.task import CONSTRAINTS, INPUT, KEPT, OUTPUT, Task, fail, run
from hatch_mlpackage.project.target import Target

_OLDEST_HOST = (3, 11)  # this package runs on no older Python, so pip-tools cannot be run on one either
_PROGRAM = Path(__file__).with_name("pip_tools_compile.py")
_NO_GLIBC_LIMIT = 999
_FLAGS = (
    "--quiet",
    "--no-config",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",  # else setuptools and pip are left out, and installing by hash fails
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--no-emit-options",
    "--annotation-style=split",
    "--newline=lf",
    "--pip-args=--only-binary=:all:",
    f"--constraint={CONSTRAINTS}",
    f"--constraint={KEPT}",
    f"--output-file={OUTPUT}",
)
_NOT_A_REASON = re.compile(r"\s*(?:WARNING: |Could not fetch URL .*404 )")
_INPUT_LINE = re.compile(rf"-r {re.escape(INPUT)} \(line (\d+)\)")


def is_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("piptools", "pip"))


def require_host(target: Target) -> None:
    """Raise LockError unless this interpreter's Python, platform and kind of C library are the image's."""
    libc = "" if sys.platform != "linux" else " (glibc)" if platform.libc_ver()[0] == "glibc" else " (musl)"
    host = (
        f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor} on "
        f"{sys.platform}/{platform.machine()}{libc}"
    )
    wanted_libc = "musl" if target.libc == "musl" else "glibc"
    wanted = f"CPython {target.python} on linux/{target.architecture} ({wanted_libc})"
    if host != wanted:
        can_run = tuple(map(int, target.python.split("."))) >= _OLDEST_HOST
        elsewhere = ", or run `mlpackage lock` with the image's Python on such a machine" if can_run else ""
        raise LockError(
            f"pip-tools locks only for the Python that runs it: here that is {host}, the image has {wanted}. "
            f'Lock with uv (`pip install "hatch-mlpackage[cli]"`, and no `locker = "pip-tools"`){elsewhere}.'
        )


def resolve(task: Task) -> None:
    """Write the resolved requirements into the task's folder, or raise LockError or UnavailableError."""
    for name in (INPUT, CONSTRAINTS):
        _settle_markers(task.folder / name, task.target)
    # -P keeps the program's folder off the path, where its neighbours would hide other modules.
    command = [sys.executable, "-P", str(_PROGRAM), _newest_glibc(task.target), *_FLAGS]
    if "--pre" in task.requirements.options:
        command.append("--pre")
    environment = index_settings.for_pip_tools(os.environ, task.requirements.options)
    outcome = run([*command, INPUT], environment, task)
    if outcome.status:
        reason = _reason(outcome.said, file_text(task.folder / INPUT).splitlines())
        fail(task, outcome, reason, lambda: _fix(task))


def _fix(task: Task) -> str:
    """Let uv say what to do, if it is installed and cannot lock these requirements either."""
    outcome = uv.compile_requirements(task, "--quiet") if uv.find_uv() is not None else None
    return uv_resolve.fix_of(task, outcome) if outcome is not None and outcome.status else ""


def _settle_markers(path: Path, target: Target) -> None:
    """Leave out what does not count in the image, and the markers of what does, which pip-tools would copy.

    In the lock pip would evaluate them again, with the image's patch release of Python instead of this machine's.
    """
    lines = file_text(path).splitlines()
    settled = (_settled(Requirement(line), target) if line.strip() else line for line in lines)
    path.write_text("".join(f"{line}\n" for line in settled), encoding="utf-8", newline="\n")


def _settled(requirement: Requirement, target: Target) -> str:
    if not applies(requirement, target):
        return ""  # a blank line, so that errors count the lines as before
    requirement.marker = None
    return str(requirement)


def _newest_glibc(target: Target) -> str:
    return str(_NO_GLIBC_LIMIT if target.libc == "musl" else target.libc.rpartition("_")[2])


def _reason(said: str, asked: list[str]) -> str:
    """Return pip's own explanation, or the last line of a traceback."""
    before = re.split(r"(?m)^(?:Traceback |The above exception )", said, maxsplit=1)
    kept = [line for line in before[0].splitlines() if not _NOT_A_REASON.match(line)]
    text = re.sub(r"(?m)^\s*ERROR: ", "", "\n".join(kept)).strip()
    if not text or "ERROR: " not in said:
        text = said.strip().rpartition("\n")[2]
    return _INPUT_LINE.sub(lambda line: asked[int(line[1]) - 1], text)
