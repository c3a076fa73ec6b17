"""Fetches models that are declared by URL, and records which bytes they were.

`locks/models.toml` holds the sha256 of each; the bytes themselves lie in the user's cache under that name, so that a
context is made without a network, and a project that is cloned elsewhere fetches the very same file.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from hatch_mlpackage.errors import LockError, UnavailableError, explained
from hatch_mlpackage.files.parse import merge_conflict, parse_toml, text_of
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.project.config.keys import Model

MODELS = "models.toml"
_CHUNK = 4 << 20
_NEWS_AFTER = 5.0  # seconds
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
    """Drop what may be a secret of a URL: a password, and a query, which signed URLs consist of."""
    parts = urlsplit(url)
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


def place_of(cache: Path, sha256: str) -> Path:
    return cache / "models" / sha256


def fetch_model(model: Model, *, locked: RemoteModel | None, cache: Path, report: Callable[[str], None]) -> RemoteModel:
    """Return the record of a model whose bytes are in the cache then; what is there already is not fetched again.

    `locked` is the record whose bytes it must have, or None to take what the URL has now. Raises LockError when the
    URL has no such file or another one, UnavailableError when it cannot be read.
    """
    if locked is not None and place_of(cache, locked.sha256).is_file():
        return locked
    shown = f"{model.name} {model.version} ({public(model.path)})"
    partial, sha256, size = _download(model.path, shown, cache, report)
    try:
        if locked is not None and sha256 != locked.sha256:
            raise LockError(
                f"The model {shown} is another file than the one that was locked: sha256 {sha256}, "
                f"not {locked.sha256}. Run `mlpackage lock --upgrade` to take it."
            )
        partial.replace(place_of(cache, sha256))
    finally:
        partial.unlink(missing_ok=True)
    report(f"Fetched the model {shown}, {size / 1e6:.1f} MB.")
    return RemoteModel(name=model.name, version=model.version, url=public(model.path), sha256=sha256, size=size)


def _download(url: str, shown: str, cache: Path, report: Callable[[str], None]) -> tuple[Path, str, int]:
    """Write what the URL has to a file beside its place; return the file, its sha256 and its size."""
    folder = place_of(cache, "").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _open(url, shown) as reader, NamedTemporaryFile(dir=folder, suffix=".partial", delete=False) as writer:
            try:
                return Path(writer.name), *_copy(reader, writer, shown, report)
            except BaseException:
                Path(writer.name).unlink()
                raise
    except FileNotFoundError as error:
        # fsspec says so of a server that cannot be reached, too; the cause tells them apart.
        if isinstance(error.__cause__, OSError):
            raise UnavailableError(f"The model {shown} cannot be fetched: {error.__cause__}") from error
        raise LockError(f"There is no model {shown}. Correct its path.") from None
    except ImportError as error:
        raise LockError(f"The model {shown} cannot be read without another package: {error}") from None
    except (LockError, KeyboardInterrupt):
        raise
    except Exception as error:
        # Each of fsspec's file systems raises what its library does.
        raise UnavailableError(f"The model {shown} cannot be fetched: {type(error).__name__}: {error}") from error


def _open(url: str, shown: str) -> Any:
    try:
        import fsspec  # noqa: PLC0415 - an extra
    except ImportError:
        raise LockError(
            f'The model {shown} is fetched with fsspec. Install it with: pip install "hatch-mlpackage[remote]"'
        ) from None
    return fsspec.open(url, "rb")


def _copy(reader: IO[bytes], writer: IO[bytes], shown: str, report: Callable[[str], None]) -> tuple[str, int]:
    digest, size, start = hashlib.sha256(), 0, time.monotonic()
    news = start + _NEWS_AFTER
    while chunk := reader.read(_CHUNK):
        with explained(writer.name, LockError):
            writer.write(chunk)
        digest.update(chunk)
        size += len(chunk)
        if (now := time.monotonic()) > news:
            news = now + _NEWS_AFTER
            report(f"Fetching {shown}: {size / 1e6:.0f} MB at {size / 1e6 / (now - start):.1f} MB/s.")
    return digest.hexdigest(), size


def by_model(models: Iterable[RemoteModel]) -> Mapping[tuple[str, str], RemoteModel]:
    return {(model.name, model.version): model for model in models}
