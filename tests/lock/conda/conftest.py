from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.conda.inputs import CondaInputs
from hatch_mlpackage.project.target import Target

from ...conda_channel import PLACEHOLDER, CondaPackage, Entry, write_channel  # noqa: TID252 - not installed, so it has no other name

PACKAGES = (
    CondaPackage(name="python", version="3.12.3", build="h_cpython", depends=("__glibc >=2.17", "words")),
    CondaPackage(name="python", version="3.12.4", build="h_cpython", depends=("__glibc >=2.17", "words")),
    CondaPackage(name="python", version="3.12.5", build="h_cpython", depends=("__glibc >=2.40",)),
    CondaPackage(
        name="greeting",
        version="1.0",
        build="pyhd8_0",
        subdir="noarch",
        depends=("python >=3.8", "words"),
        files={"site-packages/greeting.py": Entry(content=b"def main():\n    print('hello')\n")},
        entry_points=("greet = greeting:main",),
    ),
    CondaPackage(
        name="words",
        version="2.0",
        extension=".tar.bz2",
        files={"share/words": Entry(content=f"{PLACEHOLDER}/share\n".encode(), has_prefix=True)},
    ),
    CondaPackage(name="gpu", version="1", build="cuda120", depends=("__cuda >=12",)),
    CondaPackage(name="gpu", version="1", build="cpu"),
)


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    """Write a channel of small packages; solving with it needs no network."""
    return write_channel(tmp_path / "channel", PACKAGES)


@pytest.fixture
def asking(channel: Path) -> Callable[..., CondaInputs]:
    """Give a function that asks for specs from the channel."""

    def ask(*specs: str, cuda: str = "", libc: str = "manylinux_2_36", **changes) -> CondaInputs:
        lines = tuple(Line(number, spec) for number, spec in enumerate(specs, 1))
        file = CondaFile(path="environment.yml", kind="environment", channels=("conda-forge",), specs=lines)
        target = Target(python="3.12", platform="linux/amd64", libc=libc)
        return CondaInputs(**{"file": file, "target": target, "cuda": cuda, "channel": channel, **changes})

    return ask
