"""Define the errors that a user can meet: each says what happened, where, and the next step, and has an exit status."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hatch_mlpackage.redaction import redact

Level = Literal["error", "warning", "hint"]

INTERRUPTED = 130  # the exit status after Ctrl-C, as shells report it


class MLPackageError(Exception):
    """Base of every error that is shown to the user as text, never as a traceback, and without secrets of URLs.

    `code` names the kind of error, which docs/errors.md explains; `heading` is printed before the `lines` of the text.
    `command` is what the user ran, if that is known.
    """

    exit_status = 1
    code = "failed"
    title = ""
    command = ""

    def __init__(self, *said: object) -> None:
        super().__init__(*(redact(text) if isinstance(text, str) else text for text in said))

    @property
    def heading(self) -> str:
        return self.title or f"{self.command or 'The build'} failed"

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(str(self).splitlines())

    def report(self) -> str:
        """Return the whole error as text, the same on the command line, in Hatch and in other front ends."""
        return "\n  ".join((f"Error[{self.code}]: {self.heading}:", *self.lines))


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong with the input, may be wrong (a warning) or is worth knowing (a hint).

    `where` is a full TOML key (`tool.mlpackage.models[0].path`) or `file:line`; `what` states the fact with the
    offending value, and names the place if `where` is empty; `fix` is the next step; `code` is the kind of problem,
    which docs/errors.md explains. `at` is the `file:line` of the key in `where`, or the line where it belongs.
    """

    where: str
    what: str
    fix: str = ""
    level: Level = "error"
    code: str = "configuration"
    at: str = ""

    def __post_init__(self) -> None:
        for name in ("where", "what", "fix"):
            object.__setattr__(self, name, redact(getattr(self, name)))

    @property
    def place(self) -> str:
        """Return the place, as it stands before the text: `pyproject.toml:12: tool.mlpackage.entry-script: `."""
        return "".join(f"{part}: " for part in (self.at, self.where) if part)

    def __str__(self) -> str:
        return f"{self.place}{self.what}" + (f" {self.fix}" if self.fix else "")


class Problems:
    """Collect problems while a whole input is read, so that all of them are reported at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, where: str, what: str, fix: str = "") -> None:
        self._found.append(Problem(where=where, what=what, fix=fix))

    @property
    def found(self) -> tuple[Problem, ...]:
        return tuple(self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise ConfigurationError(self.found)


class ConfigurationError(MLPackageError):
    """Every problem of the configuration and of the files it names, reported together."""

    code = "configuration"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))

    @property
    def heading(self) -> str:
        count = len(self.problems)
        counted = "1 problem" if count == 1 else f"{count} problems"
        return f"{counted} in the configuration or the files it names"

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(
            f"{problem}" if problem.code == self.code else f"{problem} [{problem.code}]" for problem in self.problems
        )


class LockError(MLPackageError):
    """The lock is missing, stale or damaged, or the requirements cannot be locked."""

    code = "lock"
    title = "The lock cannot be used"


class ContextError(MLPackageError):
    """A context cannot be written or read: a foreign folder in the way, a full disk, a source that changed."""

    code = "context"
    title = "The context cannot be written or read"


class UnavailableError(MLPackageError):
    """Something outside is missing or failed: the network, a package index, a container engine."""

    exit_status = 4
    code = "unavailable"
    title = "Something outside is missing or failed"


class EntryScriptError(MLPackageError):
    """The entry script could not start."""

    exit_status = 3
    code = "entry-script"
    title = "The entry script cannot start"


class PortError(MLPackageError):
    """The server could not listen on its port; the status is that of the server itself."""

    exit_status = 3
    code = "port"
    title = "The server cannot listen"


@contextmanager
def explained(path: Path | str, kind: type[MLPackageError] = ContextError) -> Iterator[None]:
    """Raise an error of the operating system as an MLPackageError that names the file and says that nothing was lost.

    The error names `path` if the system names no file. A BrokenPipeError passes: a reader may leave when it likes.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        reason = "no space left. Free some, or choose another disk" if full else error.strerror or str(error)
        raise kind(f"{error.filename or path}: {reason}. What was there before is unchanged.") from error
