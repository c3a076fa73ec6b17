from __future__ import annotations

import io

import fsspec
import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.remote.stores import open_model


class Store(fsspec.AbstractFileSystem):
    """An object store that has one file, and knows what it was asked for."""

    asked: list[str]

    def _open(self, path, mode="rb", **_):
        self.asked.append(path)
        return io.BytesIO(b"one")


@pytest.fixture
def store(monkeypatch):
    kind = type("OwnStore", (Store,), {"asked": [], "protocol": "s3", "cachable": False})
    monkeypatch.setattr(fsspec, "filesystem", lambda scheme: {"s3": kind}[scheme]())
    return kind


def test_a_store_is_read(store):
    """fsspec's file system of that name is asked for the file, without the scheme."""
    with open_model("s3://bucket/a*b/model.onnx", ()) as reader:
        content = reader.read(10)

    assert (content, store.asked) == (b"one", ["bucket/a*b/model.onnx"])


@pytest.mark.parametrize("url", ["s3://bucket/a::file:///etc/passwd", "s3://a::memory://b"])
def test_nothing_is_chained(store, url):
    """The whole URL is the name of one file of the store, whatever fsspec would otherwise chain to it."""
    with open_model(url, ()):
        pass

    assert store.asked == [url.removeprefix("s3://")]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "local:///etc/passwd", "memory://x", "github://a:b@main/x"])
def test_other_file_systems(url):
    """A file system that is not on the list is never opened."""
    with pytest.raises(LockError, match="A model is not read from"):
        open_model(url, ())
