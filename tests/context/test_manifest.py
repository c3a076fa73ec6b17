from __future__ import annotations

import json
import os

import pytest

from hatch_mlpackage.context.manifest import (
    Manifest,
    ManifestFile,
    read_manifest,
    reason_to_keep,
    verify_context,
)
from hatch_mlpackage.errors import ContextError
from hatch_mlpackage.files.fixed_time import TIMESTAMP

# jq -cSj "del(.digest)" manifest.json | sha256sum
DIGEST = "sha256:41d35826cd63044e699290193e9455bf6bc21679fc707596895095dcbdafad90"
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


def test_round_trip(context):
    """A manifest survives writing and reading, and its digest is that of the canonical JSON without the digest."""
    manifest = read_manifest(context)

    assert manifest.to_json() == (context / "manifest.json").read_text()
    assert json.loads(manifest.to_json()) == {
        "digest": DIGEST,
        "schema": 1,
        "project": {"name": "p"},
        "layers": ["source"],
        "files": [
            {"path": path, "layer": "source", "size": 1, "mode": "0644", "sha256": SHA_OF_A} for path in ("a", "sub/b")
        ],
    }
    assert manifest.size == 2


def test_untouched(context):
    """An untouched context has no differences and may be replaced."""
    assert verify_context(context) == ()
    assert reason_to_keep(context) == ""


CHANGES = [
    (lambda d: (d / "a").write_text("b"), "a: other contents"),
    (lambda d: (d / "a").write_text("bb"), "a: 2 bytes, expected 1"),
    (lambda d: (d / "sub/b").chmod(0o755), "sub/b: mode 0755, expected 0644"),
    (lambda d: (d / "a").unlink(), "a: missing"),
    (lambda d: (d / "sub/new").write_text(""), "sub/new: added"),
    (lambda d: (d / "empty").mkdir(), "empty: added"),
    (lambda d: ((d / "a").unlink(), (d / "a").symlink_to("sub/b")), "a: not a regular file"),
    (
        lambda d: (d / "manifest.json").write_text((d / "manifest.json").read_text().replace('"p"', '"q"')),
        "manifest.json: changed (its digest does not fit its contents)",
    ),
]


@pytest.mark.parametrize(("change", "difference"), CHANGES)
def test_one_change(context, change, difference):
    """`verify_context` names one changed byte, file, mode or name."""
    change(context)

    assert verify_context(context) == (difference,)


def test_several_changes_are_sorted(context):
    """`verify_context` reports all differences, sorted."""
    (context / "sub/b").write_text("c")
    (context / "0").write_text("")

    assert verify_context(context) == ("0: added", "sub/b: other contents")


def test_hand_made_changes_are_kept(context):
    """A context that somebody edited is not replaced, and the reason names the files."""
    (context / "a").write_text("b")

    assert reason_to_keep(context) == "holds changes made by hand (a: other contents)"


def test_a_new_time_alone_is_no_change(context):
    """A file with a new time and the same bytes may be replaced."""
    os.utime(context / "a", (1, 1))

    assert reason_to_keep(context) == ""


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"schema": 2}', '{"schema": 1, "digest": 1, "files": 3, "layers": []}', "\0"]
)
def test_a_foreign_manifest(context, text):
    """Another program's manifest.json does not make a context, whatever it holds."""
    (context / "manifest.json").write_text(text)

    with pytest.raises(ContextError, match=r"manifest\.json: not "):
        read_manifest(context)
    assert reason_to_keep(context) == "not empty and not a context that mlpackage wrote"


def test_no_manifest(tmp_path):
    """For a folder without a manifest, the error names the command that makes a context."""
    with pytest.raises(ContextError) as raised:
        verify_context(tmp_path)

    assert str(raised.value) == (
        f"{tmp_path}: not a context (manifest.json: No such file or directory). Make one with: mlpackage generate"
    )
