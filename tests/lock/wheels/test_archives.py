from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.pins import Pin
from hatch_mlpackage.lock.resolve.task import Task
from hatch_mlpackage.lock.wheels.archives import Archive, fetch_archive, find_archives, has_wheel
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    PackageIndex = Any


@pytest.fixture
def task(tmp_path: Path, quiet: Callable[..., None]) -> Task:
    """Give a task for this interpreter's Python, in a new folder."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = Target(python=here, platform="linux/amd64", libc="manylinux_2_28")
    folder = tmp_path / "task"
    folder.mkdir()
    return Task(folder=folder, requirements=Requirements(), target=target, upgrade=False, report=quiet)


def pin(*hashes: str) -> Pin:
    return Pin(name="lib", version="1.0", url=None, hashes=tuple(f"sha256:{it}" for it in hashes), line=1)


def test_the_archive_of_a_pin(index: PackageIndex, task: Task, tmp_path: Path) -> None:
    """The index says where the archive is and what its hash is, and the file is fetched as it is."""
    digest = index.add_source("lib", "1.0")

    (archive,) = find_archives(task, [pin(digest)])

    assert archive == Archive(
        pin=pin(digest),
        file="lib-1.0.tar.gz",
        url=f"http://{index.address}/files/lib-1.0.tar.gz",
        digest=f"sha256:{digest}",
    )
    assert fetch_archive(task, archive).read_bytes() == index.files["lib-1.0.tar.gz"]


def test_an_archive_in_a_folder(
    index: PackageIndex, task: Task, tmp_path: Path, clean_machine: pytest.MonkeyPatch
) -> None:
    """An archive in a folder of `find-links` is fetched, too."""
    digest = index.add_source("lib", "1.0")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/lib-1.0.tar.gz").write_bytes(index.files.pop("lib-1.0.tar.gz"))
    clean_machine.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))

    (archive,) = find_archives(task, [pin(digest)])

    assert fetch_archive(task, archive).read_bytes() == (tmp_path / "links/lib-1.0.tar.gz").read_bytes()


def test_another_file_than_announced(index: PackageIndex, task: Task) -> None:
    """A file that has not the hash that the index gives is refused."""
    digest = index.add_source("lib", "1.0")
    (archive,) = find_archives(task, [pin(digest)])
    index.files["lib-1.0.tar.gz"] = b"other"

    with pytest.raises(LockError) as refused:
        fetch_archive(task, archive)

    assert str(refused.value) == (
        f"lib-1.0.tar.gz is another file than the one that the index announces: sha256:{digest} is asked for, it has "
        f"sha256:{index.sha256('lib-1.0.tar.gz')}. Somebody may have replaced it, or a proxy damages it: ask whoever "
        "runs the index."
    )


def test_an_archive_that_is_gone(index: PackageIndex, task: Task) -> None:
    """A file that the index no longer has is no fault of the project."""
    (archive,) = find_archives(task, [pin(index.add_source("lib", "1.0"))])

    with pytest.raises(UnavailableError, match=r"^lib-1.0.tar.gz could not be fetched:\n  .*404 Client Error"):
        fetch_archive(task, replace(archive, url=archive.url.replace("lib-1.0", "lib-2.0")))


def test_whether_there_is_a_wheel_besides(index: PackageIndex, task: Task, tmp_path: Path) -> None:
    """A wheel for the image counts, and one for another image does not."""
    source = index.add_source("lib", "1.0")
    other = index.add("lib", "1.0", tag="cp27-cp27m-win32")
    (tmp_path / "second").mkdir()

    without = has_wheel(task, pin(source, other))
    wheel = index.add("lib", "1.0")

    assert (without, has_wheel(replace(task, folder=tmp_path / "second"), pin(source, other, wheel))) == (False, True)
