from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from hatch_mlpackage.lock.wheels.retag import PURE, compiled_files, is_for_a_platform, retagged

INFO = "Lib.x-1.0.dist-info"
ABOUT = "Wheel-Version: 1.0\nGenerator: test (1.0)\nRoot-Is-Purelib: false\nTag: cp37-cp37m-linux_x86_64\n\n"


def wheel(folder: Path, files: dict[str, bytes], tag: str = "cp37-cp37m-linux_x86_64") -> Path:
    path = folder / f"Lib.x-1.0-{tag}.whl"
    content = {**files, f"{INFO}/METADATA": b"Name: Lib.x\nVersion: 1.0\n", f"{INFO}/WHEEL": ABOUT.encode()}
    record = [f'"{name}",sha256={digest(it)},{len(it)}' for name, it in content.items()]
    content[f"{INFO}/RECORD"] = "\r\n".join([*record, f"{INFO}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, it in content.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 2, 2, 0, 0, 0)), it)
    return path


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def test_the_same_files_under_another_tag(tmp_path: Path) -> None:
    """A wheel is written again with the tag of pure Python; its files stay, and its record fits them all."""
    files = {"lib/__init__.py": b"", "lib/it's, here.py": b"x = 1\n", "Lib.x-1.0.data/scripts/run": b"#!python\n"}

    made = retagged(wheel(tmp_path, files), PURE)

    assert [path.name for path in tmp_path.iterdir()] == ["Lib.x-1.0-py3-none-any.whl"]
    with zipfile.ZipFile(made) as archive:
        content = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        assert {entry.date_time for entry in archive.infolist()} == {(2020, 2, 2, 0, 0, 0)}
    record = list(csv.reader(io.StringIO(content.pop(f"{INFO}/RECORD").decode())))
    assert content == {
        **files,
        f"{INFO}/METADATA": b"Name: Lib.x\nVersion: 1.0\n",
        f"{INFO}/WHEEL": (b"Wheel-Version: 1.0\nGenerator: test (1.0)\nRoot-Is-Purelib: true\nTag: py3-none-any\n\n"),
    }
    assert record == [
        *([name, f"sha256={digest(it)}", str(len(it))] for name, it in content.items()),
        [f"{INFO}/RECORD", "", ""],
    ]


def test_the_same_bytes(tmp_path: Path) -> None:
    """Writing a wheel again makes the same bytes each time, also under the tag of a platform."""
    tag = "cp37-cp37m-manylinux_2_31_x86_64"
    first, second = (retagged(wheel(tmp_path, {"lib.py": b"x = 1\n"}), tag).read_bytes() for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lib/fast.cpython-37m-x86_64-linux-gnu.so", b""),
        ("lib/libx.so.2", b""),
        ("lib/fast.pyd", b""),
        ("lib/run", b"\x7fELF\x02"),
        ("lib/run.txt", b"MZ\x90\x00\x03"),
        ("lib/run", b"\xcf\xfa\xed\xfe\x07"),
    ],
)
def test_machine_code_is_found(tmp_path: Path, name: str, content: bytes) -> None:
    """Libraries are found by their names, and programs by how they begin."""
    assert compiled_files(wheel(tmp_path, {"lib/__init__.py": b"MZ", name: content})) == (name,)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("cp37-cp37m-linux_x86_64", True), ("py2.py3-none-any", False), ("cp312-none-any", False)],
)
def test_the_platform_in_a_name(tag: str, expected: object) -> None:
    """The last part of a wheel's tag says whether it is for certain platforms."""
    assert is_for_a_platform(Path(f"lib-1.0-{tag}.whl")) is expected
