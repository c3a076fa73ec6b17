from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from hatch_mlpackage.errors import Problem, Problems
from hatch_mlpackage.files.yaml_lines import INSTALL
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.lock.project_conda import lock_conda, read_conda
from hatch_mlpackage.project.azureml_files.in_place import with_imported
from hatch_mlpackage.project.config.keys import Config, Healthcheck, Image, Model, Server
from hatch_mlpackage.project.known_images import official_image
from hatch_mlpackage.project.read_config import read_declaration

CONDA = {
    "channels": ["conda-forge"],
    "dependencies": ["python=3.11", {"pip": ["azureml-defaults", "idna>=3"]}],
}
IN_PLACE = "inferenceconfig.json#environment.python.condaDependencies"
MODELS = [{"name": "ridge", "path": "models/ridge.pkl"}]


@pytest.fixture
def make(make_project):
    """Give a function that makes a project whose table names Azure ML's files, written as JSON."""

    def make_in_place(inference, deployment=None, **table):
        project = make_project()
        (project.root / "inferenceconfig.json").write_text(json.dumps(inference, indent=1))
        named = {"inference-config": "inferenceconfig.json", "models": MODELS}
        if deployment is not None:
            (project.root / "deploymentconfig.json").write_text(json.dumps(deployment, indent=1))
            named["deployment-config"] = "deploymentconfig.json"
        return replace(project, table={**named, **table})

    return make_in_place


def nested(**environment):
    return {"entryScript": "score.py", "sourceDirectory": "src", "environment": {"name": "e", **environment}}


def found(problems):
    return [str(problem) for problem in problems.found]


def test_the_files_are_the_configuration(make, problems):
    """The files mean the same as the corresponding keys of the table."""
    inference = nested(python={"condaDependencies": CONDA}, environmentVariables={"A": "b c"})
    project = make(
        inference, {"computeType": "aks", "maxQueueWaitMs": 5, "livenessProbeRequirements": {"periodSeconds": 7}}
    )

    config = read_declaration(project, problems).config

    assert found(problems) == []
    assert config == Config(
        inference_config="inferenceconfig.json",
        deployment_config="deploymentconfig.json",
        entry_script="src/score.py",
        source_directory="src",
        python_version="3.11",
        base_image="python:3.11-slim-bookworm",
        dependencies=(),
        environment_variables={"A": "b c"},
        conda_file=IN_PLACE,
        models=(Model(name="ridge", path="models/ridge.pkl"),),
        server=Server(max_queue_wait_ms=5),
        image=Image(name="diabetes", healthcheck=Healthcheck(interval=7)),
    )


def test_the_table_wins(make, problems):
    """A key of the table wins over the file's, also inside tables, and the file's other keys stay."""
    inference = nested(environmentVariables={"A": "file", "B": "file"}, docker={"baseImage": "team/base:1"})
    project = make(inference, **{"environment-variables": {"A": "table"}, "base-image": "python:3.10-slim"})

    config = read_declaration(project, problems).config

    assert found(problems) == []
    assert (config.base_image, config.environment_variables) == ("python:3.10-slim", {"A": "table", "B": "file"})


def test_conda_dependencies_are_locked_from_where_they_are(make, problems):
    """Conda dependencies are locked from the file's lines, and the record stays valid when they move."""
    project = make(nested(python={"condaDependencies": CONDA}))
    config = read_declaration(project, problems).config

    conda = read_conda(project, config, Locks(), problems)
    locks = lock_conda(config, conda, Locks(), upgrade=False, report=lambda _: None)

    assert (conda.file.path, [(line.number, line.text) for line in conda.file.pip]) == (
        "inferenceconfig.json",
        [(15, "azureml-defaults"), (16, "idna>=3")],
    )
    moved = json.dumps({"description": "a line more", **nested(python={"condaDependencies": CONDA})}, indent=2)
    (project.root / "inferenceconfig.json").write_text(moved)
    assert read_conda(project, config, locks, problems) == conda
    assert found(problems) == []


def test_a_wrong_requirement_is_on_its_line(make, problems):
    """A requirement that conda cannot read is reported with its line in the file."""
    project = make(nested(python={"condaDependencies": {"dependencies": ["python=3.11", "numpy=>1"]}}))

    read_conda(project, read_declaration(project, problems).config, Locks(), problems)

    assert found(problems) == [
        "inferenceconfig.json:10: `numpy=>1` has its operator the wrong way round. Write `>=` or `<=`."
    ]


def test_no_yaml_reader_is_needed_for_json(make, problems):
    """Without PyYAML a file in JSON is read as usual, and a file in YAML is a problem that says what to install."""
    project = make(nested(docker={"enabled": False}))
    (project.root / "ic.yml").write_text("entryScript: src/score.py\n")
    program = (
        "import sys; sys.modules['yaml'] = None\n"
        "from pathlib import Path\n"
        "from hatch_mlpackage.errors import Problems\n"
        "from hatch_mlpackage.project.pyproject import Project\n"
        "from hatch_mlpackage.project.read_config import read_declaration\n"
        "for name in ('inferenceconfig.json', 'ic.yml'):\n"
        "    problems = Problems()\n"
        "    read_declaration(Project(root=Path(sys.argv[1]), table={'inference-config': name}), problems)\n"
        "    print(*problems.found, sep='\\n')\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, project.root], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert said == [
        "",
        f"ic.yml: reading it needs PyYAML, which is not installed here. {INSTALL}",
    ]


REFUSED = {
    "nothing there": (
        {"inference-config": "ic.json"},
        [("tool.mlpackage.inference-config: 'ic.json' cannot be read: No such file or directory. "
         "Correct the path, relative to the project.")],
    ),
    "outside": (
        {"inference-config": "../ic.json"},
        ["tool.mlpackage.inference-config: '../ic.json' is outside of the project. Copy it into the project."],
    ),
    "no text": (
        {"inference-config": 3},
        ["tool.mlpackage.inference-config: must be a string, not 3."],
    ),
    "a deployment alone": (
        {"deployment-config": "dc.json"},
        ["tool.mlpackage.deployment-config: is only read beside inference-config. Name that file as well."],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("table", "expected"), REFUSED.values(), ids=REFUSED)
def test_files_that_cannot_be_used(make_project, problems, table, expected):
    """A problem with a whole file is reported at the key that names it."""
    project = make_project()
    (project.root / "dc.json").write_text('{"computeType": "local"}')

    with_imported(table, project.root, problems)

    assert found(problems) == expected


def test_what_a_person_must_decide(make):
    """A missing decision is reported with its line and the keys that make it, and one such key settles it."""
    inference = {"entryScript": "src/score.py", "enableGpu": True}
    undecided, decided = Problems(), Problems()
    project = make(inference)

    read_declaration(project, undecided)
    read_declaration(replace(project, table={**project.table, "cuda": "12.4"}), decided)

    assert (found(undecided), found(decided)) == (
        [
            (
                'inferenceconfig.json:3: enableGpu: choose a CUDA version: cuda = "12.4", or name a base image. '
                "Decide it with cuda or base-image in [tool.mlpackage]."
            )
        ],
        [],
    )


def test_a_key_that_is_given_again(make, problems):
    """A value that a later one replaces is a warning with its line."""
    project = make({"entryScript": "src/score.py"})
    text = '{\n"entryScript": "src/old.py",\n"entryScript": "src/score.py"}'
    (project.root / "inferenceconfig.json").write_text(text)

    imported = with_imported(project.table, project.root, problems)

    assert imported.table["entry-script"] == "src/score.py"
    assert list(imported.warnings) == [
        Problem(
            where="inferenceconfig.json:2",
            what="entryScript: line 3 gives this key again: the last value counts, as in the original.",
            level="warning",
        )
    ]


@pytest.mark.parametrize(("pin", "python"), [("python=3.6.2", "3.6"), ("python=3.7", "3.7")])
def test_an_old_python(make, problems, pin, python):
    """A pinned Python 3.6 or 3.7 is the image's, with nothing to decide."""
    project = make(nested(python={"condaDependencies": {"dependencies": [pin, {"pip": ["idna"]}]}}))

    config = read_declaration(project, problems).config

    assert found(problems) == []
    assert (config.python_version, config.base_image) == (python, official_image(python))


def test_a_python_that_is_not_served(make, problems):
    """A pinned Python that cannot be served must be replaced, and `python-version` in the table does it."""
    undecided = Problems()
    project = make(nested(python={"condaDependencies": {"dependencies": ["python=3.5.2", {"pip": ["idna"]}]}}))

    read_declaration(project, undecided)
    decided = replace(project, table={**project.table, "python-version": "3.11"})
    config = read_declaration(decided, problems).config
    conda = read_conda(decided, config, Locks(), problems)

    assert found(undecided) == [
        (
            "inferenceconfig.json:7: environment.python.condaDependencies (python): python=3.5.2 is not served, only "
            '3.6 to 3.14: replace it with python-version = "3.6"; a pickled model may not load or may answer '
            "otherwise there, so compare its answers or train it again. "
            "Decide it with python-version in [tool.mlpackage]."
        )
    ]
    assert found(problems) == []
    assert (config.python_version, conda.target.python) == ("3.11", "3.11")


def test_wrong_values_are_on_their_lines(make, problems):
    """The configuration's checks report a wrong value with its line in the file."""
    project = make(nested(docker={"baseImage": "Team/Base"}, environmentVariables={"A-B": "1"}))

    read_declaration(project, problems)

    assert found(problems) == [
        (
            "inferenceconfig.json:7: base-image: 'Team/Base' is not an image reference. "
            "Write [registry/]name[:tag][@sha256:digest], without spaces and with the name in lower case."
        ),
        (
            "inferenceconfig.json:10: environment-variables.A-B: 'A-B' is not a variable name. "
            "Use letters, digits and underscores."
        ),
    ]


def test_what_has_no_effect(make, problems):
    """Unknown keys and unsupported runtimes are warnings with their lines."""
    project = make({"entryScript": "src/score.py", "condafile": "x", "runtime": "spark-py"})

    assert list(with_imported(project.table, project.root, problems).warnings) == [
        Problem(
            where="inferenceconfig.json:4",
            what="runtime: Spark is not served: the image has only Python, as with the runtime python.",
            level="warning",
        ),
        Problem(
            where="inferenceconfig.json:3",
            what=("condafile: this file has no such key; the original ignored it silently. Did you mean 'condaFile'?"),
            level="warning",
        ),
    ]
