from __future__ import annotations

from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.conda.record import file_digest, read_record, write_record

FILE = CondaFile(
    path="environment.yml",
    kind="environment",
    channels=("conda-forge",),
    specs=(Line(3, "numpy 1.2.*"),),
    pip=(Line(5, "flask"),),
    notes=("environment.yml: prefix is ignored",),
)


def test_what_was_read_comes_back():
    """A record gives back the file that it was made from, and nothing for another file or digest."""
    content = write_record(FILE, "sha256:1").encode()

    assert read_record(content, "environment.yml", "sha256:1") == FILE
    assert read_record(content, "environment.yml", "sha256:2") is None
    assert read_record(content, "other.yml", "sha256:1") is None


def test_an_unusable_record_is_ignored():
    """A missing, damaged or foreign record is read as None and raises nothing."""
    content = write_record(FILE, "sha256:1").encode()
    broken = (
        None,
        b"",
        content[:40],
        b"[]",
        b"{}",
        b"3",
        b"\xff",
        content.replace(b'"environment",', b'"other",'),
        content.replace(b"3,", b'"x",'),
    )

    assert [read_record(one, "environment.yml", "sha256:1") for one in broken] == [None] * len(broken)


def test_the_digest_is_that_of_the_text():
    """The digest of a file does not depend on its line endings."""
    assert file_digest(b"x\r\ny\r\n", "a") == file_digest(b"x\ny\n", "b") != file_digest(b"x\n", "b")
