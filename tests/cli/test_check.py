from __future__ import annotations

import json

import pytest


def test_ok(project, mlpackage):
    """A sound project is described in four lines."""
    outcome = mlpackage("check")

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines()[:4] == [
        "entry script  score.py: run() takes text",
        "model         greeting 1",
        "image         python:3.12-slim-bookworm, Python 3.12, linux/amd64",
        "lock          locks/requirements.txt: fits",
    ]
    assert outcome.out.splitlines()[4].startswith("ok: ")


def test_quiet(project, mlpackage):
    """`--quiet`, before or after the verb, leaves a sound project without a word."""
    assert (mlpackage("check", "-q").out, mlpackage("--quiet", "check").out) == ("", "")


def test_every_problem_at_once(project, mlpackage):
    """Problems of the table, of the models and of the script are reported in one run."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("greeting.txt", "gone.txt") + "\n[tool.mlpackage.sever]\n")
    (project / "score.py").write_text("def init():\n    pass\n")

    outcome = mlpackage("check")

    assert (outcome.status, outcome.out) == (1, "")
    places = [line.split(": ")[0].strip() for line in outcome.err.splitlines()[1:]]
    assert places == ["tool.mlpackage.sever", "tool.mlpackage.models[0].path", "score.py:1"]


def test_json(project, mlpackage):
    """A program reads the problems as where, what and fix."""
    sound = mlpackage("check", "--json")
    (project / "score.py").write_text("def init(:\n")
    broken = mlpackage("check", "--json")

    assert (sound.status, json.loads(sound.out)) == (0, {"ok": True, "problems": []})
    assert broken.status == 1
    document = json.loads(broken.out)
    assert document["ok"] is False
    assert [(problem["where"], sorted(problem)) for problem in document["problems"]] == [
        ("score.py:1", ["fix", "what", "where"])
    ]


def test_json_of_a_stale_lock(project, mlpackage):
    """A lock that does not fit is a problem like any other."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"idna>=3.7"', '"idna>=99"'))

    outcome = mlpackage("check", "--json")

    assert outcome.status == 1
    (problem,) = json.loads(outcome.out)["problems"]
    assert "idna>=99" in problem["what"]


@pytest.mark.parametrize("verb", ["check", "plan", "generate"])
def test_missing_lock(project, mlpackage, verb):
    """Without a lock the error says which file is missing and how to make it."""
    (project / "locks/requirements.txt").unlink()

    outcome = mlpackage(verb)

    assert (outcome.status, outcome.out) == (1, "")
    assert "locks/requirements.txt" in outcome.err
    assert "mlpackage lock" in outcome.err
    assert not (project / "dist").exists()
