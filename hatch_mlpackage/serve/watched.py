"""Name the files that a service is made of, so that `serve --reload` can watch them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """Hold paths that are watched with everything below them, except logs, and folders of which only the code is.

    `code` has the folder in which a bare script runs: what else is written there is data, and may be the script's own.
    """

    whole: tuple[Path, ...] = ()
    code: tuple[Path, ...] = ()
