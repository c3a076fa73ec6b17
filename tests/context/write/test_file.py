"""Write contexts again whose large models have not changed, or seem not to have changed."""

from __future__ import annotations

import json
import os
import time

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.manifest import MANIFEST_NAME
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.project.pyproject import load_project

MODEL = "azureml-models/weights/3/weights.bin"
READ, TAKEN_OVER = [1 << 20] * 3, [3 << 20]


@pytest.fixture
def project(copy_project, tmp_path, monkeypatch):
    """Give a project with its own cache and a large model that was written more than two seconds ago."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MLPACKAGE_REUSE_HASHES", "always")  # whatever file system the tests run on
    loaded = load_project(copy_project("two-models"))
    (loaded.root / "models/weights.bin").write_bytes(bytes(3 << 20))
    time.sleep(2.1)
    return loaded


@pytest.fixture
def generate(project, tmp_path):
    """Give a function that writes the context; it returns how the model was read, and every byte, mode and time."""

    def written():
        steps = []
        build_context(
            project, tmp_path / "context", progress=lambda file, n: steps.append(n) if file.path == MODEL else None
        )
        files = sorted(path for path in (tmp_path / "context").rglob("*") if path.is_file())
        states = [(path.stat().st_mode, path.stat().st_mtime, path.read_bytes()) for path in files]
        return steps, dict(zip(files, states, strict=True))

    return written


def edit_in_disguise(path):
    """Write other bytes of the same number, and set the modification time back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"edited")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_the_same_bytes(generate, monkeypatch):
    """A context with a model that was taken over is the same, byte for byte, as one that was written anew."""
    (first, anew), (second, taken_over) = generate(), generate()
    monkeypatch.setenv("MLPACKAGE_REUSE_HASHES", "never")
    third, again = generate()

    assert (first, second, third) == (READ, TAKEN_OVER, READ)
    assert anew == taken_over == again


def test_a_model_that_was_written_just_now(project, generate):
    """The hash of a model that was written a moment ago is not kept: the next run reads it again."""
    (project.root / "models/weights.bin").write_bytes(bytes(3 << 20))

    assert [generate()[0], generate()[0]] == [READ, READ]


def test_a_model_that_was_changed_in_disguise(project, generate):
    """A changed model with its old size and time is read again."""
    generate()
    edit_in_disguise(project.root / "models/weights.bin")

    steps, files = generate()

    assert (steps, [state[2][:6] for path, state in files.items() if path.name == "weights.bin"]) == (READ, [b"edited"])


def test_verifying_reads_every_byte(generate, tmp_path):
    """The verification reads the model itself, whatever is known of it."""
    for _ in range(2):
        generate()
    edit_in_disguise(tmp_path / "context" / MODEL)

    assert verify_context(tmp_path / "context") == (f"{MODEL}: other contents",)


def test_an_edited_context(generate, tmp_path):
    """A file of the context that was edited in disguise is not taken over."""
    (_, before), _ = generate(), generate()
    edit_in_disguise(tmp_path / "context" / MODEL)

    assert generate() == (READ, before)


def test_a_cache_that_is_gone(generate, tmp_path):
    """Without the cache of hashes, the context is written anew and is the same."""
    _, before = generate()
    (tmp_path / "cache/hashes.json").unlink()

    assert generate() == (READ, before)


def test_a_manifest_that_names_another_hash(generate, tmp_path):
    """A model is not taken over from a context whose manifest gives it another hash: the context was edited."""
    generate()
    place = tmp_path / "context" / MANIFEST_NAME
    manifest = json.loads(place.read_text())
    for file in manifest["files"]:
        file["sha256"] = "0" * 64 if file["path"] == MODEL else file["sha256"]
    place.write_text(json.dumps(manifest))

    with pytest.raises(Exception, match=r"holds changes made by hand \(manifest\.json: changed"):
        generate()
