"""Check a path in `[tool.mlpackage]`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.keys import leads_outside

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems


def check_path(root: Path, path: str, where: str, problems: Problems) -> Path | None:
    """Return the existing path below the root, or report why there is none."""
    if leads_outside(path):
        problems.add(
            where,
            f"'{path}' is outside the project.",
            "Copy it into the project, or place a symbolic link to it there and name the link.",
        )
        return None
    found = root / path
    if not found.exists():
        problems.add(where, f"'{path}' does not exist in {root}.", _missing_fix(root, path))
        return None
    return found


def _missing_fix(root: Path, path: str) -> str:
    with_slashes = path.replace("\\", "/")
    if with_slashes != path and (root / with_slashes).exists():
        return f"Write it with slashes, on every system: '{with_slashes}'."
    parent = (root / path).parent
    if (root / "PKG-INFO").is_file():
        return (
            "This is an unpacked source distribution, which holds no ignored files: build the wheel from the checkout "
            "(`python -m build --wheel`), or add the file to `artifacts` in [tool.hatch.build.targets.sdist]."
        )
    siblings = [item.name for item in parent.iterdir()] if parent.is_dir() else []
    close = did_you_mean(PurePosixPath(path).name, siblings)
    return close or "Create it, or correct the path (relative to the project's folder)."
