from __future__ import annotations

from hatch_mlpackage.files.head import read_head


def test_the_beginning(tmp_path):
    """No more than the beginning is returned, and nothing of what cannot be read."""
    (tmp_path / "a").write_bytes(b"0123")

    assert [read_head(tmp_path / "a", size) for size in (2, 9)] == [b"01", b"0123"]
    assert [read_head(tmp_path / name, 2) for name in ("", "none")] == [b"", b""]
