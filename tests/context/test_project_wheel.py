from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hatch_mlpackage.context.build import build_context, plan_context
from hatch_mlpackage.context.project_wheel import build_project_wheel
from hatch_mlpackage.errors import ConfigurationError, MLPackageError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.project.pyproject import load_project

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "Scoring.Model"
version = "1.2"
requires-python = ">=3.8"
dependencies = ["idna>=3.7"]

[tool.mlpackage]
entry-script = "score.py"
install-project = true
dependencies = ["click"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a hatchling project with a package, an entry script and a fresh lock."""
    root = tmp_path / "project"
    (root / "scoring_model").mkdir(parents=True)
    (root / "scoring_model/__init__.py").write_text("answer = 42\n")
    (root / "score.py").write_text("def init():\n    pass\n\n\ndef run(data):\n    return data\n")
    (root / "pyproject.toml").write_text(PYPROJECT)
    write_lock(root)
    return root


def write_lock(root: Path) -> None:
    inputs = inspect_requirements(load_project(root))
    (root / "locks").mkdir(exist_ok=True)
    body = "".join(
        f"{name}=={version} \\\n    --hash=sha256:{'0' * 64}\n" for name, version in (("click", "8"), ("idna", "3.7"))
    )
    (root / "locks/requirements.txt").write_text(with_header(body, inputs.requirements, inputs.config.target))


def test_the_wheel_goes_along(root: Path, tmp_path: Path) -> None:
    """The project's wheel has its own layer before the source, and the lock has the project's requirements."""
    manifest = build_context(load_project(root), tmp_path / "context")

    assert manifest.layers == ("environment", "runtime", "project", "source", "manifest")
    wheel = "project/scoring_model-1.2-py3-none-any.whl"
    assert [file.path for file in manifest.files if file.layer == "project"] == [wheel]
    assert inspect_requirements(load_project(root)).requirements == Requirements(requirements=("click", "idna>=3.7"))
    dockerfile = (tmp_path / "context/Dockerfile").read_text()
    assert f"COPY {wheel} /opt/mlpackage/{wheel}\n" in dockerfile
    assert not (root / "dist").exists()


def test_the_same_bytes_whatever_the_machine(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel does not depend on folder, times, epoch and modes, and is stored without compression."""
    first = build_project_wheel(root)
    other = shutil.copytree(root, tmp_path / "elsewhere/deeper")
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o775 if path.is_dir() else 0o664)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    assert build_project_wheel(other) == first
    (tmp_path / first[0]).write_bytes(first[1])
    with zipfile.ZipFile(tmp_path / first[0]) as wheel:
        assert {member.compress_type for member in wheel.infolist()} == {zipfile.ZIP_STORED}


def test_pip_installs_it_and_finds_it_whole(root: Path, tmp_path: Path) -> None:
    """The repacked wheel still matches its own record."""
    name, content = build_project_wheel(root)
    (tmp_path / name).write_bytes(content)
    flags = ["--no-deps", "--no-index", "--target", str(tmp_path / "site")]
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, str(tmp_path / name)], check=True)

    code = "import scoring_model; print(scoring_model.answer)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path / "site"
    )
    assert done.stdout == "42\n"


def test_an_edit_changes_the_wheel_and_not_the_lock(root: Path) -> None:
    """The next context has an edited module, and needs no new lock."""
    before = plan_context(load_project(root))
    (root / "scoring_model/__init__.py").write_text("answer = 43\n")
    after = plan_context(load_project(root))

    changed = [new.path for old, new in zip(before.files, after.files, strict=True) if old != new]
    assert changed == ["project/scoring_model-1.2-py3-none-any.whl"]


def test_the_hook_on_wheels_does_not_begin_again(root: Path) -> None:
    """A project with our hook that installs itself builds its wheel and its context in one run."""
    hook = "\n[tool.hatch.build.targets.wheel.hooks.mlpackage]\n"
    (root / "pyproject.toml").write_text(PYPROJECT.replace('"hatchling"]', '"hatchling", "hatch-mlpackage"]') + hook)
    write_lock(root)

    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], check=True, cwd=root)

    assert sorted(path.name for path in (root / "dist").iterdir()) == [
        "scoring-model-1.2-context",
        "scoring_model-1.2-py3-none-any.whl",
    ]


@pytest.mark.parametrize(
    ("backend", "what"),
    [
        ("setuptools.build_meta", "the build backend is 'setuptools.build_meta'"),
        (None, "the build backend is 'setuptools'"),
    ],
)
def test_another_backend_is_refused(root: Path, backend: str | None, what: str) -> None:
    """A project with another build backend is refused, and the error names the way that works."""
    text = PYPROJECT.replace("hatchling.build", backend) if backend else PYPROJECT[PYPROJECT.index("[project]") :]
    (root / "pyproject.toml").write_text(text)

    with pytest.raises(ConfigurationError) as refused:
        plan_context(load_project(root))

    assert [str(problem) for problem in refused.value.problems] == [
        (
            f"tool.mlpackage.install-project: needs a project that hatchling builds, but {what}. "
            'Install it as a requirement instead: dependencies = ["."] lets `mlpackage lock` build its wheel.'
        )
    ]


def test_a_build_that_fails_says_why(root: Path) -> None:
    """When hatchling fails, the error quotes its reason, and no context is written."""
    shutil.rmtree(root / "scoring_model")

    with pytest.raises(MLPackageError, match="hatchling cannot build the project's wheel: Unable to determine which"):
        plan_context(load_project(root))


def test_compiled_code_for_this_machine_is_refused(root: Path) -> None:
    """A wheel that cannot load in the image stops the context."""
    (root / "pyproject.toml").write_text(PYPROJECT + "\n[tool.hatch.build.targets.wheel.hooks.custom]\n")
    (root / "hatch_build.py").write_text(
        "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n\n\n"
        "class Hook(BuildHookInterface):\n"
        "    def initialize(self, version, build_data):\n"
        "        build_data['tag'] = 'cp312-cp312-linux_x86_64'\n"
    )

    with pytest.raises(
        MLPackageError, match=r"^scoring_model-1\.2-cp312-cp312-linux_x86_64\.whl does not load in CPython"
    ):
        plan_context(load_project(root))
