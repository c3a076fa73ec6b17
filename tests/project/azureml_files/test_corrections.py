"""Correct each refused configuration as its message says; it is then converted."""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.azureml_files.configurations import read_configuration
from hatch_mlpackage.project.azureml_files.documents import read_document
from hatch_mlpackage.project.azureml_files.places import Places

from .configurations import CONDA_DEPENDENCIES, INFERENCE, SCRIPT, WHOLE

GONE = object()
RESOURCES = "containerResourceRequirements"
PROBE = "livenessProbeRequirements"
CONDA = "environment.python.condaDependencies"

# Case → key of the inference configuration, or `deployment:` and a key of the other file → its new value.
EDITS: dict[str, dict[str, Any]] = {
    "absolute-script-beside-the-file": {"entryScript": "beside.py"},
    "blank-entry-script": {"entryScript": "score.py"},
    "environment-and-flat": {"environment": GONE},
    "half-a-network": {"deployment:sslEnabled": False, "deployment:subnetName": "s"},
    "image-with-spaces": {"baseImage": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:1"},
    "items-of-conda-that-are-no-text": {CONDA: {"dependencies": ["python", "7", {"pip": ["b"]}]}},
    "no-compute-type": {"deployment:computeType": "local"},
    "no-entry-script": {"entryScript": "score.py"},
    "no-files": {"condaFile": "myenv.yml", "extraDockerfileSteps": "steps.Dockerfile"},
    "no-scale": {"deployment:numReplicas": 1, "deployment:autoScaler.minReplicas": GONE},
    "no-script": {"entryScript": "score.py"},
    "no-source-directory": {"sourceDirectory": "src"},
    "not-python": {"entryScript": "score.py"},
    "port-of-another-type": {"deployment:port": 8890},
    "replicas-and-limits": {"deployment:autoScaler.minReplicas": GONE},
    "script-outside-of-its-source": {"sourceDirectory": "src", "entryScript": "inner/score.py"},
    "two-bases": {"environment.docker.baseDockerfile": GONE},
    "unknown-compute-type": {"deployment:computeType": "aci"},
    "unknown-key-of-conda": {f"{CONDA}.dependancies": GONE},
    "unknown-runtime-and-cuda": {"runtime": "python", "cudaVersion": GONE},
    "variable-that-is-an-object": {"environment.environmentVariables.A": "1"},
    "wrong-numbers": {
        "deployment:scoringTimeoutMs": GONE,
        "deployment:maxConcurrentRequestsPerContainer": 1,
        "deployment:maxQueueWaitMs": 0,
        "deployment:gpuCores": 0,
        "deployment:trafficPercentile": GONE,
        f"deployment:{RESOURCES}.cpuLimit": 2,
        f"deployment:{RESOURCES}.memoryInGBLimit": 4,
        f"deployment:{PROBE}.periodSeconds": 1,
        f"deployment:{PROBE}.initialDelaySeconds": GONE,
    },
    "wrong-port": {"deployment:port": GONE},
    "wrong-scale": {
        "deployment:numReplicas": GONE,
        "deployment:autoScaler.maxReplicas": 5,
        "deployment:tokenAuthEnabled": False,
        "deployment:namespace": "no",
    },
    "wrong-types": {
        "entryScript": "score.py",
        "enableGpu": True,
        "environment": GONE,
        "baseImageRegistry": GONE,
    },
    "wrong-types-nested": {
        "environment.environmentVariables": {"A": "1"},
        "environment.python.userManagedDependencies": False,
        "environment.python.condaDependencies": GONE,
        "environment.python.condaDependenciesFile": "conda.yml",
        "environment.docker.platform.os": GONE,
    },
}
# Case → the files of the inference configuration and the deployment, written anew.
REWRITTEN: dict[str, tuple[Any, Any]] = {
    "a-list": ({"entryScript": "score.py"}, None),
    "an-environment-alone": ({"entryScript": "score.py", "environment": WHOLE}, None),
    "online-deployment-beside-another": (
        {"endpoint_name": "e", "code_configuration": {"code": "src", "scoring_script": "score.py"}},
        None,
    ),
    "online-deployment-with-mistakes": (
        {
            "endpoint_name": "e",
            "code_configuration": {"code": "src", "scoring_script": "score.py"},
            "environment_variables": {"A": "1"},
            "environment": {"conda_file": CONDA_DEPENDENCIES},
        },
        None,
    ),
}
# Cases that are corrected on the command line, as tests/cli/test_import_paths.py and test_import_online.py do.
ON_THE_COMMAND_LINE = {"conda-file-outside", "source-directory-outside"}
# The model alone is served without any configuration: tests/no_code does.
ELSEWHERE = {"online-deployment-without-a-script"}
# Its file is missing, and no message can know what the file was to be.
MISSING = {"a-name-too-long"}


def problems_of(
    inference: str, deployment: str | None, root: Path, *, folder: str = "", top: Path | None = None
) -> tuple[str, ...]:
    """Read and convert the texts; return the problems."""
    problems = Problems()
    node = read_document(inference.encode(), "ic.json", problems)
    beside = read_document(deployment.encode(), "dc.json", problems) if deployment else None
    configuration = read_configuration(node, beside, problems)
    if not problems.found:
        configuration.converted(Places(root=top or root, here=root, beside=root / folder), problems)
    return tuple(map(str, problems.found))


def edited(document: Any, edits: dict[str, Any]) -> str | None:
    document = copy.deepcopy(document)
    for key, value in edits.items():
        *sections, last = key.split(".")
        inner = document
        for section in sections:
            inner = inner[section]
        if value is GONE:
            inner.pop(last, None)
        else:
            inner[last] = value
    return json.dumps(document) if document is not None else None


def written(case) -> tuple[str, str | None]:
    return case.written(), json.dumps(case.deployment) if case.deployment else None


def refused(root) -> set[str]:
    return {
        name
        for name, case in INFERENCE.items()
        if not case.environment and problems_of(*written(case), root, folder=case.folder)
    }


def test_each_refusal_has_its_correction(root):
    """Every configuration of the table that is refused is corrected by a test."""
    assert refused(root) == EDITS.keys() | REWRITTEN.keys() | ON_THE_COMMAND_LINE | ELSEWHERE | MISSING


@pytest.mark.parametrize("name", sorted(EDITS.keys() | REWRITTEN.keys()))
def test_a_corrected_configuration(root, name):
    """Each problem says what to write instead; with that the configuration is converted."""
    case = INFERENCE[name]
    before = problems_of(*written(case), root, folder=case.folder)
    if name in REWRITTEN:
        inference, deployment = (document and json.dumps(document) for document in REWRITTEN[name])
    else:
        of_deployment = {
            key.removeprefix("deployment:"): value
            for key, value in EDITS[name].items()
            if key.startswith("deployment:")
        }
        of_inference = {key: value for key, value in EDITS[name].items() if not key.startswith("deployment:")}
        inference, deployment = edited(case.values, of_inference), edited(case.deployment, of_deployment)

    # A message ends with its next step, a sentence of its own.
    assert [said for said in before if not re.search(r"[.?'\"] [A-Z].*[.?}\"]$", said)] == []
    assert problems_of(inference, deployment, root, folder=case.folder) == ()


@pytest.mark.parametrize("name", sorted(ON_THE_COMMAND_LINE))
def test_a_better_project_folder(root, name):
    """With the project folder that the message names, the configuration is converted as it is."""
    case = INFERENCE[name]
    said = problems_of(*written(case), root)
    flag = re.search(r"Give --project (\S+): ", said[0])[1]

    assert problems_of(*written(case), root, top=Path(os.path.normpath(root / flag))) == ()


def test_a_missing_file(root):
    """A file that is missing is put where the message says."""
    said = problems_of('{"entryScript": "mine/own.py"}', None, root)
    (root / "mine").mkdir()
    (root / "mine/own.py").write_text(SCRIPT)

    assert "".join(said) == (
        "ic.json:1: entryScript names 'mine/own.py', and there is no such file. "
        "Correct the path, or put it there: it was looked for in project."
    )
    assert problems_of('{"entryScript": "mine/own.py"}', None, root) == ()
