from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.azureml_files.configurations import read_configuration
from hatch_mlpackage.project.azureml_files.documents import read_document
from hatch_mlpackage.project.azureml_files.inference import read_environment_file
from hatch_mlpackage.project.azureml_files.places import Places

from .configurations import INFERENCE

GOLDEN = Path(__file__).resolve().parents[2] / "golden/azureml"


def converted(case, root, problems):
    """Read and convert a case, as `import-azureml` does; return None if there is a problem."""
    node = read_document(case.written().encode(), "inferenceconfig.json", problems)
    deployment = None
    if case.deployment:
        deployment = read_document(json.dumps(case.deployment, indent=2).encode(), "deploymentconfig.json", problems)
    configuration = read_configuration(node, deployment, problems)
    if case.environment:
        given = read_document(json.dumps(case.environment).encode(), "environment.json", problems)
        inference = replace(configuration.inference, environment=read_environment_file(given, problems))
        configuration = replace(configuration, inference=inference)
    if problems.found:
        return None
    places = Places(root=root, here=root, beside=root / case.folder)
    return configuration.converted(places, problems, python=case.python)


def report(conversion, problems):
    """Write everything in a conversion, for a person to review."""
    if conversion is None or problems.found:
        return "".join(f"refused  {problem}\n" for problem in problems.found)
    table = json.dumps(conversion.table, indent=2, ensure_ascii=False)
    files = "".join(f"\n--- {name}\n{text}" for name, text in conversion.files.items())
    rows = "".join(
        f"{row.outcome:10} {row.where:24} {row.key}: {row.said}"
        + (f" [{', '.join(row.settled_by)}]" if row.settled_by else "")
        + "\n"
        for row in conversion.rows
    )
    return f"{rows}\n{table}\n{files}"


@pytest.mark.parametrize("name", INFERENCE)
def test_conversion(name, root, problems, request):
    """Each configuration gives the reviewed table, files and report, or the reviewed problems."""
    said = report(converted(INFERENCE[name], root, problems), problems)

    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over():
    """Each reviewed file belongs to a configuration."""
    assert {path.stem for path in GOLDEN.iterdir()} == INFERENCE.keys()


def test_passwords_are_not_shown(root):
    """No report and no table shows a secret of a file."""
    for case in INFERENCE.values():
        problems = Problems()
        said = report(converted(case, root, problems), problems)
        assert not any(secret in said for secret in ("hunter2", '"secret"'))
