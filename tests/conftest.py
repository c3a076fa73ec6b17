from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

TESTS = Path(__file__).resolve().parent
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"

# Whoever starts the tests in the background has them ignore Ctrl-C, and every program that they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what was made over what was expected")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Pass inside a Hatch environment as well as outside, and leave the user's cache alone."""
    monkeypatch.setenv("HATCH_ENV_ACTIVE", "")
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in [name for name in os.environ if name.startswith(("HATCH_BUILD", "SOURCE_DATE_EPOCH"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def copy_project(tmp_path: Path) -> Callable[[str], Path]:
    """Give a function that copies one of tests/projects to a fresh folder and returns it."""

    def copy(name: str, to: str = "project") -> Path:
        return shutil.copytree(TESTS / "projects" / name, tmp_path / to)

    return copy


@pytest.fixture
def project(copy_project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a fresh copy of the smallest project, its lock included."""
    root = copy_project("minimal")
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="session")
def our_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build our wheel into a folder of its own: installers cache what they got from a path."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=TESTS.parent, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


@pytest.fixture
def close_to() -> Callable[[Any], Any]:
    """Give a function whose result equals a value but for the rounding of the floats in it.

    Other batches, processes and libraries add up in another order; the tolerance is what single precision promises.
    """

    def close(expected: Any) -> Any:
        if isinstance(expected, dict):
            return {key: close(value) for key, value in expected.items()}
        if isinstance(expected, list):
            return [close(value) for value in expected]
        return pytest.approx(expected, rel=1e-4, abs=1e-6) if isinstance(expected, float) else expected

    return close


@pytest.fixture
def problems() -> Problems:
    from hatch_mlpackage.errors import Problems  # noqa: PLC0415 - the runtime's tests have no such package

    return Problems()


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """Give a function that writes a small valid project and returns it, with the table changed as asked."""

    from hatch_mlpackage.project.pyproject import Project  # noqa: PLC0415 - see above

    def make(table: Mapping[str, Any] | None = None, **project: Any) -> Project:
        root = tmp_path / "project"
        (root / "src").mkdir(parents=True)
        (root / "models").mkdir()
        (root / "src/score.py").write_text(SCRIPT)
        (root / "models/ridge.pkl").write_bytes(b"ridge")
        complete = {
            "entry-script": "src/score.py",
            "models": [{"name": "ridge", "path": "models/ridge.pkl"}],
            **(table or {}),
        }
        return Project(root=root, name="diabetes", version="1.0", table=complete, **project)

    return make
