"""Lock one project on hosts with different Pythons for one image, and compare the locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hatch_mlpackage.lock.pins.pins import read_pins

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIREMENTS = (
    '["colorama; sys_platform == \'win32\'", "importlib-metadata; python_version < \'3.13\'", "uvicorn[standard]"]'
)

pytestmark = [pytest.mark.environments, pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def host_environment(interpreter, our_wheel, tmp_path_factory):
    """Give a function that installs us once for a Python version, and returns the place."""
    uv = [sys.executable, "-m", "uv", "--quiet"]
    made = {}

    def make(version):
        if version not in made:
            python = interpreter(version)
            made[version] = tmp_path_factory.mktemp(f"host-{version}") / "venv"
            subprocess.run([*uv, "venv", "--seed", "--python", python, str(made[version])], check=True)
            install = [*uv, "pip", "install", "--python", str(made[version] / "bin/python"), f"{our_wheel}[cli]"]
            subprocess.run(install, check=True)
        return made[version]

    return make


@pytest.fixture
def lock_on(host_environment, copy_project):
    """Give a function that locks the project on a host of a Python version, and returns the lock."""

    def lock(host, *, platform="linux/amd64", locker="uv"):
        root = copy_project("minimal", f"{host}-{locker}-{platform.replace('/', '-')}")
        pyproject = root / "pyproject.toml"
        keys = f'platform = "{platform}"\nlocker = "{locker}"\npin-base-image = false\ndependencies = {REQUIREMENTS}\n'
        pyproject.write_text(pyproject.read_text().replace("[tool.mlpackage]\n", f"[tool.mlpackage]\n{keys}"))
        (root / "locks/requirements.txt").unlink()
        subprocess.run(
            [str(host_environment(host) / "bin/mlpackage"), "lock"],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        )
        return (root / "locks/requirements.txt").read_text()

    return lock


def pins(lock):
    """Return the pins without hashes: for a version in several indexes uv lists the first one's files, pip all."""
    return [str(pin) for pin in read_pins(lock)]


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_every_host_gives_one_lock(lock_on, platform):
    """Hosts with Python 3.11, 3.12 and 3.13 lock the same files for an image with Python 3.12."""
    first = lock_on("3.11", platform=platform)

    assert "importlib-metadata==" in first
    assert "colorama==" not in first
    assert [lock_on(host, platform=platform) for host in ("3.12", "3.13")] == [first, first]


def test_the_other_resolver_on_the_images_own_python(lock_on):
    """uv locks the same pins for Python 3.12 from a 3.11 host as pip-tools does on 3.12 itself."""
    assert pins(lock_on("3.12", locker="pip-tools")) == pins(lock_on("3.11"))
