"""Find the modules of the project that fail when they are imported, because they cannot be parsed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Problem

if TYPE_CHECKING:
    from hatch_mlpackage.project.sources.tree import Tree

UNPARSED = "syntax-error"


def unparsed_sources(tree: Tree) -> Iterator[Problem]:
    """Yield each module that the script leads to and that cannot be parsed; the script has a reader of its own."""
    for place, file in tree.reached.items():
        if file.unparsed and place != tree.entry and file.when != "guarded":
            yield Problem(
                where=f"{file.path}:{file.unparsed.line}",
                what=file.unparsed.what,
                fix=file.unparsed.fix,
                level="error" if file.when == "always" else "warning",
                code=UNPARSED,
            )
