from __future__ import annotations

import calendar
import re
from pathlib import Path

import pytest

from hatch_mlpackage.context.manifest import MANIFEST_NAME
from hatch_mlpackage.files.fixed_time import TIMESTAMP, ZIP_TIME
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.project.config.keys import PORT

PACKAGE = Path(__file__).resolve().parents[2] / "hatch_mlpackage"
# The code writes each value once; help texts, docstrings and comments may repeat it.
WRITTEN_ONCE = {
    r"= 5001\b|:5001\b|=5001\b": "project/config/keys.py",
    r'= "manifest\.json"': "context/manifest.py",
    r"\b1580601600\b|\(2020, 2, 2": "files/fixed_time.py",
    r"hashlib\.file_digest": "files/hashing.py",
    r"_?DIRECTORY_MODE = ": "context/plan.py",
}


def test_a_file(tmp_path: Path) -> None:
    """A file's hash is SHA-256, or of the kind that is asked for, in hexadecimal."""
    (tmp_path / "a").write_bytes(b"a")

    assert hash_file(tmp_path / "a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert hash_file(tmp_path / "a", "sha384").startswith("54a59b9f22b0b80880d8427e548b7c23")


def test_the_fixed_values() -> None:
    """Every file gets hatchling's timestamp, and the port and the manifest's name stay in every release."""
    assert (TIMESTAMP, calendar.timegm((*ZIP_TIME, 0, 0, 0))) == (1580601600, 1580601600)
    assert (PORT, MANIFEST_NAME) == (5001, "manifest.json")


@pytest.mark.parametrize(("pattern", "place"), WRITTEN_ONCE.items())
def test_one_place_for_each_value(pattern: str, place: str) -> None:
    """The file hasher and each fixed value are written in one module alone."""
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}

    assert [name for name, source in sources.items() if re.search(pattern, source)] == [place]
