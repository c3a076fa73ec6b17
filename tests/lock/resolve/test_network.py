"""Locks made with a real package index."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve.make import Locker, make_lock
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
