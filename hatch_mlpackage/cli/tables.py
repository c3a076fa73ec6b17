"""Draw tables and trees of files: with rich on terminals, and as aligned text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from hatch_mlpackage.cli.output import answer, console, on_terminal, plural, size

if TYPE_CHECKING:
    from rich.tree import Tree

_FOLD = 12  # files; a folder with more than that is shown as one line


class Sized(Protocol):
    """A file of a context: its path in it and its size in bytes."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeRow:
    """A line of a tree: a file, or a folder that stands for all its files."""

    path: str
    size: int
    files: int = 1

    @property
    def label(self) -> str:
        return f"{self.path}/ ({self.files} files)" if self.files > 1 else self.path


def draw_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, sizes: int | None = 1) -> None:
    """Print a table; the column of sizes, which `sizes` numbers, is aligned to the right."""
    if not on_terminal():
        for line in aligned([headings, *rows], sizes=sizes):
            answer(line)
        return
    from rich import box  # noqa: PLC0415 - for terminals only
    from rich.table import Table  # noqa: PLC0415 - for terminals only

    table = Table(box=box.SIMPLE_HEAD)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index == sizes else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def aligned(rows: Sequence[Sequence[str]], *, sizes: int | None = 1) -> list[str]:
    """Pad the cells of each column to one width, and align the column of sizes to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index == sizes else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def draw_tree(title: str, files: Iterable[Sized]) -> None:
    """Print the files of a context with their sizes; a folder of many files is one line."""
    rows = fold(files)
    if on_terminal():
        console().print(_nested_tree(title, rows))
        return
    answer(title)
    width = max((len(size(row.size)) for row in rows), default=0)
    for row in rows:
        answer(f"  {size(row.size):>{width}}  {row.label}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """A part of a tree of files: its name, a note about it, and its rows."""

    label: str
    note: str
    rows: Sequence[TreeRow]


def draw_branches(title: str, branches: Iterable[Branch]) -> None:
    """Draw a tree of several branches on a terminal."""
    from rich.text import Text  # noqa: PLC0415 - for terminals only
    from rich.tree import Tree  # noqa: PLC0415 - for terminals only

    top = Tree(Text(title, style="bold"))
    for branch in branches:
        below = top.add(Text.assemble((branch.label, "bold blue"), (f"  {branch.note}", "dim")))
        for row in branch.rows:
            below.add(Text.assemble(row.label, (f"  {size(row.size)}", "dim")))
    console().print(top)


def fold(files: Iterable[Sized]) -> list[TreeRow]:
    """Make a row for each file, but only one for a folder with more files than a person wants to read."""
    everything = tuple(files)
    totals: dict[str, tuple[int, int]] = {}
    for file in everything:
        for folder in _folders_above(file.path):
            count, total = totals.get(folder, (0, 0))
            totals[folder] = (count + 1, total + file.size)
    rows: dict[str, TreeRow] = {}
    for file in sorted(everything, key=lambda file: file.path):
        folder = next((name for name in _folders_above(file.path) if totals[name][0] > _FOLD), "")
        if folder:
            rows[folder] = TreeRow(path=folder, size=totals[folder][1], files=totals[folder][0])
        else:
            rows[file.path] = TreeRow(path=file.path, size=file.size)
    return list(rows.values())


def summary(files: Sequence[Sized]) -> str:
    return f"{plural(len(files), 'file')}, {size(sum(file.size for file in files))}"


def _folders_above(path: str) -> list[str]:
    """List the folders above a path, outermost first."""
    return [str(folder) for folder in reversed(PurePosixPath(path).parents) if folder.name]


def _nested_tree(title: str, rows: Iterable[TreeRow]) -> Tree:
    from rich.text import Text  # noqa: PLC0415 - for terminals only
    from rich.tree import Tree  # noqa: PLC0415 - for terminals only

    top = Tree(Text(title, style="bold"))
    branches = {"": top}
    for row in rows:
        parent = ""
        for folder in _folders_above(row.path):
            if folder not in branches:
                branches[folder] = branches[parent].add(Text(f"{PurePosixPath(folder).name}/", style="blue"))
            parent = folder
        name = PurePosixPath(row.label).name if row.files == 1 else row.label[len(parent) :].lstrip("/")
        branches[parent].add(Text.assemble(name, (f"  {size(row.size)}", "dim")))
    return top
