"""The one place that prints errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.output import console, on_terminal, plural
from hatch_mlpackage.errors import (
    ConfigurationError,
    ContextError,
    EntryScriptError,
    LockError,
    MLPackageError,
    Problem,
    UnavailableError,
)

if TYPE_CHECKING:
    from rich.text import Text

_TITLES: dict[type[MLPackageError], str] = {
    LockError: "The lock cannot be used",
    ContextError: "The context cannot be written or read",
    UnavailableError: "Something outside is missing or failed",
    EntryScriptError: "The entry script cannot start",
}


def print_error(error: MLPackageError) -> None:
    """Print a title and one line per problem to stderr."""
    lines = error.problems if isinstance(error, ConfigurationError) else tuple(str(error).splitlines())
    if not on_terminal(stderr=True):
        click.echo(f"Error: {title_of(error)}:", err=True)
        for line in lines:
            click.echo(f"  {line}", err=True)
        return
    screen = console(stderr=True)
    screen.print(_styled(("Error: ", "bold red"), (f"{title_of(error)}:", "bold")))
    for line in lines:
        screen.print(_problem(line) if isinstance(line, Problem) else _styled((f"  {line}", "")))


def title_of(error: MLPackageError) -> str:
    if isinstance(error, ConfigurationError):
        return f"{plural(len(error.problems), 'problem')} in the configuration or the files it names"
    return next((title for kind, title in _TITLES.items() if isinstance(error, kind)), "It cannot be done")


def _problem(problem: Problem) -> Text:
    fix = f" {problem.fix}" if problem.fix else ""
    return _styled((f"  {problem.where}", "bold"), (f": {problem.what}", ""), (fix, "green"))


def _styled(*parts: tuple[str, str]) -> Text:
    from rich.text import Text  # noqa: PLC0415 - for terminals only

    return Text.assemble(*parts)
