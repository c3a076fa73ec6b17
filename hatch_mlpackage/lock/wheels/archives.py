"""Find the source archives of pins on the index, and fetch them with their hashes checked."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.lock.pins.pins import Pin
from hatch_mlpackage.lock.resolve import index_settings, uv
from hatch_mlpackage.lock.resolve.pip_tools import is_installed
from hatch_mlpackage.lock.resolve.task import Task, first_lines, raise_if_outside, run

_PROGRAM = Path(__file__).with_name("fetch_archive.py")
_LONGEST_REASON = 4  # lines
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.(?:tar\.gz|tgz|tar\.bz2|tar\.xz|zip)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """The source archive of a pin: its file name, where the index has it, and its `sha256:…`."""

    pin: Pin
    file: str
    url: str
    digest: str


def find_archives(task: Task, pins: Sequence[Pin]) -> tuple[Archive, ...]:
    """Ask the index for the source archive of each pin; raise LockError or UnavailableError."""
    asking = uv.asking_for(task, pins, "archives")
    found = uv.find_archives(asking, tuple(pin.name for pin in pins))
    return tuple(_archive(pin, found.get(pin.name, {}), asking.folder) for pin in pins)


def has_wheel(task: Task, pin: Pin) -> bool:
    """Tell whether the index has a wheel of a pin for the image besides its archive."""
    if len(pin.hashes) == 1:  # the hashes are those of all its files
        return False
    return uv.compile_requirements(uv.asking_for(task, [pin], "wheels"), "--quiet", "--no-deps").status == 0


def _archive(pin: Pin, said: Mapping[str, Any], folder: Path) -> Archive:
    url = str(said.get("url") or (folder / str(said.get("path", ""))).absolute().as_uri())
    file = unquote(PurePosixPath(urlsplit(url).path).name)
    digest = f"sha256:{said.get('hashes', {}).get('sha256', '')}"
    if not _FILE_NAME.fullmatch(file):
        raise LockError(f"{pin}: the index names no source archive for it, but {file or 'nothing'}.")
    if digest not in pin.hashes:
        raise LockError(f"{pin}: the index gives no sha256 of {file}, without which it is not built.")
    return Archive(pin=pin, file=file, url=url, digest=digest)


def fetch_archive(task: Task, archive: Archive) -> Path:
    """Fetch an archive into the task's folder; raise LockError for another file, UnavailableError where it fails."""
    if not is_installed():
        raise LockError('A source archive is fetched with pip: pip install "hatch-mlpackage[cli]"')
    path = task.folder / archive.file
    command = [sys.executable, "-P", str(_PROGRAM), archive.url, str(path)]
    environment = index_settings.for_pip(os.environ, task.requirements.options)
    outcome = run(command, environment, task, doing=f"fetching {archive.file}")
    if outcome.status:
        shown = first_lines(outcome.said.strip().rpartition("\n")[2], _LONGEST_REASON)
        raise_if_outside(outcome, shown)
        raise UnavailableError(f"{archive.file} could not be fetched:\n{shown}\nRun `mlpackage lock` again.")
    found = f"sha256:{hash_file(path)}"
    if found != archive.digest:
        raise LockError(
            f"{archive.file} is another file than the one that the index announces: {archive.digest} is asked for, it "
            f"has {found}. Somebody may have replaced it, or a proxy damages it: ask whoever runs the index."
        )
    return path
