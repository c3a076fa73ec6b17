"""A project with a conda file, from its configuration to its context."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sys
from datetime import date
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from hatch_mlpackage.context.build import build_context, plan_context
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.errors import ConfigurationError, LockError
from hatch_mlpackage.lock.check_locks import check_project_conda
from hatch_mlpackage.lock.images.base_image import BaseImageLock, write_base_image_locks
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.known_images import MICROMAMBA
from hatch_mlpackage.project.pyproject import load_project

RENEW = "\nRun `mlpackage lock` and commit the result."


@pytest.fixture
def only_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the network, the YAML reader and the solver, as in a build environment."""

    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    for name in ("rattler", "yaml"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def vendored(copy_project, conda) -> Path:
    """Give an unlocked project whose conda packages come from a channel of its own."""
    root = copy_project("conda-vendored")
    channel = conda.channel(root / "channel")
    channel.add("python", "3.11.4", build="h_cpython", depends=("__glibc >=2.17",))
    files = {"site-packages/greeting.py": conda.file(b"\n")}
    channel.add("greeting", "1.0", build="pyhd8_0", subdir="noarch", depends=("python >=3.8",), files=files)
    (root / "environment.yml").write_text("dependencies:\n- greeting\n")
    return root


def problems_of(root: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        inspect_requirements(load_project(root))
    return [str(problem) for problem in raised.value.problems]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.usefixtures("only_locks")
def test_a_context_needs_only_the_locks(copy_project):
    """Building a context twice gives the same bytes and uses no network, YAML reader or solver."""
    project = load_project(copy_project("conda"))

    first = build_context(project, project.root / "dist/first")
    second = build_context(project, project.root / "dist/second")

    assert first == second
    assert verify_context(project.root / "dist/second") == ()


def test_the_bill_of_materials(copy_project):
    """The bill of materials lists conda's packages with the facts that their lock records."""
    project = load_project(copy_project("conda"))
    build_context(project, project.root / "dist/context")

    text = (project.root / "dist/context/sbom.cdx.json").read_text()
    components = {component["bom-ref"]: component for component in json.loads(text)["components"]}
    lock = (project.root / "locks/conda-linux-64.lock").read_text()
    sha256 = re.search(r"numpy-1.26.4\S+#sha256:(\w+)", lock)[1]

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert components["conda/numpy@1.26.4"] == {
        "type": "library",
        "bom-ref": "conda/numpy@1.26.4",
        "name": "numpy",
        "version": "1.26.4",
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "licenses": [{"expression": "BSD-3-Clause"}],
        "purl": "pkg:conda/numpy@1.26.4?build=py312heda63a1_0&channel=conda-forge&subdir=linux-64",
    }


def test_conda_pins_limit_pip(copy_project):
    """Python packages from conda limit pip, except those that pip is asked for by name."""
    root = copy_project("conda")
    assert inspect_requirements(load_project(root)).requirements.constraints == ("numpy==1.26.4", "pip==24.2")

    edit(root / "environment.yml", "idna>=3.7", "numpy==1.25")

    asked = inspect_requirements(load_project(root)).requirements
    assert (asked.requirements, asked.constraints) == (("numpy==1.25",), ("pip==24.2",))


def test_the_channel_goes_along(vendored):
    """A vendored channel's locked packages go into the context with what installs them."""
    project = load_project(vendored)
    said = []

    lock_project(project, report=said.append)

    assert said[:4] == [
        (
            "environment.yml: no channels are named: conda-forge is used. "
            "For Anaconda's own, whose terms you then accept, write `channels: [defaults]`."
        ),
        "environment.yml: python is not pinned: the image's Python 3.11 is used.",
        "Solving 2 conda requirements for linux-64.",
        "Locked 2 conda packages in locks/conda-linux-64.lock.",
    ]
    written = {path.name for path in (vendored / "locks").iterdir()}
    assert written >= {"conda-file.json", "conda-linux-64.lock", "requirements.txt"}
    plan = plan_context(project)
    assert [file.path for file in plan.in_layer("environment")] == [
        "environment/channel/linux-64/python-3.11.4-h_cpython.conda",
        "environment/channel/noarch/greeting-1.0-pyhd8_0.conda",
        "environment/conda-linux-64.lock",
        "environment/conda/install.py",
        "environment/conda/requirements.txt",
        "environment/requirements.txt",
    ]


def old_python_of_conda(root: Path, conda, table: str = "") -> tuple[str, list[str]]:
    """Lock a project whose conda file pins Python 3.6; return its Dockerfile and the files of its environment."""
    channel = conda.channel(root / "channel")
    channel.add("python", "3.6.15", build="h_cpython")
    channel.add("welcome", "1.0", build="py36_0", depends=("python >=3.6,<3.7",))
    (root / "environment.yml").write_text("dependencies:\n- python=3.6\n- welcome\n")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "old"\nversion = "1.0"\n[tool.mlpackage]\nentry-script = "score.py"\nconda-file = '
        '"environment.yml"\nconda-mode = "vendored"\nconda-channel = "channel"\npython-version = "3.6"\n'
        f"pin-base-image = false\n{table}"
    )
    lock_project(load_project(root), report=lambda _: None)
    plan = plan_context(load_project(root))
    dockerfile = next(file.source for file in plan.files if file.path == "Dockerfile").decode()
    return dockerfile, [file.path for file in plan.in_layer("environment")]


def test_conda_brings_an_old_python(vendored, conda):
    """Where conda brings the model's old Python, the base image has a current one, and the server runs on that."""
    dockerfile, files = old_python_of_conda(vendored, conda)

    assert "FROM python:3.12-slim-bookworm AS mlpackage-base\n" in dockerfile
    assert '[ "$found" = "3.12" ] || fail "this base image has Python $found, the server' in dockerfile
    assert "mlpackage-server" not in dockerfile
    assert "/opt/mlpackage/environment/bin/python /tmp/old-pip/pip install" in dockerfile
    assert {"environment/channel/linux-64/python-3.6.15-h_cpython.conda", "environment/pip/requirements.txt"} <= {
        *files
    }


def test_conda_beside_a_chosen_base_image(vendored, conda):
    """A base image that somebody chose stays, and its Python serves where it is new enough."""
    dockerfile, _ = old_python_of_conda(vendored, conda, 'base-image = "team/python:3.11-slim-trixie"\n')

    assert "FROM team/python:3.11-slim-trixie AS mlpackage-base\n" in dockerfile
    assert "python3.11/site-packages" in dockerfile


def test_conda_needs_a_python_that_installs_it(vendored, conda):
    """A base image that has the old Python itself can serve with another, but not install what conda-mode needs."""
    with pytest.raises(ConfigurationError) as refused:
        old_python_of_conda(vendored, conda, 'base-image = "python:3.6-slim-bullseye"\n')

    assert [problem.where for problem in refused.value.problems] == ["tool.mlpackage.conda-mode"]


def test_a_channel_that_changed(vendored):
    """A vendored package that differs from the locked one stops the context."""
    project = load_project(vendored)
    lock_project(project, report=lambda _: None)
    package = vendored / "channel/noarch/greeting-1.0-pyhd8_0.conda"
    package.write_bytes(b"swapped")

    with pytest.raises(LockError) as refused:
        build_context(project, vendored / "dist/context")

    assert str(refused.value).startswith("locks/conda-linux-64.lock is stale:\n  ")
    assert f"{package}: the vendored package is not the one that was asked for: its sha256 should be" in str(
        refused.value
    )
    assert not (vendored / "dist").exists()


def test_the_python_of_the_table_replaces_the_file_s(vendored):
    """A project that chose its Python is locked and written for it, whatever the conda file pins."""
    (vendored / "environment.yml").write_text("dependencies:\n- python=3.7.5\n- greeting\n")
    said = []

    lock_project(load_project(vendored), report=said.append)

    dockerfile = next(file.source for file in plan_context(load_project(vendored)).files if file.path == "Dockerfile")
    assert b"python:3.11-slim-bookworm" in dockerfile
    assert "/python-3.11.4-h_cpython.conda#" in (vendored / "locks/conda-linux-64.lock").read_text()
    assert [line for line in said if "3.7.5" in line] == [
        (
            "environment.yml:2: `python 3.7.5.*` is replaced by 3.11: a pickled model may not load or may answer "
            "otherwise there, so compare its answers or train it again."
        )
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"conda-forge"', '"evil"'),
        ('"numpy 1.26.*"', '"numpy"'),
        ('"idna>=3.7"', '"idna>=3.6"'),
        ('"kind": "environment"', '"kind": "pip"'),
    ],
)
def test_a_changed_record_is_refused(copy_project, old, new):
    """A record that says something else than the file is refused where the file can be read."""
    root = copy_project("conda")
    edit(root / "locks/conda-file.json", old, new)

    with pytest.raises(LockError) as refused:
        plan_context(load_project(root))

    assert str(refused.value).splitlines()[:2] == [
        "locks/requirements.txt is stale:",
        "  locks/conda-file.json says something else than environment.yml",
    ]


def test_a_conda_file_for_pip_alone(copy_project, only_locks):
    """A file that asks conda for Python alone needs no conda lock, and no conda in the image."""
    root = copy_project("conda")
    shutil.rmtree(root / "locks")
    del only_locks
    shutil.copytree(Path(__file__).parents[1] / "projects/minimal/locks", root / "locks")
    (root / "locks/base-image.toml").unlink(missing_ok=True)
    (root / "locks/conda-file.json").write_text(_record_of_pip(root))

    plan = plan_context(load_project(root))

    dockerfile = next(file.source for file in plan.files if file.path == "Dockerfile").decode()
    assert "conda" not in dockerfile.replace('title="conda"', "")
    assert [file.path for file in plan.in_layer("environment")] == ["environment/requirements.txt"]


def _record_of_pip(root: Path) -> str:
    """Return the record that a machine with a YAML reader would have written."""
    from hatch_mlpackage.lock.asked.pip_file import Line  # noqa: PLC0415
    from hatch_mlpackage.lock.conda.conda_file import CondaFile  # noqa: PLC0415
    from hatch_mlpackage.lock.conda.record import file_digest, write_record  # noqa: PLC0415

    content = b"dependencies:\n- python=3.12\n- pip:\n  - idna>=3.7\n"
    (root / "environment.yml").write_bytes(content)
    file = CondaFile(path="environment.yml", kind="pip", specs=(Line(2, "python 3.12.*"),), pip=(Line(4, "idna>=3.7"),))
    return write_record(file, file_digest(content, "environment.yml"))


def test_the_image_that_installs_is_pinned(copy_project):
    """The digest of conda's image is locked beside the base image's and pins the stage that uses it."""
    root = copy_project("conda")
    locks = [
        BaseImageLock(reference=image, platform="linux/amd64", digest=f"sha256:{at * 64}", resolved=date(2026, 11, 20))
        for image, at in (("python:3.12-slim-bookworm", "5"), (MICROMAMBA, "6"))
    ]
    (root / "locks/base-image.toml").write_text(write_base_image_locks(locks[0].reference, locks))

    dockerfile = next(it.source for it in plan_context(load_project(root)).files if it.path == "Dockerfile").decode()

    assert [line for line in dockerfile.splitlines() if line.startswith("FROM ") and "@" in line] == [
        f"FROM python:3.12-slim-bookworm@{locks[0].digest} AS mlpackage-base",
        f"FROM {MICROMAMBA}@{locks[1].digest} AS mlpackage-conda",
    ]


def test_the_cuda_of_the_image(copy_project):
    """The key `cuda` chooses the base image, and conda's solver gets its CUDA version."""
    root = copy_project("conda")
    assert inspect_requirements(load_project(root)).conda.cuda == ""

    edit(root / "pyproject.toml", "[tool.mlpackage]", '[tool.mlpackage]\ncuda = "12.8"')

    inputs = inspect_requirements(load_project(root))
    assert inputs.config.base_image == "nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04"
    assert ("__cuda", "12.8", "0") in inputs.conda.virtual_packages()


@pytest.mark.usefixtures("only_locks")
def test_a_changed_file_needs_its_reader(copy_project):
    """A conda file that changed since it was locked needs PyYAML, and the problem says how to install it."""
    root = copy_project("conda")
    edit(root / "environment.yml", "numpy=1.26", "numpy=1.27")

    assert problems_of(root) == [
        (
            "environment.yml: reading it needs PyYAML, which is not installed here. "
            'Install it with: pip install "hatch-mlpackage[conda]"'
        )
    ]


def test_a_stale_lock_and_a_comment(copy_project):
    """A comment leaves the lock fresh, and a requirement that the lock does not satisfy is named."""
    root = copy_project("conda")
    edit(root / "environment.yml", "  - numpy=1.26\n", "  - numpy=1.26  # for the model\n")
    assert check_project_conda(inspect_requirements(load_project(root))).status == "fresh"

    edit(root / "environment.yml", "numpy=1.26", "numpy>=2\n  - scipy")

    with pytest.raises(LockError) as refused:
        plan_context(load_project(root))
    assert str(refused.value) == (
        "locks/conda-linux-64.lock is stale:\n  numpy >=2 is asked for, the lock has numpy 1.26.4\n"
        f"  scipy is asked for, the lock has no scipy{RENEW}"
    )


def test_each_problem_names_its_key(copy_project):
    """Each wrong key, and a conda file that does not fit the image, is a problem with its fix."""
    root = copy_project("conda")
    pyproject = root / "pyproject.toml"
    edit(root / "environment.yml", "python=3.12", "python=3.8.13")
    assert problems_of(root) == [
        (
            "environment.yml:5: `python 3.8.13.*` excludes the image's Python 3.12. "
            'Set python-version = "3.8" in [tool.mlpackage], or change it here.'
        )
    ]
    edit(root / "environment.yml", "python=3.8.13", "python=3.12")
    edit(pyproject, 'conda-file = "environment.yml"', 'conda-file = "enviroment.yml"\nconda-channel = "score.py"')
    assert problems_of(root) == [
        f"tool.mlpackage.conda-file: 'enviroment.yml' does not exist in {root}. Did you mean 'environment.yml'?",
        "tool.mlpackage.conda-channel: 'score.py' is not a folder. Name a folder of the project.",
        (
            "tool.mlpackage.conda-channel: is not used in conda-mode 'micromamba'. "
            'Set conda-mode = "vendored", or remove it.'
        ),
    ]
    edit(pyproject, 'conda-file = "enviroment.yml"\nconda-channel = "score.py"', 'conda-file = "environment.yml"')
    pyproject.write_text(f'{pyproject.read_text()}base-image = "python:3.12-alpine"\nwheelhouse = true\n')
    assert problems_of(root) == [
        (
            "tool.mlpackage.base-image: 'python:3.12-alpine' has musl, and conda's packages need the GNU C library. "
            "Use a Debian or Ubuntu base."
        ),
        (
            "tool.mlpackage.wheelhouse: is not all that the build needs: conda's packages are fetched when the image "
            'is built. Set conda-mode = "vendored" and a conda-channel, or remove it.'
        ),
    ]


def test_vendored_mode_needs_a_python_that_installs(copy_project):
    """Vendored mode names the oldest Python that it needs and offers the other mode."""
    root = copy_project("conda-vendored")
    (root / "channel").mkdir()
    edit(root / "pyproject.toml", 'python-version = "3.11"', 'python-version = "3.9"')
    edit(root / "pyproject.toml", "3.11-slim", "3.9-slim")
    edit(root / "pyproject.toml", 'conda-mode = "vendored"', 'conda-mode = "vendored"\nconda-image = "mamba:1"')

    assert problems_of(root) == [
        "tool.mlpackage.conda-image: is not used in conda-mode 'vendored'. Remove it: the base image is used instead.",
        (
            "tool.mlpackage.conda-mode: 'vendored' needs Python 3.10 or later in the image, not 3.9: "
            'py-rattler installs the packages and runs on it. Use conda-mode = "micromamba".'
        ),
    ]
