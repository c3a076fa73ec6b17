"""Refuse to replace a file that has the name of a lock and that `mlpackage lock` did not write."""

from __future__ import annotations

import re
from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.parse import merge_conflict, text_of
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.project.config.keys import KEY, Config

_UNDECODABLE = "\N{REPLACEMENT CHARACTER}"
# Each is in every file of ours, and stays there when the file is cut short or merged by halves.
_LOCK = re.compile(r"^# (?:mlpackage-lock:|Locked for .* by hatch-mlpackage)", re.MULTILINE)
_PACKAGES = re.compile(r'"[\w.-]+==[^"\s]+": *\{|\A\s*\{\s*\}\s*\Z')
_CONDA_RECORD = re.compile(r'"digest": *"sha256:')
_BASE_IMAGE = re.compile(r"by hatch-mlpackage|^reference *=", re.MULTILINE)
_MODELS = re.compile(r"^# .*mlpackage lock|^sha256 *=", re.MULTILINE)


def refuse_link_outside(root: Path, config: Config) -> None:
    """Raise LockError where the folder of the locks is a link that leads out of the project."""
    if not real_path(root / config.lock_directory).is_relative_to(real_path(root)):
        raise LockError(
            f"{config.lock_directory} is a link that leads out of the project, where mlpackage writes nothing.\n"
            f"Make it a folder, or choose another one: lock-directory in [{KEY}]."
        )


def refuse_foreign_files(config: Config, locks: Locks) -> None:
    """Raise LockError for the first of the lock files that is not ours; a damaged file of ours may be replaced."""
    for path, content, mark in (
        (config.lock_path, locks.requirements, _LOCK),
        (config.packages_path, locks.packages_json, _PACKAGES),
        (config.conda_lock_path, locks.conda, _LOCK),
        (config.conda_record_path, locks.conda_file, _CONDA_RECORD),
        (config.base_image_path, locks.base_images, _BASE_IMAGE),
        (config.models_path, locks.remote_models, _MODELS),
    ):
        if not _is_ours(content, mark):
            raise LockError(
                f"{path} was not written by mlpackage, and locking would replace it.\n"
                f"Move it away, or choose another folder for the locks: lock-directory in [{KEY}]."
            )


def _is_ours(content: str | bytes | None, mark: re.Pattern[str]) -> bool:
    text = (text_of(content) if isinstance(content, bytes) else content) or ""
    if not text.strip() or mark.search(text):
        return True
    # The marks of these are inside the data, so that damage may hide them; the comments of the others survive it.
    return mark is not _LOCK and bool(_UNDECODABLE in text or merge_conflict(text))
