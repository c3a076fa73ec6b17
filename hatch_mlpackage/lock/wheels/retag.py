"""Give a wheel that was built here the name and the tag of what it is: of pure Python, or of a platform."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from pathlib import Path

from packaging.utils import parse_wheel_filename

PURE = "py3-none-any"
_SUFFIXES = (".so", ".pyd", ".dylib", ".dll", ".a", ".lib", ".o")
# The first bytes of programs and libraries for Linux, macOS and Windows.
_MAGIC = (b"\x7fELF", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ\x90\x00")


def is_for_a_platform(wheel: Path) -> bool:
    """Tell whether a wheel's name says that it loads on some platforms only."""
    return all(tag.platform != "any" for tag in parse_wheel_filename(wheel.name)[3])


def compiled_files(wheel: Path) -> tuple[str, ...]:
    """Return the files in a wheel that hold machine code."""
    with zipfile.ZipFile(wheel) as archive:
        return tuple(sorted(name for name in archive.namelist() if _is_compiled(archive, name)))


def _is_compiled(archive: zipfile.ZipFile, name: str) -> bool:
    if name.lower().endswith(_SUFFIXES) or ".so." in name.rpartition("/")[2]:
        return True
    with archive.open(name) as file:
        return file.read(4).startswith(_MAGIC)


def retagged(wheel: Path, tag: str) -> Path:
    """Write a wheel again with one tag, under the name with that tag, in place of the first."""
    name, version, *_ = wheel.name.removesuffix(".whl").split("-")
    made = wheel.with_name(f"{name}-{version}-{tag}.whl")
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        about = next(it for it in before.namelist() if it.count("/") == 1 and it.endswith(".dist-info/WHEEL"))
        tagged = _tagged(before.read(about).decode(), tag)
        for entry in before.infolist():
            content = before.read(entry)
            if entry.filename == about:
                content = tagged
            elif entry.filename == f"{about.rpartition('/')[0]}/RECORD":
                content = _recorded(content.decode(), about, tagged)
            after.writestr(entry, content)
    wheel.unlink()
    return made


def _tagged(said: str, tag: str) -> bytes:
    lines = re.sub(r"(?m)^(?:Tag|Root-Is-Purelib|Build): .*\n?", "", said).rstrip("\r\n")
    return f"{lines}\nRoot-Is-Purelib: {str(tag == PURE).lower()}\nTag: {tag}\n\n".encode()


def _recorded(record: str, path: str, content: bytes) -> bytes:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for row in csv.reader(io.StringIO(record)):
        writer.writerow([path, f"sha256={digest}", len(content)] if row and row[0] == path else row)
    return written.getvalue().encode()
