"""Find the lock of another tool beside pyproject.toml: uv's is read, and the others have programs that export them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.keys import KEY, NO_PYLOCK

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

UV_LOCK = "uv.lock"
# The lock of each tool, and the command that writes its pins as a requirements file.
_EXPORTS = {
    "poetry.lock": "poetry export --output requirements.txt` (plugin poetry-plugin-export)",
    "pdm.lock": "pdm export --prod --format requirements --output requirements.txt`",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt`",
}


def refuse_foreign_lock(root: Path, problems: Problems, *, uses_uv: bool) -> str | None:
    """Return uv's lock where it is the only one; report a lock whose versions would silently be others in the image."""
    known = ((UV_LOCK,) if uses_uv else ()) + tuple(_EXPORTS)
    found = [name for name in known if (root / name).is_file()]
    if len(found) > 1:
        what = "lie beside each other, and only one of them can be meant."
        problems.add(" and ".join(found), what, f'Name one, pylock = "{found[0]}", or "{NO_PYLOCK}", in [{KEY}].')
    elif found and found[0] != UV_LOCK:
        what = "has the versions of the project, and mlpackage cannot read it: the image would have others."
        problems.add(found[0], what, f'{_export(found[0])} Or set pylock = "{NO_PYLOCK}" to resolve anew.')
    return UV_LOCK if found == [UV_LOCK] else None


def how_to_export(path: str) -> str:
    """Return the next step for a lock of another tool, empty for any other file."""
    name = PurePosixPath(path).name
    return _export(name) if name in _EXPORTS else ""


def _export(name: str) -> str:
    return f'Run `{_EXPORTS[name]}, and set requirements = ["requirements.txt"] in [{KEY}].'
