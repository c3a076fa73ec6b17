"""Record which bytes the models that are declared by URL were.

`locks/models.toml` holds the sha256 of each; the bytes themselves lie in the user's cache under that name, so that a
context is made without a network, and a project that is cloned elsewhere fetches the very same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.parse import merge_conflict, parse_toml, text_of
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.project.config.keys import Model
from hatch_mlpackage.project.config.model_url import needs_hash

MODELS = "models.toml"
_SAID = (
    "# Which bytes the models that are declared by URL were when they were fetched.\n"
    "# Fetch the same again with: mlpackage lock; what is there now with: mlpackage lock --upgrade\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteModel:
    """A fetched model: its URL without what may be secret, the sha256 of its bytes as hex, their number."""

    name: str
    version: str
    url: str
    sha256: str
    size: int


def public(url: str) -> str:
    """Drop what may be a secret of a URL: a password, and a query, which signed URLs consist of.

    The result is empty where the text is no URL, which is reported when the configuration is read.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def read_models(content: bytes | None) -> tuple[RemoteModel, ...]:
    """Read the record; raise LockError when it is damaged."""
    try:
        models = tuple(RemoteModel(**entry) for entry in parse_toml(content or b"").get("models", []))
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(merge_conflict(text_of(content) or "") or str(error)) from None
    for model in models:
        if not all(type(text) is str for text in (model.name, model.version, model.url)):
            raise _damaged("a name, a version or a URL in it is no text")
        if type(model.sha256) is not str or not re.fullmatch("[0-9a-f]{64}", model.sha256):
            raise _damaged(f"the sha256 of {model.name} is not a hash")
        if type(model.size) is not int or model.size < 0:
            raise _damaged(f"the size of {model.name} is no number of bytes")
    return models


def _damaged(reason: str) -> LockError:
    return LockError(
        f"{MODELS} is damaged: {reason}. Restore it from version control, or remove it and run `mlpackage lock`."
    )


def to_text(models: Iterable[RemoteModel]) -> str:
    """Write the record by hand: tomlkit comes with the extra `cli`, and fetching needs only the extra `remote`."""
    return _SAID + "".join(
        f"\n[[models]]\nname = {toml_string(model.name)}\nversion = {toml_string(model.version)}\n"
        f"url = {toml_string(model.url)}\nsha256 = {toml_string(model.sha256)}\nsize = {model.size}\n"
        for model in models
    )


def is_unproven(model: Model, locked: RemoteModel | None) -> bool:
    """Tell whether anyone on the way could replace the file of a model unnoticed."""
    return needs_hash(model.path) and not model.sha256 and locked is None


def place_of(cache: Path, sha256: str) -> Path:
    return cache / "models" / sha256


def by_model(models: Iterable[RemoteModel]) -> Mapping[tuple[str, str], RemoteModel]:
    return {(model.name, model.version): model for model in models}
