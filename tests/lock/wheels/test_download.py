from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.wheels.download import fetch_wheels
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    PackageIndex = Any

HERE = Target(
    python=f"{sys.version_info.major}.{sys.version_info.minor}", platform="linux/amd64", libc="manylinux_2_28"
)
ELSEWHERE = Target(python="3.9", platform="linux/arm64", libc="musl")


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., list[str]]:
    """Give a function that fetches the wheels of a lock's text into a folder, and returns what it reported."""

    def run(lock: str, target: Target = HERE) -> list[str]:
        folder = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        said: list[str] = []
        fetch_wheels(lock, Requirements(), target, folder=folder, wheels=tmp_path / "wheels", report=said.append)
        return said

    return run


def listed(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "wheels").glob("*.whl"))


def entry(name: str, version: str, *hashes: str) -> str:
    return f"{name}=={version}" + "".join(f" \\\n    --hash=sha256:{one}" for one in hashes) + "\n"


def test_the_wheels_are_those_of_the_image(
    index: PackageIndex, fetch: Callable[..., list[str]], tmp_path: Path
) -> None:
    """The best wheel for the image is fetched, whatever Python, processor and C library this machine has."""
    tags = [
        *("cp39-cp39-musllinux_1_1_aarch64", "cp39-cp39-manylinux_2_17_aarch64", "cp39-cp39-musllinux_1_1_x86_64"),
        *("cp310-cp310-musllinux_1_1_aarch64", "py3-none-any"),
    ]
    hashes = [index.add("alpha", "1.0", tag=tag) for tag in tags]

    fetch(entry("alpha", "1.0", *hashes), ELSEWHERE)

    assert listed(tmp_path) == ["alpha-1.0-cp39-cp39-musllinux_1_1_aarch64.whl"]


@pytest.mark.parametrize(("python", "needs"), [("3.6", ">=3.6.1"), ("3.7", ">=3.7.1,<3.8")])
def test_the_wheels_of_an_old_python(
    index: PackageIndex, fetch: Callable[..., list[str]], tmp_path: Path, python: str, needs: str
) -> None:
    """The wheels for 3.6 and 3.7 have their own tags, and may need a patch release that the image has."""
    abi = f"cp{python.replace('.', '')}"
    tags = [f"{abi}-{abi}m-manylinux1_x86_64", f"{abi}-{abi}m-manylinux2010_x86_64", "cp38-cp38-manylinux1_x86_64"]
    hashes = [index.add("alpha", "1.0", tag=tag, python=needs) for tag in tags]

    fetch(entry("alpha", "1.0", *hashes), Target(python=python, platform="linux/amd64", libc="manylinux_2_31"))

    assert listed(tmp_path) == [f"alpha-1.0-{abi}-{abi}m-manylinux2010_x86_64.whl"]


def test_an_interrupted_run_goes_on(index: PackageIndex, fetch: Callable[..., list[str]], tmp_path: Path) -> None:
    """A failed run keeps the wheels that it fetched, and the next run fetches only the rest."""
    names = [f"package{number}" for number in range(7)]
    lock = "".join(entry(name, "1.0", index.add(name, "1.0")) for name in names)
    content = index.files.pop("package6-1.0-py3-none-any.whl")

    with pytest.raises(
        LockError, match=r"^The wheelhouse cannot be filled for CPython .*:\n(?s:.*)What was fetched is kept"
    ):
        fetch(lock)
    kept = listed(tmp_path)
    index.files["package6-1.0-py3-none-any.whl"] = content

    assert kept == [f"{name}-1.0-py3-none-any.whl" for name in names[:5]]
    assert fetch(lock) == ["Fetched 2 of 2 wheels, 0.0 MB."]
    assert listed(tmp_path) == [f"{name}-1.0-py3-none-any.whl" for name in names]
    assert fetch(lock) == []


def test_what_was_built_is_not_fetched(index: PackageIndex, fetch: Callable[..., list[str]], tmp_path: Path) -> None:
    """A wheel that was built from an archive of the index lies beside the lock already, and the others are fetched."""
    digest = index.add("alpha", "1.0")
    record = f"# built: lib-1.0-py3-none-any.whl sha256:{digest} from lib-1.0.tar.gz\n"
    beside = f"./wheels/lib-1.0-py3-none-any.whl \\\n    --hash=sha256:{digest}\n"

    assert fetch(record + entry("alpha", "1.0", digest) + beside) == ["Fetched 1 of 1 wheels, 0.0 MB."]
    assert listed(tmp_path) == ["alpha-1.0-py3-none-any.whl"]


def test_another_file_of_that_name_is_refused(
    index: PackageIndex, fetch: Callable[..., list[str]], tmp_path: Path
) -> None:
    """A file whose hash is not in the lock is refused and not kept."""
    lock = entry("alpha", "1.0", index.add("alpha", "1.0"))
    index.files["alpha-1.0-py3-none-any.whl"] = b"swapped"

    with pytest.raises(LockError, match=r"DO NOT MATCH THE HASHES") as refused:
        fetch(lock)

    assert [line.split()[0] for line in str(refused.value).splitlines()] == ["The", "ERROR:", "Expected", "Got", "What"]

    assert listed(tmp_path) == []


def test_an_index_that_refuses(index: PackageIndex, fetch: Callable[..., list[str]]) -> None:
    """A wrong password or a failing index is an outside error."""
    lock = entry("alpha", "1.0", index.add("alpha", "1.0"))
    index.status = 503

    with pytest.raises(UnavailableError, match=r"^The package index could not be asked:\n  Could not fetch URL .*503"):
        fetch(lock)
    index.status, index.password = 200, "s3cret"
    with pytest.raises(UnavailableError, match=r"The index refuses: give the resolver credentials"):
        fetch(lock)
