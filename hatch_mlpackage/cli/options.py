"""Define the kinds of paths and the options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

Returned = TypeVar("Returned")
VerbFunction = Callable[..., Returned]

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXISTING_PATH = click.Path(exists=True, path_type=Path)


def add_options(
    verb: VerbFunction[Returned], options: Sequence[Callable[[VerbFunction[Returned]], VerbFunction[Returned]]]
) -> VerbFunction[Returned]:
    """Decorate a verb with options, which `--help` then lists in the given order."""
    for option in reversed(options):
        verb = option(verb)
    return verb


def folder_option(text: str) -> Callable[[VerbFunction[Returned]], VerbFunction[Returned]]:
    return click.option(
        "--project", "folder", type=EXISTING_FOLDER, default=Path(), show_default="the current folder", help=text
    )


def json_option(text: str = "Print a JSON document.") -> Callable[[VerbFunction[Returned]], VerbFunction[Returned]]:
    return click.option("--json", "as_json", is_flag=True, help=text)
