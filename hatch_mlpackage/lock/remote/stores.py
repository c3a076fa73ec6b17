"""Open the file of a model in an object store with fsspec, or on a web server without it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.remote.web import Reader, open_web
from hatch_mlpackage.project.config.model_url import STORES, WEB


def open_model(url: str, private_hosts: Collection[str]) -> AbstractContextManager[Reader]:
    """Open the file that a model's URL names.

    Raises what the store's library does, FileNotFoundError where there is no such file, LockError for a place that is
    refused or where fsspec is not installed.
    """
    scheme = urlsplit(url).scheme
    if scheme in WEB:
        return open_web(url, private_hosts)
    if scheme not in STORES:
        raise LockError(f"A model is not read from {scheme}://.")
    try:
        import fsspec  # noqa: PLC0415 - an extra
    except ImportError:
        raise LockError(
            f'{scheme}:// is read with fsspec. Install it with: pip install "hatch-mlpackage[remote]"'
        ) from None
    # Not fsspec.open(), which takes chained file systems and patterns out of the URL.
    opened: AbstractContextManager[Reader] = fsspec.filesystem(scheme).open(url, "rb")
    return opened
