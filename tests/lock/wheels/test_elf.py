from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_mlpackage.lock.wheels.elf import needed_libraries

PROGRAMS = [path for path in ("/bin/sh", "/usr/bin/env", "/usr/bin/git", sys.executable) if Path(path).is_file()]


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("readelf") is None, reason="needs readelf")
@pytest.mark.parametrize("path", PROGRAMS)
def test_what_readelf_says(path: str) -> None:
    """The libraries of a program are those that readelf lists, in its order."""
    said = subprocess.run(["readelf", "--dynamic", path], capture_output=True, text=True, check=True).stdout

    assert needed_libraries(Path(path).read_bytes()) == tuple(re.findall(r"\(NEEDED\).*\[(.+)\]", said))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a program for Linux")
def test_damage_is_an_error_or_goes_unnoticed() -> None:
    """A file that is cut short, or in which bytes differ, gives libraries or a ValueError, and nothing else."""
    content = Path("/bin/sh").read_bytes()

    for number in range(0, 4096, 7):
        changed = bytearray(content[: len(content) - number * 16])
        changed[number] ^= 0xFF
        try:
            assert isinstance(needed_libraries(bytes(changed)), tuple)
        except ValueError:
            continue


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x01\x01", b"\x7fELF\x02\x01", b"MZ"])
def test_what_is_no_such_file(content: bytes) -> None:
    """A file of another kind, or for 32 bits, is refused."""
    with pytest.raises(ValueError, match="file of ELF"):
        needed_libraries(content)
