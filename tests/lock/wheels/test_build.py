from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import LockError, Problems, UnavailableError
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.pins.wheel_records import find_wheels
from hatch_mlpackage.lock.resolve.make import make_lock
from hatch_mlpackage.lock.wheels.build import build_wheels
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    PackageIndex = Any

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGET = Target(python=HERE, platform="linux/amd64", libc="manylinux_2_28")
MakeSource = Callable[..., Path]


def reading(root: Path, *inline: str) -> Requirements:
    problems = Problems()
    found = read_requirements(root, (), inline, problems, "here", left_out={(root / "locks").resolve()})
    problems.raise_if_any()
    return found


@pytest.fixture
def lock(tmp_path: Path, quiet: Callable[..., None]) -> Callable[..., str]:
    """Give a function that builds the sources' wheels, locks with them, and puts both below `root/locks`."""

    def make(root: Path, *inline: str, locker: str = "uv", report: Any = quiet, upgrade: bool = False) -> str:
        number = len(list(tmp_path.glob("work-*")))
        folder = tmp_path / f"work-{number}"
        folder.mkdir()
        wheels, path = root / "locks/wheels", root / "locks/requirements.txt"
        previous = path.read_text() if path.exists() else None
        asked = reading(root, *inline)
        vendored = build_wheels(
            asked,
            TARGET,
            root=root,
            folder=folder,
            wheels=wheels,
            previous=previous,
            upgrade=upgrade,
            left_out={(root / "locks").resolve()},
            report=report,
        )
        text = make_lock(asked, TARGET, locker=locker, previous=previous, vendored=vendored, report=report).text
        wheels.mkdir(parents=True, exist_ok=True)
        for wheel in vendored:
            if wheel.path.parent != wheels:
                shutil.copy(wheel.path, wheels)
        path.write_text(text)
        return text

    return make


@pytest.mark.parametrize("locker", ["uv", "pip-tools"])
def test_a_local_project_is_locked_with_its_dependencies(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path, locker: str
) -> None:
    """A local project is locked as a wheel with its hash, and its own and its extra's dependencies are pinned."""
    alpha, beta = index.add("alpha", "1.0"), index.add("beta", "2.0")
    make_source(tmp_path / "project/lib", "lib", "0.5", "alpha", "beta; extra == 'more'")
    root = tmp_path / "project"

    text = lock(root, "./lib[more]", locker=locker)

    wheel = hashlib.sha256((root / "locks/wheels/lib-0.5-py3-none-any.whl").read_bytes()).hexdigest()
    source = reading(root, "./lib[more]").sources[0]
    assert text.splitlines()[2:] == [
        f"# vendored: lib-0.5-py3-none-any.whl {source.digest} from ./lib[more]",
        "alpha==1.0 \\",
        f"    --hash=sha256:{alpha}",
        "    # via lib",
        "beta==2.0 \\",
        f"    --hash=sha256:{beta}",
        "    # via lib",
        "./wheels/lib-0.5-py3-none-any.whl \\",
        f"    --hash=sha256:{wheel}",
        "    # via -r requirements.in",
    ]
    assert check_lock(text, reading(root, "./lib[more]"), TARGET) == LockState(status="fresh")
    assert not (root / "lib/built-here").exists()


def test_pip_installs_what_was_locked(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """pip installs the vendored wheel beside the lock and does not ask the index for it."""
    index.add("alpha", "1.0")
    index.add("lib", "0.5")  # pip must not take this package, which has the same name and version
    root = make_source(tmp_path / "project", "lib", "0.5", "alpha")
    lock(root, ".")
    install = ["install", "--target", str(tmp_path / "site"), "--require-hashes", "--no-deps", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", *install, "-r", "requirements.txt"]

    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root / "locks")
    assert done.returncode == 0, done.stdout + done.stderr

    assert sorted(path.name for path in (tmp_path / "site").glob("*.py")) == ["alpha.py", "lib.py"]
    assert not [asked for asked in index.asked if "lib" in asked]


def test_the_same_wheel_is_kept_until_its_sources_change(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """Locking again builds nothing; an edit makes the lock stale, and the next lock builds anew."""
    root = make_source(tmp_path / "project", "lib", "0.5")
    said: list[str] = []
    first = lock(root, ".", report=said.append)
    again = lock(root, ".", report=said.append)
    (root / "module.py").write_text("version = 'edited'\n")
    stale = check_lock(again, reading(root, "."), TARGET)
    edited = lock(root, ".", report=said.append)

    assert first == again
    assert said.count("Building a wheel of ..") == 2
    assert stale == LockState(
        status="stale", reasons=(". has changed since lib-0.5-py3-none-any.whl was built from it",)
    )
    assert read_pins(first)[0].hashes != read_pins(edited)[0].hashes


def test_a_missing_or_swapped_wheel_is_found(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """A missing or changed wheel beside a lock is found by its hash, and the next lock makes it anew."""
    root = make_source(tmp_path / "project", "lib", "0.5")
    text = lock(root, ".")
    folder, wheel = root / "locks/wheels", root / "locks/wheels/lib-0.5-py3-none-any.whl"
    find = functools.partial(find_wheels, text, folder, TARGET, all_wheels=False)

    whole = find()
    wheel.write_bytes(b"other")
    swapped = find()
    wheel.unlink()
    missing = find()

    assert whole == ((wheel,), ())
    assert swapped == ((), ("wheels/lib-0.5-py3-none-any.whl is not the file that was locked",))
    assert missing == ((), ("wheels/lib-0.5-py3-none-any.whl is missing",))
    assert lock(root, ".") == text
    assert find() == whole


def repository(folder: Path) -> str:
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def test_a_repository_becomes_a_wheel(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """A git URL is built at its commit, and a later commit counts only after an upgrade."""
    source = make_source(tmp_path / "elsewhere", "lib", "0.5")
    repository(source)
    asked = f"lib @ git+{source.as_uri()}@main"
    root = tmp_path / "project"
    root.mkdir()

    first = lock(root, asked)
    (source / "about.txt").write_text("lib\n0.6\npy3-none-any")
    repository(source)
    kept, upgraded = lock(root, asked), lock(root, asked, upgrade=True)

    assert first == kept
    assert f"# vendored: lib-0.5-py3-none-any.whl - from {asked}\n" in first
    assert [pin.version for pin in read_pins(upgraded)] == ["0.6"]


def test_archives_of_the_folder_and_of_a_url(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """A source archive, local or at a URL, is built; a local wheel is taken as it is."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("one", "two"):
        with tarfile.open(root / f"{name}-1.0.tar.gz", "w:gz") as archive:
            archive.add(make_source(tmp_path / name, name, "1.0"), arcname=f"{name}-1.0")
    index.files["two-1.0.tar.gz"] = (root / "two-1.0.tar.gz").read_bytes()
    index.add("three", "1.0")
    (root / "three-1.0-py3-none-any.whl").write_bytes(index.files["three-1.0-py3-none-any.whl"])

    url = f"http://{index.address}/files/two-1.0.tar.gz"
    text = lock(root, "./one-1.0.tar.gz", url, "three @ file:three-1.0-py3-none-any.whl")

    assert {pin.name: pin.version for pin in read_pins(text)} == {"one": "1.0", "two": "1.0", "three": "1.0"}
    assert sorted(path.name for path in (root / "locks/wheels").iterdir()) == [
        "one-1.0-py3-none-any.whl",
        "three-1.0-py3-none-any.whl",
        "two-1.0-py3-none-any.whl",
    ]


def test_what_does_not_load_in_the_image_is_refused(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """A wheel that was compiled for the machine that locks is refused with the next step."""
    nodot = HERE.replace(".", "")
    root = make_source(tmp_path / "project", "lib", "0.5", tag=f"cp{nodot}-cp{nodot}-linux_x86_64")

    with pytest.raises(LockError) as refused:
        lock(root, ".")

    assert str(refused.value) == (
        f".: its wheel lib-0.5-cp{nodot}-cp{nodot}-linux_x86_64.whl does not load in {TARGET}. It holds code compiled "
        "for this machine: give a wheel that was built for the image (a manylinux or musllinux one), by its path or "
        "URL."
    )


def test_a_build_that_fails_says_why(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """The error shows the backend's last lines, the requirement and the next step, and no temporary path."""
    root = make_source(tmp_path / "project", "lib", "0.5")
    (root / "backend.py").write_text("def build_wheel(*_, **__):\n    raise SystemExit('no such compiler')\n")

    with pytest.raises(LockError) as refused:
        lock(root, ".")

    said = str(refused.value)
    assert said.startswith("A wheel of . cannot be built:\n  ")
    assert said.endswith("See that `pip wheel --no-deps` builds it, and run `mlpackage lock` again.")
    assert "no such compiler" in said
    assert str(tmp_path) not in said


def test_another_name_and_two_of_one_name_are_refused(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """A source is refused if its package has another name, or if two sources have the same name."""
    root = make_source(tmp_path / "project", "lib", "0.5")
    make_source(root / "copy", "lib", "0.6")

    with pytest.raises(LockError, match=r"^other @ \.: its package is called lib, not other\."):
        lock(root, "other @ file:.")
    with pytest.raises(LockError, match=r"^lib is asked for twice: \. and \./copy\. Remove one\.$"):
        lock(root, ".", "./copy")


def test_a_url_out_of_reach_is_no_fault_of_the_project(
    index: PackageIndex, lock: Callable[..., str], tmp_path: Path
) -> None:
    """A URL that its server refuses is an outside error."""
    index.password = "s3cret"

    with pytest.raises(UnavailableError, match="The index refuses"):
        lock(tmp_path, f"lib @ http://{index.address}/files/lib-1.0.tar.gz")


def test_a_repository_out_of_reach_is_no_fault_of_the_project(lock: Callable[..., str], tmp_path: Path) -> None:
    """A repository that cannot be read is an outside error in git's words, without pip's decoration."""
    asked = f"lib @ git+{(tmp_path / 'missing').as_uri()}"

    with pytest.raises(UnavailableError) as failed:
        lock(tmp_path, asked)

    said = str(failed.value)
    assert said.startswith(f"The repository of {asked} could not be read:\n")
    assert said.endswith("that git has the credentials for it (a store or an ssh key).")
    assert "does not appear to be a git repository" in said or "does not exist" in said
    assert not [
        line for line in said.splitlines() if line.strip().startswith(("\u00d7", "\u2502", "\u2570", "Looking"))
    ]


def test_a_source_that_does_not_count_is_not_built(
    index: PackageIndex, make_source: MakeSource, lock: Callable[..., str], tmp_path: Path
) -> None:
    """A source whose marker is false in the image is not built, and the lock is fresh."""
    root = make_source(tmp_path / "project", "lib", "0.5")

    text = lock(root, "lib @ file:. ; sys_platform == 'win32'")

    assert read_pins(text) == ()
    assert check_lock(text, reading(root, "lib @ file:. ; sys_platform == 'win32'"), TARGET).status == "fresh"
