"""Fetches models that are declared by URL, and records which bytes they were.

`locks/models.toml` holds the sha256 of each; the bytes themselves lie in the user's cache under that name, so that a
context is made without a network, and a project that is cloned elsewhere fetches the very same file.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from hatch_mlpackage.errors import LockError, UnavailableError, explained
from hatch_mlpackage.files.parse import merge_conflict, parse_toml, text_of
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.project.config.keys import Model
from hatch_mlpackage.project.config.model_url import DEFAULT_MAX_MB, needs_hash

if TYPE_CHECKING:
    from hatch_mlpackage.lock.remote.web import Reader

MODELS = "models.toml"
_CHUNK = 4 << 20
_MB = 1_000_000
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
        if not re.fullmatch("[0-9a-f]{64}", str(model.sha256)):
            raise _damaged(f"the sha256 of {model.name} is not a hash")
        if type(model.size) is not int:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """How to fetch a model: where to, from which private hosts it may come, and whom to tell."""

    cache: Path
    private_hosts: Collection[str] = ()
    report: Callable[[str], None]


def fetch_model(model: Model, *, locked: RemoteModel | None, how: Fetch) -> RemoteModel:
    """Return the record of a model whose bytes are in the cache then; what is there already is not fetched again.

    `locked` is the record whose bytes it must have, or None to take what the URL has now; a hash in the configuration
    holds in both cases. Raises LockError when the URL has no such file, another one or too large a one, and
    UnavailableError when it cannot be read.
    """
    expected = locked.sha256 if locked else model.sha256
    place = place_of(how.cache, expected or "-")
    if expected and place.is_file():
        return locked or _record(model, expected, place.stat().st_size)
    shown = f"{model.name} {model.version} ({public(model.path)})"
    partial, sha256, size = _download(model, shown, locked.size if locked else None, how)
    try:
        if expected and sha256 != expected:
            raise LockError(_another_file(shown, sha256, expected, locked=locked is not None))
        partial.replace(place_of(how.cache, sha256))
    finally:
        partial.unlink(missing_ok=True)
    how.report(f"Fetched the model {shown}, {size / 1e6:.1f} MB.")
    return _record(model, sha256, size)


def _record(model: Model, sha256: str, size: int) -> RemoteModel:
    return RemoteModel(name=model.name, version=model.version, url=public(model.path), sha256=sha256, size=size)


def _another_file(shown: str, sha256: str, expected: str, *, locked: bool) -> str:
    if locked:
        return (
            f"The model {shown} is another file than the one that was locked: sha256 {sha256}, "
            f"not {expected}. Run `mlpackage lock --upgrade` to take it."
        )
    return (
        f"The model {shown} is another file than the one that pyproject.toml names: sha256 {sha256}, "
        f"not {expected}. Nothing of it was kept. Ask its author, or correct the sha256 in the model's table."
    )


def _download(model: Model, shown: str, size: int | None, how: Fetch) -> tuple[Path, str, int]:
    """Write what the URL has to a file beside its place; return the file, its sha256 and its size."""
    from hatch_mlpackage.lock.remote.stores import open_model  # noqa: PLC0415 - `hatch build` opens no socket

    folder = place_of(how.cache, "").absolute()
    limit = _Limit(shown=shown, most=(model.max_size_mb or DEFAULT_MAX_MB) * _MB, size=size)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            open_model(model.path, how.private_hosts) as reader,
            NamedTemporaryFile(dir=folder, suffix=".partial", delete=False) as writer,
        ):
            try:
                return Path(writer.name), *_copy(reader, writer, limit, how.report)
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
    except (_TooLargeError, KeyboardInterrupt):
        raise
    except (LockError, UnavailableError) as error:
        raise type(error)(f"The model {shown} cannot be fetched: {error}") from None
    except Exception as error:
        # Each of fsspec's file systems raises what its library does.
        raise UnavailableError(f"The model {shown} cannot be fetched: {type(error).__name__}: {error}") from error


class _TooLargeError(LockError):
    """Refuse a file that is larger than it may be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limit:
    """How large a model's file may be, in bytes; `size` is that of the locked file, None where none is locked."""

    shown: str
    most: int
    size: int | None

    def check(self, size: int) -> None:
        """Raise LockError as soon as too much has arrived, whatever the server said about the length."""
        if self.size is not None and size > self.size:
            raise _TooLargeError(
                f"The model {self.shown} is larger than the file that was locked ({self.size} bytes): it is another "
                "one. Run `mlpackage lock --upgrade` to take it."
            )
        if self.size is None and size > self.most:
            raise _TooLargeError(
                f"The model {self.shown} is larger than {self.most // _MB} MB. Nothing of it was kept. If it is to be "
                "as large, set max-size-mb in its table."
            )


def _copy(reader: Reader, writer: IO[bytes], limit: _Limit, report: Callable[[str], None]) -> tuple[str, int]:
    digest, size, start = hashlib.sha256(), 0, time.monotonic()
    news = start + _NEWS_AFTER
    while chunk := reader.read(_CHUNK):
        size += len(chunk)
        limit.check(size)
        with explained(writer.name, LockError):
            writer.write(chunk)
        digest.update(chunk)
        if (now := time.monotonic()) > news:
            news = now + _NEWS_AFTER
            report(f"Fetching {limit.shown}: {size / 1e6:.0f} MB at {size / 1e6 / (now - start):.1f} MB/s.")
    return digest.hexdigest(), size


def by_model(models: Iterable[RemoteModel]) -> Mapping[tuple[str, str], RemoteModel]:
    return {(model.name, model.version): model for model in models}
