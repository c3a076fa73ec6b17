"""The errors a user can meet: each says what happened, where, and the next step, and knows its exit status."""

from __future__ import annotations

from dataclasses import dataclass


class MLPackageError(Exception):
    """Base of every error that is shown to the user as text, never as a traceback."""

    exit_status = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong with the input.

    `where` is a full TOML key (`tool.mlpackage.models[0].path`) or `file:line`; `what` states the fact with the
    offending value; `fix` is the next step.
    """

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" {self.fix}" if self.fix else "")


class Problems:
    """Collects problems while a whole input is read, so that all of them are reported at once."""

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

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


class LockError(MLPackageError):
    """The lock is missing, stale or damaged, or the requirements cannot be locked."""


class ContextError(MLPackageError):
    """A context cannot be written or read: a foreign folder in the way, a full disk, a source that changed."""


class UnavailableError(MLPackageError):
    """Something outside is missing or failed: the network, a package index, a container engine."""

    exit_status = 4


class EntryScriptError(MLPackageError):
    """The entry script could not start."""

    exit_status = 3
