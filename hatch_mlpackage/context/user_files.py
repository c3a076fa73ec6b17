"""Name the user's files behind those of a context, and match them with what the project allows."""

from __future__ import annotations

import re
from pathlib import Path

from hatch_mlpackage.context.plan import ContextFile
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.files.tree import place_below

_SPECIAL, _ESCAPED = re.compile(r"[\\*?\[\]]"), r"\\\g<0>"  # characters with a meaning in patterns of .gitignore


def place_of(file: ContextFile) -> Path | None:
    """Return the user's file from which a file of the context is made, None where there is none."""
    place = file.origin or file.source
    return place if isinstance(place, Path) and file.layer != "runtime" else None


def shown_path(file: ContextFile, place: Path, root: Path) -> str:
    """Return a file's path in the project, or in the context for a file from elsewhere."""
    return place_below(place, root) or file.path


def allowing(key: str, path: str) -> str:
    """Say how a project allows a path."""
    return f"If it is meant to be there: {key} = [{pattern_of(path)}]."


def pattern_of(path: str) -> str:
    """Return the pattern of exactly one path, as a string of TOML."""
    return toml_string("/" + _SPECIAL.sub(_ESCAPED, path))
