from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.check import conda_packages_of
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.conda.inputs import CondaInputs
from hatch_mlpackage.lock.conda.solve import make_conda_lock
from hatch_mlpackage.project.target import Target


@pytest.fixture
def channel(conda: Any, tmp_path: Path) -> Path:
    """Write a channel of small packages; solving with it needs no network."""
    made = conda.channel(tmp_path / "channel")
    for version, libc in (("3.12.3", "2.17"), ("3.12.4", "2.17"), ("3.12.5", "2.40")):
        made.add("python", version, build="h_cpython", depends=(f"__glibc >={libc}", "words"))
    made.add(
        "greeting",
        "1.0",
        build="pyhd8_0",
        subdir="noarch",
        depends=("python >=3.8", "words"),
        files={"site-packages/greeting.py": conda.file(b"def main():\n    print('hello')\n")},
        entry_points=("greet = greeting:main",),
    )
    words = conda.file(f"{conda.placeholder}/share\n".encode())
    made.add("words", "2.0", extension=".tar.bz2", files={"share/words": words})
    made.add("gpu", "1", build="cuda120", depends=("__cuda >=12",))
    made.add("gpu", "1", build="cpu")
    return made.folder


@pytest.fixture
def asking(channel: Path) -> Callable[..., CondaInputs]:
    """Give a function that asks for specs from the channel."""

    def ask(*specs: str, cuda: str = "", libc: str = "manylinux_2_36", **changes) -> CondaInputs:
        lines = tuple(Line(number, spec) for number, spec in enumerate(specs, 1))
        file = CondaFile(path="environment.yml", kind="environment", channels=("conda-forge",), specs=lines)
        target = Target(python="3.12", platform="linux/amd64", libc=libc)
        return CondaInputs(**{"file": file, "target": target, "cuda": cuda, "channel": channel, **changes})

    return ask


@pytest.fixture
def lock(quiet: Callable[[str], None]) -> Callable[..., str]:
    """Give a function that makes the lock of what is asked for."""

    def make(asked: CondaInputs, previous: str | None = None, *, upgrade: bool = False) -> str:
        return make_conda_lock(asked, previous=previous, upgrade=upgrade, report=quiet)

    return make


@pytest.fixture(scope="session")
def files_in() -> Callable[[str], list[str]]:
    """Give a function that returns the files of the packages in a lock."""
    return lambda text: [package.file for package in conda_packages_of(text)]
