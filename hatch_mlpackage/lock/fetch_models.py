"""Fetch the file of a model that is declared by URL into the user's cache, and make sure that it is the right one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hatch_mlpackage.errors import LockError, UnavailableError, explained
from hatch_mlpackage.files.partial import partial_file
from hatch_mlpackage.lock.models import RemoteModel, place_of, public
from hatch_mlpackage.project.config.keys import Model
from hatch_mlpackage.project.config.model_url import DEFAULT_MAX_MB

if TYPE_CHECKING:
    from hatch_mlpackage.lock.remote.web import Reader

_CHUNK = 1 << 18  # bytes: a slow server sends fewer between two lines of progress
_MB = 1_000_000
_NEWS_AFTER = 5.0  # seconds


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
    with ExitStack() as stack:
        with _naming(shown):
            folder = place_of(how.cache, "").absolute()
            folder.mkdir(parents=True, exist_ok=True)
            partial = stack.enter_context(partial_file(folder))
            sha256, size = _download(model, shown, locked.size if locked else None, how, partial)
        if expected and sha256 != expected:
            raise LockError(_another_file(shown, sha256, expected, locked=locked is not None))
        partial.replace(place_of(how.cache, sha256))
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


def _download(model: Model, shown: str, size: int | None, how: Fetch, partial: Path) -> tuple[str, int]:
    """Write what the URL has to a file beside its place; return its sha256 and its size."""
    from hatch_mlpackage.lock.remote.stores import open_model  # noqa: PLC0415 - `hatch build` opens no socket

    limit = _Limit(shown=shown, most=(model.max_size_mb or DEFAULT_MAX_MB) * _MB, size=size)
    with open_model(model.path, how.private_hosts) as reader, partial.open("wb") as writer:
        return _copy(reader, writer, limit, how.report)


@contextmanager
def _naming(shown: str) -> Iterator[None]:
    """Raise what a store or its library raises as an error that names the model."""
    try:
        yield
    except FileNotFoundError as error:
        # A file system may say so of a server that cannot be reached, too; the cause tells them apart.
        if isinstance(error.__cause__, OSError):
            raise UnavailableError(f"The model {shown} cannot be fetched: {error.__cause__}") from error
        raise LockError(f"There is no model {shown}. Correct its path.") from None
    except ImportError as error:
        raise LockError(f"The model {shown} cannot be read without another package: {error}") from None
    except _TooLargeError:
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
