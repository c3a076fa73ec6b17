"""Record what was read in the conda file, beside the locks, so that generating needs no YAML reader."""

from __future__ import annotations

import hashlib
import json
from typing import Any, get_args

from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.conda_file import CondaFile, Kind
from hatch_mlpackage.project.config.keys import parts_of_conda_file

_SCHEMA = 1


def file_digest(content: bytes, path: str) -> str:
    """Digest a conda file's contents, line ends aside.

    Where `path` names a place inside a file of something else, only the dependencies at that place are digested.
    """
    file, inside = parts_of_conda_file(path)
    if inside:
        from hatch_mlpackage.project.azureml_files.conda_text import written_dependencies  # noqa: PLC0415 - rarely needed

        content = written_dependencies(content, file, inside).encode()
    content = content.replace(b"\r\n", b"\n")  # a checkout on Windows
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write_record(file: CondaFile, digest: str) -> str:
    """Return the record of what was read in a file that has that digest."""
    record = {
        "schema": _SCHEMA,
        "file": file.path,
        "digest": digest,
        "kind": file.kind,
        "channels": file.channels,
        "specs": file.specs,
        "pip": file.pip,
        "notes": file.notes,
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def read_record(content: bytes | None, path: str, digest: str) -> CondaFile | None:
    """Read a record back; return None where it is damaged or of another file."""
    try:
        record: Any = parse_json(content or b"null")
        if (record["schema"], record["file"], record["digest"]) != (_SCHEMA, path, digest):
            return None
        if record["kind"] not in get_args(Kind):
            return None
        return CondaFile(
            path=path,
            kind=record["kind"],
            channels=tuple(map(str, record["channels"])),
            specs=tuple(Line(int(number), str(said)) for number, said in record["specs"]),
            pip=tuple(Line(int(number), str(said)) for number, said in record["pip"]),
            notes=tuple(map(str, record["notes"])),
        )
    except (ValueError, TypeError, KeyError):
        return None
