from __future__ import annotations

import os

import pytest

from hatch_mlpackage.context.manifest import Manifest, ManifestFile
from hatch_mlpackage.files.fixed_time import TIMESTAMP

SHA_OF_A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


@pytest.fixture
def context(tmp_path):
    """Write a context of two files by hand, as the writer would."""
    directory = tmp_path / "context"
    (directory / "sub").mkdir(parents=True)
    manifest = Manifest(
        about={"project": {"name": "p"}},
        layers=("source",),
        files=tuple(
            ManifestFile(path=path, layer="source", size=1, mode="0644", sha256=SHA_OF_A) for path in ("a", "sub/b")
        ),
    )
    for path, text in (("a", "a"), ("sub/b", "a"), ("manifest.json", manifest.to_json())):
        (directory / path).write_text(text)
        (directory / path).chmod(0o644)
        os.utime(directory / path, (TIMESTAMP, TIMESTAMP))
    return directory
