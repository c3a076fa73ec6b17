"""The folder of a workspace: one writer at a time, and entries are written whole or not at all.

models/<name>/<version>/            model.json, and content/ with the model's one file or folder
environments/<name>/<version>.json  a registered environment
locks/<digest>/                     a package's locks, by the digest of their inputs
services/<name>/                    a local service: its record, its layout and its log
packages/                           contexts of running programs, removed when they end
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from hatch_mlpackage.azureml.exceptions import UserErrorException, WorkspaceException
from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.files.replace import replace_text
from hatch_mlpackage.files.run_background import is_running
from hatch_mlpackage.project.azureml_files.documents import read_document

_CLAIM = "claim"


class WorkspaceFolder(Protocol):
    """A workspace as the objects that are kept in it see it."""

    @property
    def name(self) -> str: ...

    @property
    def folder(self) -> Path: ...


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a folder against other processes and threads; make it where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        with contextlib.suppress(ImportError):  # a system without fcntl has no such locks
            import fcntl  # noqa: PLC0415 - POSIX only

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def own_folder(parent: Path, owner: object) -> Path:
    """Make a folder that is removed with its owner or the program, and remove the folders of killed programs."""
    with held(parent):
        with contextlib.suppress(ImportError):  # without fcntl, nothing tells whether a program was killed
            for left in named(parent):
                if not is_running(parent / left / _CLAIM):
                    shutil.rmtree(parent / left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(dir=parent))
        claim = (made / _CLAIM).open("wb")
        with contextlib.suppress(ImportError):
            import fcntl  # noqa: PLC0415 - POSIX only

            fcntl.flock(claim, fcntl.LOCK_EX)
    weakref.finalize(owner, _release, made, claim)
    return made


def _release(folder: Path, claim: IO[bytes]) -> None:
    claim.close()
    shutil.rmtree(folder, ignore_errors=True)


def numbered(folder: Path, suffix: str = "") -> list[int]:
    """List the versions that a folder's entries are named after, in order; none where the folder is missing."""
    try:
        names = [path.name.removesuffix(suffix) for path in folder.iterdir() if path.name.endswith(suffix)]
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def named(folder: Path) -> list[str]:
    """List the names of a folder's subfolders, in order; none where the folder is missing."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return []


def load_json(path: Path) -> dict[str, Any] | None:
    """Read what `write_json` wrote; None where the file is missing.

    Raises WorkspaceException where the file is damaged.
    """
    try:
        found = parse_json(file_bytes(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WorkspaceException(f"{path}: cannot be read: {error}. Restore the file, or remove its folder.") from None
    if not isinstance(found, dict):
        raise WorkspaceException(f"{path}: does not hold a JSON object. Restore the file, or remove its folder.")
    return found


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    replace_text(path, json.dumps(document, indent=2) + "\n")


def read_mapping(path: Path, otherwise: str) -> dict[str, Any]:
    """Read a user's JSON or YAML file that holds an object, as `mlpackage import-azureml` does.

    Raises UserErrorException, which begins with `otherwise` and lists every problem with its line, for any other
    contents, and FileNotFoundError where the file is missing.
    """
    problems = Problems()
    node = read_document(file_bytes(path), str(path), problems)
    found = node.plain() if node else None
    if not isinstance(found, dict):
        details = [str(problem) for problem in problems.found] or [str(path)]
        raise UserErrorException("\n".join([otherwise, *details]))
    return found
