"""Run either resolver as a child process, and explain its failures."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import AnyStr, NoReturn

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.project.target import Target
from hatch_mlpackage.redaction import redact

# Fixed names, relative to the task's folder: the lock's `# via -r …` comments repeat them.
INPUT = "requirements.in"
CONSTRAINTS = "constraints.txt"
KEPT = "kept.txt"  # the versions of the earlier lock that must stay; the lock's comments leave it out
OUTPUT = "requirements.txt"

NEWS_AFTER = 15.0  # seconds
_LONGEST_REASON = 12  # lines
# Each entry: what a resolver prints when something outside fails, and the next step. These are searched first: a
# resolver that cannot read an index ends with a conflict of versions, which must not be reported as the cause.
_OUTSIDE = (
    (
        r"\b40[13] (?:Client Error|Unauthorized|Forbidden)",
        "The index refuses: give the resolver credentials for it in ~/.netrc, keyring or its own variables.",
    ),
    (
        r"certificate verify failed|invalid peer certificate|confirming the ssl certificate|UnknownIssuer",
        "The index's certificate is not trusted here: name your organisation's CA bundle in SSL_CERT_FILE.",
    ),
    (r"network was disabled", "The resolver is set to stay offline: unset UV_OFFLINE."),
    (
        (
            r"error sending request|HTTP status server error|too many 50\d error|\b50\d Server Error"
            r"|operation timed out|Max retries exceeded|Retry\(total=0,"
            r"|Could not fetch URL \S+ (?:connection error|timed out)"
        ),
        "Check the network and the index's URL, and try again.",
    ),
)
# What a resolver prints when it cannot write on this machine; a full disk has its own next step.
_UNWRITABLE = (
    r"Failed to initialize cache at (?!.*No space left)|(?:Permission denied|Read-only file system) \(os error"
    r"|\[Errno (?:13|30)\]"
)
# Each entry: what a resolver prints about requirements that cannot be locked, and the next step; the last fits all.
_INSIDE = (
    (
        r"No space left on device|Disk quota exceeded",
        "The disk is full: free some space, or set TMPDIR and UV_CACHE_DIR to folders on another disk.",
    ),
    (
        r"\b(?:Attribute|Import|Index|Key|ModuleNotFound|Type)Error: ",
        "The resolver itself failed: bring pip-tools and pip up to date, or lock with uv.",
    ),
    (
        r"(?i)do not match the hashes|Hash mismatch for|\bGot +(?:sha256:)?[0-9a-f]{64}",
        (
            "The index serves another file than the one that it announces: somebody may have replaced it, or a proxy "
            "damages it. Empty the cache of the resolver and try again, else ask whoever runs the index."
        ),
    ),
    (
        r"not found in the package registry|from versions: none\)",
        (
            "None of the indexes has a wheel of it: check the spelling, and that the index which has it is set, in "
            "the settings of uv or pip, or by --extra-index-url in a requirements file."
        ),
    ),
    (
        r"no usable wheels|no wheels|building from source is disabled",
        (
            "Only wheels are locked, as the image has no compiler: choose a version that has a wheel for the image. If "
            "there is only a source archive, name the package in build-from-source, and `mlpackage lock` builds it."
        ),
    ),
    (r"", "Loosen one of these, or change the image's Python or platform, and run `mlpackage lock` again."),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One resolution, whose inputs and output lie in `folder` under the fixed names.

    `is_check` tells that versions are chosen already, so that no others are looked for where they do not fit.
    """

    folder: Path
    requirements: Requirements
    target: Target
    upgrade: bool
    report: Callable[[str], None]
    is_check: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A resolver's exit status, and all that it printed, without credentials."""

    status: int
    said: str


def run(
    command: Sequence[str], environment: Mapping[str, str], task: Task, *, doing: str = "resolving", umask: int = -1
) -> Outcome:
    """Run a resolver in the task's folder; it never outlives the call, whatever interrupts it."""
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(task.folder))  # removed with the folder, even after a kill
    with subprocess.Popen(
        command,
        cwd=task.folder,
        env={**environment, **temporary},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        umask=umask,
    ) as process:
        said, _ = wait_for(process, task.report, doing)
    return Outcome(status=process.returncode, said=redact(said.decode("utf-8", "replace")))


def wait_for(
    process: subprocess.Popen[AnyStr], report: Callable[[str], None], doing: str, question: AnyStr | None = None
) -> tuple[AnyStr, AnyStr]:
    """Give a child process its input, and return what it prints; report every few seconds that it still runs."""
    waited = 0.0
    try:
        while True:
            try:
                return process.communicate(question, timeout=NEWS_AFTER)
            except subprocess.TimeoutExpired:
                question = None  # it has it
                waited += NEWS_AFTER
                report(f"Still {doing} after {waited:.0f} seconds.")
    except BaseException:
        process.kill()
        process.wait()  # after an interrupt, leaving the `with` of a process does not
        raise


def first_lines(text: str, most: int) -> str:
    """Return the first lines of a text that are not blank, indented, and an ellipsis where there are more."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[:most] + (["…"] if len(lines) > most else []))


def fail(task: Task, outcome: Outcome, reason: str, find_fix: Callable[[], str] = str) -> NoReturn:
    """Raise UnavailableError where something outside failed, or LockError for requirements that cannot be locked.

    `find_fix` looks for the next step of these requirements; where it finds none, there is one for such failures.
    """
    text = first_lines(reason, _LONGEST_REASON) or f"  It printed nothing, and ended with status {outcome.status}."
    raise_if_outside(outcome, text)
    said = " ".join(outcome.said.split())
    fix = find_fix() or next(fix for pattern, fix in _INSIDE if re.search(pattern, said))
    raise LockError(f"The requirements cannot be locked for {task.target}:\n{text}\n{fix}")


def raise_if_outside(outcome: Outcome, shown: str) -> None:
    """Raise UnavailableError with the shown part of the output when the index or the network failed."""
    said = " ".join(outcome.said.split())  # resolvers wrap their lines anywhere
    for pattern, fix in _OUTSIDE:
        if re.search(pattern, said, re.IGNORECASE):
            raise UnavailableError(f"The package index could not be asked:\n{shown}\n{fix}")
    if re.search(_UNWRITABLE, said):
        raise UnavailableError(
            f"The resolver cannot write on this machine:\n{shown}\n"
            "Set UV_CACHE_DIR, or PIP_CACHE_DIR and PIP_TOOLS_CACHE_DIR, to a folder that you can write to."
        )
