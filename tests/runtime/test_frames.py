"""The frames of server and worker."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from mlpackage_runtime import frames
from mlpackage_runtime.frames import Frame, FrameParser

SAMPLES = [
    Frame(frames.START, (), b""),
    Frame(frames.REQUEST, [b"POST", b"/score", b"", b"content-type", b"application/json"], b'{"data": [1]}'),
    Frame(frames.RESPONSE, [b"200"], bytes(range(256)) * 1000),
    Frame(frames.CHUNK, (), b"\n\n"),
    Frame(frames.END, (), b""),
]


def packed(samples: list[Frame]) -> bytes:
    written: list[bytes] = []
    for sample in samples:
        frames.send(written.append, *sample)
    return b"".join(written)


@pytest.mark.parametrize("size", [1, 3, 13, 14, 100, 4096, 10**6])
def test_a_parser_cuts_pieces_of_any_size_into_frames(size: int) -> None:
    """However the bytes arrive, the same frames come out."""
    data, parser = packed(SAMPLES), FrameParser()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [frame for piece in pieces for frame in parser.feed(piece)] == SAMPLES


def test_a_length_beyond_32_bits_is_representable() -> None:
    """A body of more than 4 GiB has a prefix that says so."""
    prefix = frames.pack_prefix(frames.RESPONSE, [b"200"], 5 * 2**30)
    assert frames.PREFIX.unpack(prefix[: frames.PREFIX.size]) == (frames.RESPONSE, 3, 5 * 2**30)


@given(
    head=st.lists(st.binary(max_size=20), max_size=8), parts=st.lists(st.binary(max_size=100), min_size=1, max_size=4)
)
def test_a_head_comes_back_as_it_was_or_is_refused(head: list[bytes], parts: list[bytes]) -> None:
    """No bytes of one field can become another field."""
    written: list[bytes] = []
    try:
        frames.send_parts(written.append, frames.REQUEST, head, parts)
    except ValueError:
        assert any(b"\n" in field for field in head) or head == [b""]
        return
    (frame,) = FrameParser().feed(b"".join(written))
    assert (frame.kind, list(frame.head), frame.body) == (frames.REQUEST, head, b"".join(parts))
