"""Print errors, warnings and hints; nothing else in the package prints them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.output import console, is_quiet, on_terminal
from hatch_mlpackage.errors import ConfigurationError, Level, MLPackageError, Problem
from hatch_mlpackage.files.quoting import escaped

if TYPE_CHECKING:
    from rich.text import Text

_STYLES: dict[Level, str] = {"error": "bold red", "warning": "bold yellow", "hint": "bold blue"}


def print_error(error: MLPackageError) -> None:
    """Print a title and one line per problem to stderr."""
    if not on_terminal(stderr=True):
        click.echo("\n".join(map(escaped, error.report().split("\n"))), err=True)
        return
    screen = console(stderr=True)
    screen.print(_styled((f"Error[{error.code}]: ", _STYLES["error"]), (f"{error.heading}:", "bold")))
    problems = error.problems if isinstance(error, ConfigurationError) else (None,) * len(error.lines)
    for line, problem in zip(error.lines, problems, strict=True):
        screen.print(_styled(("  ", ""), *(_problem_parts(problem, line) if problem else [(line, "")])))


def print_notes(problems: Iterable[Problem]) -> None:
    """Print warnings and hints to stderr, unless quiet."""
    for problem in () if is_quiet() else problems:
        title = f"{problem.level.capitalize()}[{problem.code}]: "
        if on_terminal(stderr=True):
            console(stderr=True).print(_styled((title, _STYLES[problem.level]), *_problem_parts(problem, str(problem))))
        else:
            click.echo(f"{title}{escaped(str(problem))}", err=True)


def _problem_parts(problem: Problem, line: str) -> list[tuple[str, str]]:
    """Split a problem's line, with a style for each of its place, its text, its fix and the rest."""
    fix = f" {problem.fix}" if problem.fix else ""
    return [(problem.place, "bold"), (problem.what, ""), (fix, "green"), (line[len(str(problem)) :], "dim")]


def _styled(*parts: tuple[str, str]) -> Text:
    from rich.text import Text  # noqa: PLC0415 - for terminals only

    return Text.assemble(*((escaped(text), style) for text, style in parts))
