from __future__ import annotations

import json
from pathlib import Path

import pytest

from hatch_mlpackage.context.manifest import read_manifest


@pytest.fixture
def context(project, mlpackage):
    mlpackage("generate", "--output", "context")
    return Path("context")


def test_proven(context, mlpackage):
    """`verify` confirms an unchanged context in one line with its digest."""
    outcome = mlpackage("verify", context)

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("context: proven, ")
    assert outcome.out.endswith(f"{read_manifest(context).digest}\n")


def test_differences(context, mlpackage):
    """`verify` prints each difference on a line, even with `--quiet`, and exits with 1."""
    (context / "Dockerfile").chmod(0o600)
    (context / "azureml-app/score.py").write_text("")
    (context / "new").touch()

    outcome = mlpackage("verify", "--quiet", context)

    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.out == (
        "Dockerfile: mode 0600, expected 0644\nazureml-app/score.py: 0 bytes, expected 209\nnew: added\n"
    )


def test_json(context, mlpackage):
    """`--json` gives the differences and the digest."""
    (context / "new").touch()

    outcome = mlpackage("verify", "--json", context)

    assert outcome.status == 1
    assert json.loads(outcome.out) == {
        "digest": read_manifest(context).digest,
        "directory": "context",
        "differences": ["new: added"],
        "unseen": [],
    }


def test_models_that_are_not_copied(copy_project, mlpackage, tmp_path):
    """`verify` lists the models that it cannot see, and does not count them as differences."""
    mlpackage("generate", "--project", copy_project("named-models"), "--output", tmp_path / "context")

    shown, asked = mlpackage("verify", tmp_path / "context"), mlpackage("verify", "--json", tmp_path / "context")

    assert shown.status == 0
    assert shown.out.splitlines()[1:] == [
        "Not checked: 3 files, 15 B of models, which are not in the context. mlpackage image build checks them."
    ]
    assert json.loads(asked.out)["unseen"] == [
        "azureml-models/bert/1/bert/config.json",
        "azureml-models/bert/1/bert/onnx/model.onnx",
        "azureml-models/ridge/3/ridge.bin",
    ]


def test_no_context(project, mlpackage):
    """For a folder that is not a context, the error says how to make one."""
    outcome = mlpackage("verify", ".")

    assert outcome.status == 1
    assert "not a context" in outcome.err
    assert "mlpackage generate" in outcome.err


def test_the_digest(context, mlpackage):
    """`--digest` compares the manifest's digest with the given one."""
    digest = read_manifest(context).digest
    other = f"sha256:{'0' * 64}"

    right, wrong = mlpackage("verify", "--digest", digest, context), mlpackage("verify", "--digest", other, context)

    assert (right.status, right.err) == (0, "")
    assert (wrong.status, wrong.out.splitlines()[0]) == (1, f"manifest.json: digest {digest}, expected {other}")


@pytest.mark.parametrize("digest", ["", "sha256:", "0" * 64, f"sha512:{'0' * 64}", f"sha256:{'A' * 64}"])
def test_a_digest_of_another_form(context, mlpackage, digest):
    """Another form than that of a digest is wrong usage."""
    outcome = mlpackage("verify", "--digest", digest, context)

    assert outcome.status == 2
    assert f"'{digest}' is not sha256: and 64 hexadecimal digits in lower case." in " ".join(outcome.err.split())
