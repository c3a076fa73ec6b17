"""Every combination of answers, baked and checked without being run."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from validate_pyproject.api import Validator

from hatch_mlpackage.cli.bake import questions
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.project.pyproject import load_project

pytestmark = pytest.mark.templates

CHOICES = {question.key: tuple(question.choices) for question in questions()}
ALWAYS = {
    ".gitignore",
    ".pre-commit-config.yaml",
    "README.md",
    "pyproject.toml",
    "src/sample.json",
    "src/score.py",
    "tests/conftest.py",
    "tests/test_score.py",
    "tests/test_service.py",
}
TRAINED = {"tests/test_train.py", "train.py"}
OF_ANSWERS = {
    "pip": set(),
    "conda": {"environment.yml"},
    "github": {".github/workflows/ci.yml"},
    "azure": {"azure-pipelines.yml"},
    "none": set(),
    "MIT": {"LICENSE"},
    "Apache-2.0": {"LICENSE"},
    "BSD-3-Clause": {"LICENSE"},
    "proprietary": set(),
}
# As check-jsonschema's own hooks for pre-commit call it.
SCHEMAS = {
    "github": ("--builtin-schema", "vendor.github-workflows"),
    "azure": (
        *("--builtin-schema", "vendor.azure-pipelines"),
        *("--data-transform", "azure-pipelines"),
        *("--regex-variant", "nonunicode"),
    ),
}
LICENCES = {
    "MIT": "MIT License\n",
    "Apache-2.0": "Apache License\n",
    "BSD-3-Clause": "BSD 3-Clause License\n",
}


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def validate() -> Validator:
    """Compile the schemas once, ours among them."""
    return Validator()


@pytest.mark.parametrize("dependencies", CHOICES["dependencies"])
@pytest.mark.parametrize("framework", CHOICES["framework"])
def test_every_combination(baked, validate, framework, dependencies):
    """Each combination has exactly its files, no trace of the template's language, and valid metadata."""
    for ci, licence in itertools.product(CHOICES["ci"], CHOICES["licence"]):
        answers = {"framework": framework, "dependencies": dependencies, "ci": ci, "licence": licence}
        project = baked(f"{ci}-{licence.lower().replace('.', '-')}", **answers)

        wanted = set().union(*(OF_ANSWERS[answers[key]] for key in ("dependencies", "ci", "licence")))
        assert files_of(project) == ALWAYS | TRAINED | wanted
        texts = {name: (project / name).read_text(encoding="utf-8") for name in files_of(project)}
        assert [name for name, text in texts.items() if "cookiecutter" in text or "{%" in text] == []
        assert [name for name, text in texts.items() if not text.endswith("\n") or text.endswith("\n\n")] == []
        assert LICENCES.get(licence, "") in texts.get("LICENSE", "")
        pyproject = tomllib.loads(texts["pyproject.toml"])
        validate(pyproject)
        inputs = inspect_requirements(load_project(project))
        assert (inputs.config.conda_file is not None) == (dependencies == "conda")
        assert inputs.config.models[0].path.startswith("models/model.")


@pytest.fixture
def kinds(baked):
    """Give a function that bakes one project for each way in which its pipeline may differ."""

    def make(ci):
        ways = itertools.product(CHOICES["dependencies"], ["", "ridge.joblib"])
        return [
            baked(f"{ci}-{number}", ci=ci, dependencies=dependencies, _own_model=own)
            for number, (dependencies, own) in enumerate(ways)
        ]

    return make


@pytest.mark.parametrize("ci", ["github", "azure"])
def test_pipelines(kinds, baked, succeed, ci):
    """The pipelines are valid for their programs' schemas, and are the same for every framework and licence."""
    (file,) = OF_ANSWERS[ci]
    projects = kinds(ci)
    other = baked("other", ci=ci, framework="python", licence="proprietary")

    assert (other / file).read_text() == (projects[0] / file).read_text()
    succeed(other, "-m", "check_jsonschema", *SCHEMAS[ci], *(str(project / file) for project in projects))


def test_the_workflow_is_safe(kinds):
    """zizmor finds nothing to report in the workflow, even with its pedantic rules."""
    zizmor = Path(sys.executable).with_name("zizmor")

    judged = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--persona=pedantic", *kinds("github")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert judged.stderr.count("ci.yml") == len(CHOICES["dependencies"]) * 2
