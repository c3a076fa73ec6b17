"""Compressed models, whose bytes come in pieces of any size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zlib

import pytest

from hatch_mlpackage.project.model_facts.budget import Budget, Limits
from hatch_mlpackage.project.model_facts.stream import stream_of

COMPRESS = {"bz2": bz2.compress, "gzip": gzip.compress, "lzma": lambda it: lzma.compress(it, lzma.FORMAT_ALONE)}
COMPRESS |= {"xz": lzma.compress, "zlib": zlib.compress}


class InPieces(io.BytesIO):
    """A file that gives a few bytes at a time, so that a decompressor stops at every place where it can."""

    chosen = random.Random(0)

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size if size == 5 else self.chosen.randrange(1, 20))


@pytest.mark.parametrize("form", COMPRESS)
def test_a_compressed_file_is_read_to_its_end(form: str) -> None:
    """However the bytes are cut, every byte comes out, and nothing is taken for the end of the file."""
    rng = random.Random(0)
    for _ in range(20):
        # Runs, of which a few packed bytes fill a buffer to its last place now and then.
        content = b"".join(bytes([rng.randrange(256)]) * 2 ** rng.randrange(17) for _ in range(60))
        packed = COMPRESS[form](content)

        stream = stream_of(InPieces(packed), len(packed), Budget(Limits()))

        assert (stream.exactly(len(content)), stream.read(1)) == (content, b"")
