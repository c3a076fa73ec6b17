from __future__ import annotations

import hashlib
import json
import shutil
import stat
from pathlib import Path

import pytest

from hatch_mlpackage.context.build import build_context, plan_context
from hatch_mlpackage.context.manifest import read_manifest
from hatch_mlpackage.context.package import default_destination, inspect_project
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.errors import ConfigurationError, LockError
from hatch_mlpackage.lock.check_locks import check_project_lock
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.pyproject import load_project

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
HASHES_OF_THE_RUNTIME = ("manifest.json", "sbom.cdx.json")
CASES = (
    "minimal",
    "two-models",
    "named-models",
    "conda",
    "gpu",
    "own-packages",
    "base-dockerfile",
    "steps",
    "old-python",
)
LOCK_FIX = "Run `mlpackage lock` and commit the result."


def texts(directory):
    """Return path → (mode, contents) of a context without the runtime, which changes independently."""
    return {
        path.relative_to(directory).as_posix(): (oct(stat.S_IMODE(path.stat().st_mode)), path.read_bytes())
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "runtime" not in path.parts and path.name not in HASHES_OF_THE_RUNTIME
    }


@pytest.mark.parametrize("case", CASES)
def test_golden(copy_project, request, case):
    """Every byte of a context matches the reviewed one; `pytest --update-golden` writes a new one for review."""
    project = load_project(copy_project(case))

    build_context(project, default_destination(project))

    made = default_destination(project)
    if request.config.getoption("--update-golden"):
        shutil.rmtree(GOLDEN / case, ignore_errors=True)
        shutil.copytree(made, GOLDEN / case, ignore=shutil.ignore_patterns("runtime", *HASHES_OF_THE_RUNTIME))
    assert texts(made) == texts(GOLDEN / case)
    assert verify_context(made) == ()


@pytest.mark.parametrize("case", ["minimal", "conda"])
def test_locks_of_a_checkout_on_windows(copy_project, case):
    """Locks whose lines end in CR and LF, as git writes them on Windows, give the same bytes of the context."""
    project = load_project(copy_project(case))
    for lock in (project.root / "locks").iterdir():
        lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))

    build_context(project, default_destination(project))

    assert texts(default_destination(project)) == texts(GOLDEN / case)


def test_manifest(copy_project):
    """The manifest describes the image, its layers, and every file with its layer."""
    project = load_project(copy_project("two-models"))

    manifest = build_context(project, default_destination(project))

    assert manifest == read_manifest(default_destination(project))
    assert manifest.about == {
        "generator": {"hatch-mlpackage": "0.1.0"},
        "project": {"name": "two-models", "version": "2.0rc1"},
        "image": {
            "name": "team/two-models:latest",
            "base": "registry.example:5000/team/python:3.11-slim-bullseye",
            "platform": "linux/amd64",
            "python": "3.11",
            "environment": {
                "AML_APP_ROOT": "/var/azureml-app",
                "AZUREML_ENTRY_SCRIPT": "src/scoring/score.py",
                "AZUREML_SOURCE_DIRECTORY": "src",
                "AZUREML_MODEL_DIR": "/var/azureml-app/azureml-models",
                "MLPACKAGE_WORKER_PYTHON": "/opt/mlpackage/environment/bin/python",
                "WORKER_COUNT": "2",
                "SCORING_TIMEOUT_MS": "1500",
                "GREETING": 'good "morning" $HOME!!!',
                "OMP_NUM_THREADS": "1",
            },
        },
    }
    assert manifest.layers == (
        "environment",
        "runtime",
        "azureml-models/weights/3",
        "azureml-models/tokenizer/2",
        "source",
        "manifest",
    )
    assert [(file.path, file.layer) for file in manifest.files if file.layer != "runtime"] == [
        (".dockerignore", "build"),
        ("Dockerfile", "build"),
        ("README.md", "build"),
        ("azureml-app/src/scoring/__init__.py", "source"),
        ("azureml-app/src/scoring/score.py", "source"),
        ("azureml-app/src/scoring/words.py", "source"),
        ("azureml-models/tokenizer/2/tokenizer/config.json", "azureml-models/tokenizer/2"),
        ("azureml-models/tokenizer/2/tokenizer/vocabulary.txt", "azureml-models/tokenizer/2"),
        ("azureml-models/weights/3/weights.bin", "azureml-models/weights/3"),
        ("environment/requirements.txt", "environment"),
        ("sbom.cdx.json", "manifest"),
    ]


def test_an_image_that_brings_its_packages(copy_project):
    """An image that brings its packages gets no lock and no installation, and the bill of materials says so."""
    project = load_project(copy_project("own-packages"))

    manifest = build_context(project, default_destination(project))

    assert manifest.layers == ("runtime", "azureml-models/greeting/1", "source", "manifest")
    bill = json.loads((default_destination(project) / "sbom.cdx.json").read_text())
    assert bill["compositions"] == [{"aggregate": "unknown", "assemblies": ["base"]}]
    assert {component["bom-ref"].partition("/")[0] for component in bill["components"]} == {
        "base",
        "model",
        "runtime",
        "server",
    }
    assert list((project.root / "locks").iterdir()) == [project.root / "locks/base-image.toml"]


def test_the_manifest_records_what_was_added(copy_project):
    """The manifest records a digest of the user's extra Dockerfile lines, and an unusual port."""
    project = load_project(copy_project("steps"))

    image = build_context(project, default_destination(project)).about["image"]

    lines = (default_destination(project) / "Dockerfile").read_text().partition("# Extra steps")[2].partition("\n\n")[0]
    digest = hashlib.sha256(f"# Extra steps{lines}\n".encode()).hexdigest()
    assert (image["port"], image["extra-dockerfile-steps"]) == (8890, f"sha256:{digest}")


def test_every_copied_path_is_in_the_context(copy_project):
    """The context holds every path that the Dockerfile copies."""
    project = load_project(copy_project("two-models"))
    destination = default_destination(project)

    build_context(project, destination)

    sources = [
        line.split()[1] for line in (destination / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")
    ]
    assert [source for source in sources if not (destination / source).exists()] == []
    assert sources[0] == "environment/requirements.txt"


def test_a_missing_lock(copy_project):
    """Without a lock nothing is written, and the error names the command that makes one."""
    project = load_project(copy_project("minimal"))
    (project.root / "locks/requirements.txt").unlink()

    with pytest.raises(LockError) as raised:
        build_context(project, default_destination(project))

    assert str(raised.value) == f"locks/requirements.txt is missing.\n{LOCK_FIX}"
    assert not (project.root / "dist").exists()


def test_a_stale_lock(copy_project):
    """The error names a requirement that the lock does not satisfy, and the version that the lock has."""
    root = copy_project("minimal")
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("idna>=3.7", "idna<3.7"))

    with pytest.raises(LockError) as raised:
        plan_context(load_project(root))

    assert "idna<3.7" in str(raised.value)
    assert str(raised.value).endswith(LOCK_FIX)


def test_a_lock_that_still_satisfies(copy_project):
    """A changed requirement that its pin satisfies needs no new lock."""
    root = copy_project("minimal")
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("idna>=3.7", "idna>=3.8"))

    state = check_project_lock(inspect_project(load_project(root)))

    assert (state.status, state.usable) == ("satisfied", True)


def test_problems_of_every_kind_come_together(copy_project):
    """One error lists the problems of the configuration, the entry script, the requirements and the files."""
    root = copy_project("two-models")
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("python-version", "pyhton-version"))
    (root / "src/scoring/score.py").write_text("def init(:\n")
    (root / "src/dangling").symlink_to("nowhere")
    (root / "requirements.txt").write_text("numpy=1.26\n")

    with pytest.raises(ConfigurationError) as raised:
        build_context(load_project(root), root / "dist/context")

    assert [problem.where for problem in raised.value.problems] == [
        "tool.mlpackage.pyhton-version",
        "src/scoring/score.py:1",
        "requirements.txt:1",
        str(root / "src/dangling"),
    ]
    assert not (root / "dist").exists()


def test_an_unknown_python_is_one_problem(copy_project):
    """A Python version without a runtime is reported once, by its key."""
    root = copy_project("minimal")
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("[tool.mlpackage]", '[tool.mlpackage]\npython-version = "3.99"'))

    with pytest.raises(ConfigurationError) as raised:
        inspect_project(load_project(root))

    assert [problem.where for problem in raised.value.problems] == ["tool.mlpackage.python-version"]


def test_the_script_lies_where_the_server_looks(copy_project):
    """AZUREML_ENTRY_SCRIPT is relative to the app root and starts with the source directory's name."""
    from hatch_mlpackage.context.image_values import server_environment  # noqa: PLC0415

    assert server_environment(inspect_project(load_project(copy_project("two-models")))) == {
        "AML_APP_ROOT": "/var/azureml-app",
        "AZUREML_ENTRY_SCRIPT": "src/scoring/score.py",
        "AZUREML_SOURCE_DIRECTORY": "src",
        "AZUREML_MODEL_DIR": "/var/azureml-app/azureml-models",
        "MLPACKAGE_WORKER_PYTHON": "/opt/mlpackage/environment/bin/python",
        "WORKER_COUNT": "2",
        "SCORING_TIMEOUT_MS": "1500",
        "GREETING": 'good "morning" $HOME!!!',
        "OMP_NUM_THREADS": "1",
    }


@pytest.mark.network
def test_locking_keeps_what_the_bill_says(copy_project):
    """`mlpackage lock` records which wheel the image installs for each package, and the wheel's facts."""
    project = load_project(copy_project("minimal"))

    lock_project(project, report=lambda _: None)

    (described,) = json.loads((project.root / "locks/packages.json").read_text()).values()
    lock = (project.root / "locks/requirements.txt").read_text()
    assert (described["license"], described["wheel"].startswith("idna-")) == ("BSD-3-Clause", True)
    assert f"--hash=sha256:{described['sha256']}" in lock
    assert (described["modules"], described["size"] > 10_000) == (["idna"], True)
