from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import LockError, Problems
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.pins.pylock import select_lock
from hatch_mlpackage.lock.resolve import uv
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    PackageIndex = Any

X86 = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_28")
ARM = Target(python="3.12", platform="linux/arm64", libc="manylinux_2_28")
DIGEST = f"sha256:{'d' * 64}"


def asking(*inline: str) -> Requirements:
    problems = Problems()
    found = read_requirements(Path(), (), inline, problems, "here")
    problems.raise_if_any()
    return replace(found, pylock=("pylock.toml", DIGEST))


@pytest.fixture
def select(quiet: Callable[..., None]) -> Callable[..., str]:
    """Give a function that selects the lock for requirements from the text of a pylock file."""

    def make(text: str, *inline: str, target: Target = X86, report: Any = quiet) -> str:
        return select_lock(text.encode(), asking(*inline), target, project="diabetes", report=report)

    return make


def package(name: str, version: str, *tags: str, rest: str = "") -> str:
    wheels = ", ".join(
        f'{{ name = "{name}-{version}-{tag}.whl", url = "https://host/{name}-{version}-{tag}.whl", '
        f'hashes = {{ sha256 = "{digest(name, tag)}" }} }}'
        for tag in tags
    )
    listed = f"wheels = [{wheels}]\n" if tags else ""
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{rest}{listed}'


def digest(name: str, tag: str) -> str:
    return hashlib.sha256(f"{name}-{tag}".encode()).hexdigest()


HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
BOTH = ("cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_aarch64", "cp311-cp311-win_amd64")


def test_the_images_wheels_are_selected(select: Callable[..., str]) -> None:
    """One file for many machines gives each image the pins and hashes of its own wheels, sorted by name."""
    text = HEAD + package("beta", "2.0", "py3-none-any") + package("alpha", "1.0", *BOTH)
    said: list[str] = []

    x86, arm = select(text, "alpha", report=said.append), select(text, "alpha", target=ARM)

    assert x86.splitlines()[2:] == [
        f"# selected: pylock.toml {DIGEST}",
        "alpha==1.0 \\",
        f"    --hash=sha256:{digest('alpha', BOTH[0])}",
        "beta==2.0 \\",
        f"    --hash=sha256:{digest('beta', 'py3-none-any')}",
    ]
    assert read_pins(arm)[0].hashes == (f"sha256:{digest('alpha', BOTH[1])}",)
    assert said == [f"Selected 2 of the 2 packages in pylock.toml for {X86}."]
    assert check_lock(x86, asking("alpha"), X86) == LockState(status="fresh")


def test_markers_count_for_the_image(select: Callable[..., str]) -> None:
    """A package whose marker is false in the image is not selected."""
    text = HEAD + package("alpha", "1.0", "py3-none-any", rest="marker = \"sys_platform == 'win32'\"\n")
    text += package("beta", "1.0", "py3-none-any", rest="marker = \"python_full_version >= '3.12'\"\n")

    assert [pin.name for pin in read_pins(select(text))] == ["beta"]


def test_every_package_without_a_wheel_is_listed(select: Callable[..., str]) -> None:
    """The error lists every package without a wheel for the image, what it has instead, and the next step."""
    text = HEAD + package("alpha", "1.0", *BOTH[1:]) + package("newer", "3.0", "cp312-cp312-manylinux_2_34_x86_64")
    text += '[[packages]]\nname = "beta"\nversion = "1"\n'
    text += 'sdist = { url = "https://h/beta-1.tar.gz", hashes = { sha256 = "0" } }\n'
    text += '[[packages]]\nname = "gamma"\nvcs = { type = "git", url = "https://h/g", commit-id = "abc" }\n'
    text += '[[packages]]\nname = "lib"\ndirectory = { path = "lib" }\n'

    with pytest.raises(LockError) as refused:
        select(text)

    assert str(refused.value) == (
        f"pylock.toml cannot be used for {X86}:\n"
        "  alpha 1.0 has no wheel for it, but cp311-cp311-win_amd64, cp312-cp312-manylinux_2_17_aarch64\n"
        "  newer 3.0 has no wheel for it, but cp312-cp312-manylinux_2_34_x86_64\n"
        "  beta has a source archive and no wheel\n"
        "  gamma comes from a repository\n"
        "  lib is a folder of the machine that locked\n"
        'Leave them to `mlpackage lock`, which resolves the requirements anew with pylock = "none".'
    )


@pytest.mark.parametrize("value", ["", "A" * 64, f"{'a' * 64}\\n--index-url https://evil.example", "${HOME}"])
def test_a_hash_that_is_none(select: Callable[..., str], value: str) -> None:
    """A text in place of a hash does not reach the lock."""
    text = HEAD + package("alpha", "1.0", "py3-none-any").replace(digest("alpha", "py3-none-any"), value)

    with pytest.raises(LockError, match="alpha has no sha256"):
        select(text, "alpha")


def test_the_project_itself_is_left_out(select: Callable[..., str]) -> None:
    """The project itself, which uv and Hatch list as a folder, is left out with a note."""
    text = HEAD + '[[packages]]\nname = "diabetes"\ndirectory = { path = ".", editable = true }\n'
    said: list[str] = []

    assert read_pins(select(text, report=said.append)) == ()
    assert said[0] == "pylock.toml: diabetes itself is left out; `install-project = true` installs it."


def test_the_file_has_to_satisfy_the_requirements(select: Callable[..., str]) -> None:
    """The error names each requirement that the file lacks or has in another version."""
    text = HEAD + package("alpha", "1.0", "py3-none-any")

    with pytest.raises(LockError) as refused:
        select(text, "alpha>=2", "beta", "gamma; sys_platform == 'win32'")

    assert str(refused.value) == (
        "pylock.toml does not answer the requirements:\n"
        "  alpha>=2 is asked for, pylock.toml has alpha 1.0\n"
        "  beta is asked for, pylock.toml has no beta\n"
        'Lock them anew with the tool that made pylock.toml, or resolve them anew with pylock = "none".'
    )


def test_another_python_is_refused(select: Callable[..., str]) -> None:
    """A file that requires a newer Python than the image's is refused with its own reason."""
    text = HEAD + 'requires-python = ">=3.13"\n' + package("alpha", "1.0", "py3-none-any")

    with pytest.raises(LockError, match=r"^pylock\.toml is not for CPython 3\.12 on linux/amd64 .*: .*>=3\.13"):
        select(text)


def test_a_required_patch_release_excludes_no_image(select: Callable[..., str]) -> None:
    """A file that requires a patch release of the image's Python is used, because the image may have it."""
    text = HEAD + 'requires-python = ">=3.12.7"\n' + package("alpha", "1.0", "py3-none-any")

    assert [pin.name for pin in read_pins(select(text))] == ["alpha"]


@pytest.mark.parametrize(
    "text", ["", "<<<<<<< HEAD\n", 'lock-version = "9.0"\ncreated-by = "x"\npackages = []\n', HEAD + "packages = 1\n"]
)
def test_no_pylock(text: str, select: Callable[..., str]) -> None:
    """A text that is not a pylock file, or has a newer format, is refused with the reason."""
    with pytest.raises(LockError, match=r"^pylock\.toml is no pylock file: .+ Write it anew with the tool that made"):
        select(text)


def test_a_lock_is_stale_when_its_pylock_changes(select: Callable[..., str]) -> None:
    """A lock is stale once its pylock file has changed or is no longer configured."""
    lock = select(HEAD + package("alpha", "1.0", "py3-none-any"), "alpha")
    other = replace(asking("alpha"), pylock=("pylock.toml", f"sha256:{'e' * 64}"))
    gone = replace(asking("alpha"), pylock=None)

    assert check_lock(lock, other, X86) == LockState(
        status="stale", reasons=("pylock.toml has changed since the lock was selected from it",)
    )
    assert check_lock(lock, gone, X86) == LockState(
        status="stale", reasons=("it was selected from a pylock.toml, which no longer counts",)
    )


def test_an_older_packaging_is_refused(monkeypatch: pytest.MonkeyPatch, select: Callable[..., str]) -> None:
    """An older release of packaging cannot select from a pylock file, and the error says what to install."""
    pylock = pytest.importorskip("packaging.pylock")
    monkeypatch.delattr(pylock.Pylock, "select")

    with pytest.raises(LockError, match=r'^pylock\.toml is read by packaging 26\.1 or newer: pip install "packaging>='):
        select(HEAD)


@pytest.mark.parametrize("target", [X86, ARM, replace(X86, python="3.11")], ids=["x86_64", "aarch64", "3.11"])
def test_what_uv_wrote_gives_the_pins_that_uv_gives(
    index: PackageIndex, tmp_path: Path, target: Target, select: Callable[..., str]
) -> None:
    """uv's universal pylock gives each image the pins that uv gives when it locks for that image alone."""
    for tag in ("cp311-cp311", "cp312-cp312"):
        for machine in ("x86_64", "aarch64"):
            index.add("alpha", "1.0", "beta; python_version < '3.12'", tag=f"{tag}-manylinux_2_17_{machine}")
    index.add("beta", "1.0")
    (tmp_path / "asked.in").write_text("alpha\n")
    command = [
        uv.find_uv() or "uv",
        "pip",
        "compile",
        "--quiet",
        "--no-config",
        "--generate-hashes",
        "--only-binary=:all:",
    ]
    where = [f"--default-index={index.url}", "--no-python-downloads", "asked.in"]
    for rest in (
        ["--universal", "--python-version=3.11", "--output-file=pylock.toml", "--format=pylock.toml"],
        [f"--python-version={target.python}", f"--python-platform={uv.platform_of(target)}", "--output-file=one.txt"],
    ):
        subprocess.run([*command, *where, *rest], check=True, cwd=tmp_path)

    selected = read_pins(select((tmp_path / "pylock.toml").read_text(), "alpha", target=target))

    alone = read_pins((tmp_path / "one.txt").read_text())
    assert [(pin.name, pin.version) for pin in selected] == [(pin.name, pin.version) for pin in alone]
    assert [set(pin.hashes) <= set(other.hashes) for pin, other in zip(selected, alone, strict=True)] == [True] * len(
        alone
    )
