"""Locks made with a real package index."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve.make import Locker, make_lock
from hatch_mlpackage.lock.wheels.describe import describe_packages
from hatch_mlpackage.lock.wheels.download import fetch_wheels
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    from hatch_mlpackage.lock.asked.requirements import Requirements

pytestmark = pytest.mark.network
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SMALL = ("uvicorn[standard]>=0.30", "jinja2", "six==1.17.0")


@pytest.fixture(autouse=True)
def _one_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use one index, because uv takes a version's files from the first index that has it and pip from all of them."""
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


@pytest.mark.slow
def test_both_resolvers_agree(asking: Callable[..., Requirements], quiet: Callable[..., None]) -> None:
    """uv and pip-tools write the same bytes: pins, hashes of every file, and comments."""
    target = Target(python=HERE, platform="linux/amd64", libc="manylinux_2_28")

    lockers: tuple[Locker, ...] = ("uv", "pip-tools")
    made = [make_lock(asking(*SMALL), target, locker=locker, report=quiet).text for locker in lockers]

    assert made[0] == made[1]
    assert {"uvicorn", "uvloop", "jinja2", "markupsafe", "six"} <= {pin.name for pin in read_pins(made[0])}


@pytest.mark.parametrize(
    ("python", "platform", "libc"),
    [
        ("3.12", "linux/amd64", "manylinux_2_36"),
        ("3.10", "linux/arm64", "manylinux_2_28"),
        ("3.13", "linux/amd64", "musl"),
    ],
)
def test_for_an_image_that_is_not_this_machine(
    asking: Callable[..., Requirements], python: str, platform: str, libc: str, quiet: Callable[..., None]
) -> None:
    """The image's markers and wheels count, and locking twice writes the same bytes."""
    target = Target(python=python, platform=platform, libc=libc)
    asked = asking("exceptiongroup; python_version < '3.11'", "markupsafe", "anyio<4.5")

    first, second = (make_lock(asked, target, report=quiet).text for _ in range(2))

    assert first == second
    assert check_lock(first, asked, target) == LockState(status="fresh")
    assert ("exceptiongroup" in {pin.name for pin in read_pins(first)}) is (python == "3.10")


@pytest.mark.slow
@pytest.mark.environments
@pytest.mark.parametrize(
    ("python", "asked", "expected"),
    [
        ("3.6", ("numpy==1.15.4", "pandas==0.25.3", "scikit-learn==0.20.0"), "1.15.4 0.25.3 0.20.0"),
        ("3.6", ("numpy==1.19.5", "pandas", "scikit-learn==0.24.*"), "1.19.5 1.1.5 0.24.2"),
        ("3.7", ("numpy", "pandas", "scikit-learn"), "1.21.6 1.3.5 1.0.2"),
    ],
)
def test_real_packages_of_an_old_python(
    asking: Callable[..., Requirements],
    interpreter: Callable[[str], str],
    tmp_path: Path,
    quiet: Callable[..., None],
    python: str,
    asked: tuple[str, ...],
    expected: str,
) -> None:
    """The wheels that are locked for Python 3.6 and 3.7 are described, fetched, and imported by that Python."""
    target = Target(python=python, platform="linux/amd64", libc="manylinux_2_31")
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the wheels are for Linux on x86-64")
    requirements = asking(*asked)

    lock = make_lock(requirements, target, report=quiet).text
    (tmp_path / "work").mkdir()
    described = describe_packages(lock, target, folder=tmp_path / "work", wheels=tmp_path / "none")
    (tmp_path / "fetch").mkdir()
    options = {"folder": tmp_path / "fetch", "wheels": tmp_path / "wheels", "report": quiet}
    fetched = fetch_wheels(lock, requirements, target, **options)
    for wheel in fetched:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "site")

    assert [package.wheel for package in described] == [wheel.name for wheel in fetched]
    assert all(package.modules for package in described)
    program = "import numpy, pandas, sklearn.linear_model as s, sklearn; s.Ridge().fit([[1.], [2.]], [1., 2.])"
    program += "; print(numpy.__version__, pandas.__version__, sklearn.__version__)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONWARNINGS": "ignore"}
    command = [interpreter(python), "-c", program]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == expected.split()


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to cut the network")
@pytest.mark.parametrize("locker", ["uv", "pip-tools"])
def test_without_a_network(locker: Any, tmp_path: Any) -> None:
    """With the network cut, the error says so and has exit status 4."""
    program = (
        "from hatch_mlpackage.errors import UnavailableError\n"
        "from hatch_mlpackage.lock.asked.requirements import Requirements\n"
        "from hatch_mlpackage.lock.resolve.make import make_lock\n"
        "from hatch_mlpackage.project.target import Target\n"
        f"target = Target(python={HERE!r}, platform='linux/amd64', libc='manylinux_2_28')\n"
        "try:\n"
        f"    make_lock(Requirements(requirements=('jinja2',)), target, locker={locker!r}, report=lambda line: None)\n"
        "except UnavailableError as error:\n"
        "    print(error.exit_status, str(error).splitlines()[-1])\n"
    )
    cut = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*cut, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody cut the network")
    settings = {"PYTHONPATH": ":".join(sys.path), "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0", "HOME": str(tmp_path)}

    done = subprocess.run(
        [*cut, sys.executable, "-c", program], env=settings, capture_output=True, text=True, check=True
    )

    assert done.stdout == "4 Check the network and the index's URL, and try again.\n"
