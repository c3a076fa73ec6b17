"""A conda channel made by the tests: small packages in both formats, and the index that a solver reads."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PLACEHOLDER = "/" + "placeholder_" * 16
_EPOCH = 1580601600


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file of a package: its bytes or the target of a link, and whether the placeholder in it is the prefix."""

    content: bytes = b""
    link: str = ""
    mode: int = 0o644
    has_prefix: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaPackage:
    name: str
    version: str
    build: str = "0"
    subdir: str = "linux-64"
    depends: tuple[str, ...] = ()
    files: Mapping[str, Entry] | None = None
    entry_points: tuple[str, ...] = ()
    extension: str = ".conda"

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def index(self) -> dict[str, object]:
        noarch = {"noarch": "python"} if self.subdir == "noarch" else {}
        return {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "depends": list(self.depends),
            "license": "BSD-3-Clause",
            "subdir": self.subdir,
            "timestamp": _EPOCH * 1000,
            **noarch,
        }


def write_channel(channel: Path, packages: Iterable[CondaPackage]) -> Path:
    """Write the packages and `repodata.json` of both platforms' folders; return the channel's folder."""
    indexes: dict[str, dict[str, dict[str, object]]] = {"linux-64": {}, "noarch": {}}
    for package in packages:
        content = _archive(package)
        file = f"{package.stem}{package.extension}"
        path = channel / package.subdir / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digests = {"sha256": hashlib.sha256(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}
        indexes.setdefault(package.subdir, {})[file] = {**package.index, **digests, "size": len(content)}
    for subdir, found in indexes.items():
        index = {
            "info": {"subdir": subdir},
            "packages": {file: record for file, record in found.items() if file.endswith(".tar.bz2")},
            "packages.conda": {file: record for file, record in found.items() if file.endswith(".conda")},
            "repodata_version": 1,
        }
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        (channel / subdir / "repodata.json").write_text(json.dumps(index))
    return channel


def _archive(package: CondaPackage) -> bytes:
    files = dict(package.files or {})
    info = {f"info/{name}": Entry(content=text.encode()) for name, text in _info(package, files).items()}
    if package.extension == ".tar.bz2":
        return bz2.compress(_tar(info | files))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as outer:
        outer.writestr(zipfile.ZipInfo("metadata.json"), '{"conda_pkg_format_version": 2}')
        outer.writestr(zipfile.ZipInfo(f"pkg-{package.stem}.tar.zst"), _zstd(_tar(files)))
        outer.writestr(zipfile.ZipInfo(f"info-{package.stem}.tar.zst"), _zstd(_tar(info)))
    return buffer.getvalue()


def _info(package: CondaPackage, files: Mapping[str, Entry]) -> dict[str, str]:
    paths = []
    for name, entry in files.items():
        path = {"_path": name, "path_type": "softlink" if entry.link else "hardlink"}
        path |= {"sha256": hashlib.sha256(entry.content).hexdigest(), "size_in_bytes": len(entry.content)}
        path |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"} if entry.has_prefix else {}
        paths.append(path)
    texts = {
        "index.json": json.dumps(package.index),
        "paths.json": json.dumps({"paths": paths, "paths_version": 1}),
        "files": "".join(f"{name}\n" for name in files),
    }
    if package.subdir == "noarch":
        noarch = {"type": "python", "entry_points": list(package.entry_points)}
        texts["link.json"] = json.dumps({"noarch": noarch, "package_metadata_version": 1})
    return texts


def _tar(files: Mapping[str, Entry]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, entry in files.items():
            member = tarfile.TarInfo(name)
            member.mtime, member.mode = _EPOCH, entry.mode
            if entry.link:
                member.type, member.linkname = tarfile.SYMTYPE, entry.link
                tar.addfile(member)
            else:
                member.size = len(entry.content)
                tar.addfile(member, io.BytesIO(entry.content))
    return buffer.getvalue()


def _zstd(content: bytes) -> bytes:
    """Frame bytes as Zstandard without compressing them (RFC 8878, raw blocks): nothing has to be installed."""
    longest = 1 << 16
    blocks = [content[start : start + longest] for start in range(0, len(content), longest)] or [b""]
    framed = b"\x28\xb5\x2f\xfd" + b"\xe0" + struct.pack("<Q", len(content))  # one segment, its size in 8 bytes
    for number, block in enumerate(blocks, 1):
        framed += struct.pack("<I", len(block) << 3 | (number == len(blocks)))[:3] + block
    return framed
