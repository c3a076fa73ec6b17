"""Recognise what a file is by its first bytes, whatever its name says and whichever framework it is declared for."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.model_file import ModelFile

_HEAD = 1 << 12  # bytes
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_OLD_PYTORCH = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # torch.save before PyTorch 1.6
_XGBOOST = re.compile(rb'\{\s*"learner"|\{L.{0,16}learner', re.DOTALL)  # as JSON, and as UBJSON
_ONNX = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x2a\x32\x3a\x42]")  # the version of the format, then another field
# Framework → what its archives are, and the ends of names that only they have.
_ARCHIVES = {
    "skops": ("an archive of skops", ("schema.json",)),
    "pytorch": (
        "an archive of PyTorch",
        ("/data.pkl", "/models/model.json", "serialized_exported_program.json"),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """Say what a file is, as the end of a sentence, and which framework reads it, if one does.

    `is_cut` says that bytes at its end are certainly missing.
    """

    what: str
    framework: str = ""
    is_cut: bool = False


def content_of(model: ModelFile) -> Content | None:
    """Recognise a file; return None for a folder, and for a file that has no mark of its own."""
    if model.is_folder:
        return None
    with model.file() as file:
        head = file.read(_HEAD)
    if head.startswith(b"PK\x03\x04"):
        return _archive(model)
    if head.startswith(_OLD_PYTORCH):
        return Content(what="a file of PyTorch from before 1.6", framework="pytorch")
    if _PICKLE.match(head):
        return Content(what="a pickle", framework="sklearn")
    if _PICKLE.match(_inflated(model)):
        return Content(what="a compressed pickle", framework="sklearn")
    return _plain(head)


def _plain(head: bytes) -> Content | None:
    if not head:
        return Content(what="empty")
    if head.startswith(b"version https://git-lfs.github.com/"):
        return Content(what="a pointer of Git LFS, whose file `git lfs pull` fetches")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Content(what="an HDF5 file, as Keras writes them")
    if head.startswith(b"tree\n"):
        return Content(what="a model of LightGBM", framework="lightgbm")
    if _XGBOOST.match(head):
        return Content(what="a model of XGBoost", framework="xgboost")
    return Content(what="a model in ONNX", framework="onnx") if _ONNX.match(head) else None


def _archive(model: ModelFile) -> Content:
    with model.file() as file:
        if not zipfile.is_zipfile(file):
            return Content(what="a zip archive that is cut short", is_cut=True)
    try:
        with model.archive() as archive:
            names = archive.names
    except (ValueError, OSError, zipfile.BadZipFile, NotImplementedError):
        return Content(what="a damaged zip archive")
    for framework, (what, ends) in _ARCHIVES.items():
        if any(name.endswith(ends) for name in names):
            return Content(what=what, framework=framework)
    return Content(what="a zip archive")


def _inflated(model: ModelFile) -> bytes:
    """Return the first bytes of what is compressed in a file; nothing where that cannot be read."""
    try:
        with model.stream() as stream:
            return stream.read(2)
    except Exception:  # noqa: BLE001 - each decompressor has errors of its own, and the file is then of another kind
        return b""
