"""Write contexts whose models are hard links to the project's files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.context.write.hard_links import HardLinks
from hatch_mlpackage.files.known_hashes import KnownHashes
from hatch_mlpackage.project.pyproject import load_project

RIDGE = "azureml-models/weights/3/weights.bin"
BIG = bytes(3 << 20)


@pytest.fixture
def project(copy_project, tmp_path, monkeypatch):
    """Give a project with its own cache, whose first model is a big file with its own modification time."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    loaded = load_project(copy_project("two-models"))
    model = loaded.root / "models/weights.bin"
    model.write_bytes(BIG)
    model.chmod(0o644)
    os.utime(model, ns=(1, 1_700_000_000_123_456_789))
    return loaded


def generate(project, destination, **options):
    """Write the context; return its manifest's digest, the warnings, and the progress steps of the big model."""
    said, steps = [], []
    manifest = build_context(
        project,
        destination,
        warn=said.append,
        progress=lambda file, count: steps.append(count) if file.path == RIDGE else None,
        **{"hardlink": True, **options},
    )
    return manifest.digest, said, steps


def stat_of(path):
    status = path.stat()
    return (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_uid, path.read_bytes())


def test_a_link_and_nothing_else(project, tmp_path):
    """The model is the project's own, unchanged file, and the context has the digest of a copied one."""
    model = project.root / "models/weights.bin"
    before = stat_of(model)

    digest, said, _ = generate(project, tmp_path / "linked")
    copied, _, _ = generate(project, tmp_path / "copied", hardlink=False)

    assert (stat_of(model), stat_of(tmp_path / "linked" / RIDGE)) == (before, before)
    assert (tmp_path / "copied" / RIDGE).stat().st_ino != model.stat().st_ino
    assert (digest, said, verify_context(tmp_path / "linked")) == (copied, [], ())


def test_by_configuration(project, tmp_path):
    """`image.models = "hard-linked"` links the models without the flag."""
    image = {**project.table["image"], "models": "hard-linked"}
    project = replace(project, table={**project.table, "image": image})

    generate(project, tmp_path / "context", hardlink=False)

    assert (tmp_path / "context" / RIDGE).samefile(project.root / "models/weights.bin")


def test_only_models_are_linked(project, tmp_path):
    """Sources and all other files are copied, because people edit them."""
    generate(project, tmp_path / "context")

    linked = {path.name for path in (tmp_path / "context").rglob("*") if path.is_file() and path.stat().st_nlink > 1}
    assert linked == {"weights.bin", "config.json", "vocabulary.txt"}


def test_again_and_again(project, tmp_path):
    """A new run does not read an unchanged model again, although each link changes its change time."""
    model = project.root / "models/weights.bin"
    before = stat_of(model)

    steps = [generate(project, tmp_path / "context")[2] for _ in range(3)]

    assert steps == [[1 << 20] * 3, [3 << 20], [3 << 20]]
    assert (stat_of(model), model.stat().st_nlink) == (before, 2)


def test_a_copy_after_a_link(project, tmp_path):
    """A copied context reuses nothing from one with links, which would change the time of the user's file."""
    model = project.root / "models/weights.bin"
    before = stat_of(model)
    generate(project, tmp_path / "context")

    generate(project, tmp_path / "context", hardlink=False)

    assert (stat_of(model), model.stat().st_nlink) == (before, 1)


def test_a_model_that_is_trained_again_in_place(project, tmp_path):
    """A model rewritten in place fails the verification, and the next run still replaces the context."""
    model = project.root / "models/weights.bin"
    generate(project, tmp_path / "context")
    with model.open("r+b") as file:
        file.write(b"better")

    told = verify_context(tmp_path / "context")
    generate(project, tmp_path / "context")

    assert told == (f"{RIDGE}: other contents",)
    assert verify_context(tmp_path / "context") == ()


def test_a_model_that_was_replaced_and_changed(project, tmp_path):
    """A context is not replaced when it holds the only copy of an edited model."""
    model = project.root / "models/weights.bin"
    generate(project, tmp_path / "context")
    model.unlink()
    model.write_bytes(b"new")
    with (tmp_path / "context" / RIDGE).open("r+b") as file:
        file.write(b"edited")

    with pytest.raises(Exception, match="holds changes made by hand"):
        generate(project, tmp_path / "context")


def test_another_mode(project, tmp_path):
    """A model with another mode is copied with a warning, because a link would change the user's file."""
    model = project.root / "models/weights.bin"
    model.chmod(0o600)
    before = stat_of(model)

    _, said, _ = generate(project, tmp_path / "context")

    assert said == [f"{model}: copied, not linked: its mode is 0600, and in a context it is 0644."]
    assert (stat_of(model), (tmp_path / "context" / RIDGE).stat().st_mode & 0o777) == (before, 0o644)


def test_a_link_to_the_model(project, tmp_path):
    """If the model is a symbolic link, the hard link leads to its target."""
    model = project.root / "models/weights.bin"
    kept = model.rename(tmp_path / "kept.bin")
    model.symlink_to(kept)

    generate(project, tmp_path / "context")

    made = tmp_path / "context" / RIDGE
    assert (made.is_symlink(), made.samefile(kept)) == (False, True)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system, which Linux has at /dev/shm")
def test_another_file_system(tmp_path):
    """On another file system no link is made, and the warning gives the reason."""
    import tempfile  # noqa: PLC0415

    source = tmp_path / "model"
    source.write_bytes(b"m")
    source.chmod(0o644)
    said = []
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        links = HardLinks(frozenset(), said.append)

        assert links.place(source, Path(elsewhere, "model"), 0o644) is False
        assert list(Path(elsewhere).iterdir()) == []
    assert said == [f"{source}: copied, not linked: Invalid cross-device link."]


def test_a_change_between_forgets_the_hash(tmp_path):
    """A hash is not kept if the file changed after the link."""
    known, links = KnownHashes(None, trusts=lambda _: True), HardLinks(frozenset(), print)
    source = tmp_path / "model"
    source.write_bytes(BIG)
    links.made(source, "a" * 64)
    os.utime(source, ns=(1, 1))

    links.remember(known)

    assert known.find(source, source.stat()) is None
