"""What both resolvers share: the task, the child process, and how its failures are told to people."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError, UnavailableError

from .redact import redact

if TYPE_CHECKING:
    from hatch_mlpackage.target import Target

    from .requirements import Requirements

# Fixed names, relative to the task's folder: the lock's `# via -r …` comments repeat them.
INPUT = "requirements.in"
CONSTRAINTS = "constraints.txt"
OUTPUT = "requirements.txt"

_NEWS_AFTER = 15.0  # seconds
_LONGEST_REASON = 12  # lines
# Each: what a resolver's message shows when something outside failed, and the next step. The order counts: an index
# that refuses us, or cannot be reached, must not be told as a conflict of versions, which is what resolvers end with.
_OUTSIDE = tuple(
    (re.compile(pattern, re.IGNORECASE), fix)
    for pattern, fix in (
        (
            r"\b40[13]\b|unauthorized|forbidden|authentication credentials",
            "The index refuses: give the resolver credentials for it in ~/.netrc, keyring or its own variables.",
        ),
        (
            r"certificate|UnknownIssuer|SSLError|TLS handshake",
            "The index's certificate is not trusted: name your organisation's CA bundle in SSL_CERT_FILE.",
        ),
        (r"network was disabled|--offline", "The resolver was told to stay offline: unset UV_OFFLINE."),
        (
            (
                r"error sending request|failed to fetch|failed to download|HTTP status server error|\b50[0234] Server"
                r"|Could not fetch URL \S+ (?:connection error|timed out)|Retry\(total=0,|retries exceeded"
            ),
            "Check the network and the index's URL, and try again.",
        ),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One resolution: its inputs lie in `folder` under the fixed names, and its output goes there."""

    folder: Path
    requirements: Requirements
    target: Target
    upgrade: bool
    report: Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a resolver ended: its exit status and all it said, without credentials."""

    status: int
    said: str


def run(command: Sequence[str], environment: Mapping[str, str], task: Task) -> Outcome:
    """Run a resolver to its end in the task's folder; it never outlives the call, whatever interrupts it."""
    with subprocess.Popen(
        command,
        cwd=task.folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            said = _wait(process, task.report)
        except BaseException:
            process.kill()
            raise
    return Outcome(status=process.returncode, said=redact(said.decode("utf-8", "replace")))


def _wait(process: subprocess.Popen[bytes], report: Callable[[str], None]) -> bytes:
    waited = 0.0
    while True:
        try:
            return process.communicate(timeout=_NEWS_AFTER)[0]
        except subprocess.TimeoutExpired:
            waited += _NEWS_AFTER
            report(f"Still resolving after {waited:.0f} seconds.")


def fail(task: Task, said: str, reason: str) -> None:
    """Raise what the failed resolver's message means: something outside, or requirements that cannot be locked."""
    lines = [line.rstrip() for line in reason.splitlines() if line.strip()]
    shown = lines[:_LONGEST_REASON] + (["…"] if len(lines) > _LONGEST_REASON else [])
    text = "\n".join(f"  {line}" for line in shown) or "  (the resolver said nothing)"
    for outside, fix in _OUTSIDE:
        if outside.search(said):
            raise UnavailableError(f"The package index could not be asked:\n{text}\n{fix}")
    raise LockError(
        f"The requirements cannot be locked for {task.target}:\n{text}\n"
        "Change a requirement, or the image's Python or platform, and run `mlpackage lock` again. Only wheels are "
        "locked: each package needs one for the image."
    )
