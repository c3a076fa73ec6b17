"""Warn of links that lead out of the project: what they bring into the image differs from machine to machine.

A link in a cloned project may also lead to a file that is nobody else's, such as a key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.context.plan import ContextFile
from hatch_mlpackage.context.user_files import allowing, place_of
from hatch_mlpackage.errors import Problem
from hatch_mlpackage.files.patterns import matching
from hatch_mlpackage.files.read import real_path

OUTSIDE = "outside-link"


def link_problems(files: Iterable[ContextFile], root: Path, allowed: Collection[str] = ()) -> Iterator[Problem]:
    """Yield a warning of each link that leads out of the project, once for all files below it.

    `allowed` are patterns of `.gitignore` for the paths of links that are meant to.
    """
    is_allowed = matching(allowed)
    search = _Search(root=root, top=real_path(root), known={root: None})
    links = {search.link_of(place) for file in files if (place := place_of(file))}
    for link in sorted(filter(None, links)):
        shown = link.relative_to(root).as_posix()
        if not is_allowed(shown):
            yield Problem(
                where=shown,
                what=f"is a link out of the project, to {real_path(link)}.",
                fix=f"Copy what is there into the project. {allowing('allowed-links', shown)}",
                level="warning",
                code=OUTSIDE,
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    """Find links below `root`, which is really at `top`; `known` has what was found for folders."""

    root: Path
    top: Path
    known: dict[Path, Path | None]

    def link_of(self, place: Path) -> Path | None:
        """Return the outermost link on the way to a place that leads out of the project."""
        above = self._link_of_folder(place.parent)
        leads_out = above is None and place.is_symlink() and not real_path(place).is_relative_to(self.top)
        return place if leads_out and place.is_relative_to(self.root) else above

    def _link_of_folder(self, folder: Path) -> Path | None:
        if folder not in self.known:
            self.known[folder] = self.link_of(folder) if folder.is_relative_to(self.root) else None
        return self.known[folder]
