from __future__ import annotations

import io
import json
import os
import signal
import tarfile
import time
from pathlib import Path

import pytest

from hatch_mlpackage.context.manifest import read_manifest

CONTEXT = "dist/minimal-model-1.0-context"


def test_shows_the_tree_and_what_is_next(project, mlpackage):
    """`generate` prints the tree with sizes, the digest, and the commands that use the context."""
    outcome = mlpackage("generate")

    manifest = read_manifest(Path(CONTEXT))
    lines = outcome.out.splitlines()
    assert (outcome.status, outcome.err) == (0, "")
    assert lines[0].startswith(f"{CONTEXT} ({len(manifest.written)} files, ")
    assert [line.split()[-1] for line in lines[1:7]] == [
        ".dockerignore",
        "Dockerfile",
        "README.md",
        "azureml-app/score.py",
        "azureml-models/greeting/1/greeting.txt",
        "environment/requirements.txt",
    ]
    assert lines[-4:] == [
        manifest.digest,
        "",
        f"Next: mlpackage serve --context {CONTEXT}   # needs no container engine",
        f"  or: docker build --tag minimal-model:1.0 {CONTEXT}",
    ]


def test_json(project, mlpackage):
    """`--json` gives the path of the context and its digest."""
    outcome = mlpackage("generate", "--output", "made", "--json")

    manifest = read_manifest(Path("made"))
    assert json.loads(outcome.out) == {"context": "made", "digest": manifest.digest, "size": manifest.size}


def test_quiet(project, mlpackage):
    """`--quiet` writes the context and prints nothing."""
    outcome = mlpackage("generate", "--quiet")

    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
    assert Path(CONTEXT, "Dockerfile").is_file()


def test_interrupted(project, start):
    """Ctrl-C during the copy of a big model leaves no partial context."""
    with (project / "models/greeting.txt").open("wb") as model:
        model.truncate(4 << 30)
    process = start("generate")
    while not any(path.name.endswith(".partial") for path in project.glob("dist/.*")):
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=60) == ("", "\nInterrupted.\n")
    assert process.returncode == 130
    assert list(Path("dist").iterdir()) == []


def test_a_digest_of_another_image(project, mlpackage):
    """If the base image changed since the lock, the Dockerfile uses its tag, and a warning says so."""
    outcome = mlpackage("generate", "--base-image", "python:3.12-slim-trixie")

    assert outcome.status == 0
    assert outcome.err.startswith(
        "Warning: The base image python:3.12-slim-trixie is not pinned: "
        "the locked digest is of python:3.12-slim-bookworm. "
    )
    assert "\nFROM python:3.12-slim-trixie\n" in Path(CONTEXT, "Dockerfile").read_text()


def test_tar(project, mlpackage):
    """`--tar` prints the same tree and the command that takes the tar, and writes no folder."""
    outcome = mlpackage("generate", "--tar", "context.tar")

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("context.tar (")
    assert outcome.out.endswith("\nNext: docker build --tag minimal-model:1.0 - < context.tar\n")
    assert not Path("dist").exists()
    with tarfile.open("context.tar") as tar:
        assert tar.extractfile("azureml-models/greeting/1/greeting.txt").read() == b"Hello\n"


def test_tar_as_json(project, mlpackage):
    """`--tar --json` gives the path of the tar, and the digest that the folder would have."""
    mlpackage("generate", "--output", "made")

    outcome = mlpackage("generate", "--tar", "context.tar", "--json")

    manifest = read_manifest(Path("made"))
    assert json.loads(outcome.out) == {"context": "context.tar", "digest": manifest.digest, "size": manifest.size}


def test_tar_to_a_pipe(project, start, mlpackage):
    """`--tar -` writes only the tar to stdout; the digest goes to stderr."""
    mlpackage("generate", "--output", "made")

    out, err = start("generate", "--tar", "-", text=False).communicate(timeout=60)

    assert err.decode() == f"{read_manifest(Path('made')).digest}\n"
    with tarfile.open(fileobj=io.BytesIO(out)) as tar:
        assert tar.getnames()[-1] == "manifest.json"


def test_tar_to_a_reader_that_leaves(project, start):
    """A reader that closes the pipe early causes no message."""
    reading, writing = os.pipe()
    os.close(reading)

    process = start("generate", "--tar", "-", stdout=writing)
    os.close(writing)

    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 141


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--tar", "a.tar", "--output", "b"),
            "--output writes a folder and --tar writes a file instead: give one of them.",
        ),
        (
            ("--tar", "-", "--json"),
            "The standard output cannot hold both the tar and a JSON document: give --tar FILE, or no --json.",
        ),
    ],
    ids=["both", "json"],
)
def test_tar_with_what_does_not_go_with_it(project, mlpackage, options, said):
    """Options that contradict `--tar` are wrong usage, and nothing is written."""
    outcome = mlpackage("generate", *options)

    assert (outcome.status, outcome.out, outcome.err.splitlines()[-1]) == (2, "", f"Error: {said}")
    assert not Path("b").exists()
    assert not Path("a.tar").exists()


def test_tar_in_the_source_tree(project, mlpackage):
    """A tar from an earlier run never becomes part of the next one."""
    toml = Path("pyproject.toml")
    toml.write_text(toml.read_text().replace("[tool.mlpackage]", '[tool.mlpackage]\nsource-directory = "."'))
    assert mlpackage("generate", "--tar", "context.tar").status == 0

    outcome = mlpackage("generate", "--tar", "context.tar")

    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.endswith(
        "  context.tar: is part of the context itself. Remove it, and choose a place outside source-directory.\n"
    )


def test_foreign_output(project, mlpackage):
    """`generate` neither replaces nor writes to a folder that it did not make."""
    Path("made").mkdir()
    Path("made/thesis.tex").write_text("years of work")

    outcome = mlpackage("generate", "--output", "made")

    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("Error[context]: The context cannot be written or read:\n  made: ")
    assert [path.name for path in Path("made").iterdir()] == ["thesis.tex"]


def test_hard_links(project, mlpackage):
    """`--hardlink` links the models and reports those that it has to copy; with `--tar` it is wrong usage."""
    Path("models/greeting.txt").chmod(0o644)
    linked = mlpackage("generate", "--hardlink", "--output", "linked")
    Path("models/greeting.txt").chmod(0o640)
    copied = mlpackage("generate", "--hardlink", "--output", "copied")
    refused = mlpackage("generate", "--hardlink", "--tar", "context.tar")

    inside = "azureml-models/greeting/1/greeting.txt"
    assert [Path(name, inside).samefile("models/greeting.txt") for name in ("linked", "copied")] == [True, False]
    assert linked.err == ""
    assert "copied, not linked: its mode is 0640, and in a context it is 0644." in copied.err
    assert (refused.status, "give --hardlink without --tar" in refused.err) == (2, True)
