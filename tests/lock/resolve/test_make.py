from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.asked.requirements import AskedHashes
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve.make import make_lock
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    from hatch_mlpackage.lock.asked.requirements import Requirements

    PackageIndex = Any

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGET = Target(python=HERE, platform="linux/amd64", libc="manylinux_2_28")
BOTH = pytest.mark.parametrize("locker", ["uv", "pip-tools"])


def lock_text(*asked: Any, **options: Any) -> str:
    return make_lock(*asked, **options).text


def pinned(lock: str) -> dict[str, str | None]:
    return {pin.name: pin.version for pin in read_pins(lock)}


def test_the_build_for_cpus(index: PackageIndex, asking: Callable[..., Requirements], quiet: Any) -> None:
    """Where an index has the build of a version for CPUs, the lock takes that one, and nothing that GPUs need."""
    index.add("torch", "2.15.0", "nvidia-nccl")
    index.add("nvidia_nccl", "1.0")
    index.add("torch", "2.15.0+cpu")

    assert pinned(lock_text(asking("torch"), TARGET, report=quiet)) == {"torch": "2.15.0+cpu"}


@pytest.mark.parametrize(("python", "needs"), [("3.6", ">=3.6.2"), ("3.7", ">=3.7.1")])
def test_a_lock_for_an_old_python(
    index: PackageIndex, asking: Callable[..., Requirements], python: str, needs: str
) -> None:
    """A lock for Python 3.6 or 3.7 has the newest wheels for its last release, and says nothing of interpreters."""
    abi = f"cp{python.replace('.', '')}"
    target = Target(python=python, platform="linux/amd64", libc="manylinux_2_31")
    index.add("alpha", "3.0", tag="cp38-cp38-manylinux2014_x86_64", python=">=3.8")
    wheel = index.add(
        "alpha", "2.0", "beta; python_version < '3.8'", tag=f"{abi}-{abi}m-manylinux1_x86_64", python=needs
    )
    index.add("alpha", "1.0")
    index.add("beta", "1.0", python=f">={target.full_python}")
    reported: list[str] = []

    asked = asking("alpha", f"beta; python_full_version >= '{target.full_python}'")
    made = make_lock(asked, target, report=reported.append)

    assert pinned(made.text) == {"alpha": "2.0", "beta": "1.0"}
    assert f"--hash=sha256:{wheel}" in made.text
    assert made.notes == ()
    assert reported == [
        f"Locking 2 requirements for CPython {python} on linux/amd64 (manylinux_2_31).",
        "Locked 2 packages with 2 hashes.",
    ]
    assert check_lock(made.text, asked, target) == LockState(status="fresh")


@BOTH
def test_the_whole_lock(index: PackageIndex, asking: Callable[..., Requirements], locker: Any) -> None:
    """Both resolvers write the same text: a header, every pin, every file's hash, and what requires it."""
    wheel = index.add("alpha", "1.5", "beta>=2")
    source = index.add_source("alpha", "1.5")
    beta = index.add("beta", "2.1")
    index.add("beta", "1.0")
    reported: list[str] = []

    lock = lock_text(asking("alpha"), TARGET, locker=locker, report=reported.append)

    header, body = lock[: lock.index("alpha==")], lock[lock.index("alpha==") :]
    first, second = sorted((wheel, source))
    assert body == (
        f"alpha==1.5 \\\n    --hash=sha256:{first} \\\n    --hash=sha256:{second}\n    # via -r requirements.in\n"
        f"beta==2.1 \\\n    --hash=sha256:{beta}\n    # via alpha\n"
    )
    assert header.splitlines()[0] == (
        f"# Locked for CPython {HERE} on linux/amd64 by hatch-mlpackage; renew with: mlpackage lock"
    )
    assert header.splitlines()[1].startswith(
        f"# mlpackage-lock: schema=1 python={HERE} platform=linux/amd64 libc=manylinux_2_28 inputs=sha256:"
    )
    assert reported == [
        f"Locking 1 requirement for CPython {HERE} on linux/amd64 (manylinux_2_28).",
        "Locked 2 packages with 3 hashes.",
    ]
    assert check_lock(lock, asking("alpha"), TARGET) == LockState(status="fresh")


@BOTH
def test_same_bytes_from_another_folder(
    index: PackageIndex,
    asking: Callable[..., Requirements],
    locker: Any,
    tmp_path: Path,
    clean_machine: pytest.MonkeyPatch,
    quiet: Callable[..., None],
) -> None:
    """The lock does not depend on the working folder or the temporary folder."""
    index.add("alpha", "1.5")
    first = lock_text(asking("alpha"), TARGET, locker=locker, report=quiet)
    (tmp_path / "elsewhere" / "tmp").mkdir(parents=True)
    clean_machine.chdir(tmp_path / "elsewhere")
    clean_machine.setenv("TMPDIR", str(tmp_path / "elsewhere" / "tmp"))
    (tmp_path / "elsewhere" / "uv.toml").write_text('[pip]\nannotation-style = "line"\n')
    (tmp_path / "elsewhere" / ".pip-tools.toml").write_text('[tool.pip-tools]\nannotation-style = "line"\n')

    assert lock_text(asking("alpha"), TARGET, locker=locker, report=quiet) == first


@BOTH
def test_pins_are_kept_unless_upgraded(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """A newer release changes a lock only when the lock is upgraded."""
    index.add("alpha", "1.0", "beta")
    index.add("beta", "1.0")
    old = lock_text(asking("alpha"), TARGET, locker=locker, report=quiet)
    index.add("alpha", "2.0", "beta")
    index.add("beta", "2.0")

    kept = lock_text(asking("alpha"), TARGET, locker=locker, previous=old, report=quiet)
    renewed = lock_text(asking("alpha"), TARGET, locker=locker, previous=old, upgrade=True, report=quiet)

    assert kept == old
    assert pinned(renewed) == {"alpha": "2.0", "beta": "2.0"}


@BOTH
def test_hashes_are_read_anew(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """An earlier lock gives its pins but not its hashes, so an edited hash is corrected."""
    digest = index.add("alpha", "1.0")
    good = lock_text(asking("alpha"), TARGET, locker=locker, report=quiet)
    bad = good.replace(digest, "0" * 64).replace("# mlpackage-lock", "<<<<<<< mine\n# mlpackage-lock")
    index.add("alpha", "2.0")

    assert lock_text(asking("alpha"), TARGET, locker=locker, previous=bad, report=quiet) == good


@BOTH
def test_no_credentials_in_the_lock(
    index: PackageIndex,
    asking: Callable[..., Requirements],
    locker: Any,
    clean_machine: pytest.MonkeyPatch,
    quiet: Callable[..., None],
) -> None:
    """A password in the machine's index settings is used and never written into the lock."""
    index.add("alpha", "1.0")
    index.password = "s3cret"
    clean_machine.setenv("PIP_INDEX_URL", index.url_with_password)

    lock = lock_text(asking("alpha"), TARGET, locker=locker, report=quiet)

    assert pinned(lock) == {"alpha": "1.0"}
    assert "s3cret" not in lock
    assert index.address not in lock


@BOTH
def test_indexes_of_the_project_go_into_the_lock(
    index: PackageIndex,
    other_index: PackageIndex,
    asking: Callable[..., Requirements],
    locker: Any,
    quiet: Callable[..., None],
) -> None:
    """The lock names the project's indexes for the image, and the best version of all indexes wins."""
    index.add("alpha", "1.0", "beta")
    index.add("beta", "3.0")
    other_index.add("alpha", "2.0", "beta")
    other_index.add("beta", "1.0")
    asked = replace(asking("alpha"), options=(f"--extra-index-url {other_index.url}", "--trusted-host 127.0.0.1"))

    lock = lock_text(asked, TARGET, locker=locker, report=quiet)

    assert lock.splitlines()[2:4] == [f"--extra-index-url {other_index.url}", "--trusted-host 127.0.0.1"]
    assert pinned(lock) == {"alpha": "2.0", "beta": "3.0"}
    assert check_lock(lock, asked, TARGET) == LockState(status="fresh")


@BOTH
def test_the_projects_index_replaces_the_machines(
    index: PackageIndex,
    other_index: PackageIndex,
    asking: Callable[..., Requirements],
    locker: Any,
    quiet: Callable[..., None],
) -> None:
    """--index-url of a requirements file replaces the machine's index, as it does for pip."""
    index.add("alpha", "2.0")
    other_index.add("alpha", "1.0")
    asked = replace(asking("alpha"), options=(f"--index-url {other_index.url}",))

    assert pinned(lock_text(asked, TARGET, locker=locker, report=quiet)) == {"alpha": "1.0"}
    assert index.asked == []


@BOTH
def test_pre_releases_constraints_and_extras(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """--pre admits pre-releases, a constraint limits what others bring in, and an extra's packages are locked."""
    index.add("alpha", "1.0")
    index.add("alpha", "2.0rc1", "beta; extra == 'more'")
    index.add("beta", "1.0")
    index.add("beta", "2.0")
    asked = replace(asking("alpha[more]"), options=("--pre",), constraints=("beta<2", "gamma==1"))

    lock = lock_text(asked, TARGET, locker=locker, report=quiet)

    assert pinned(lock) == {"alpha": "2.0rc1", "beta": "1.0"}
    assert lock.splitlines()[1].endswith(" extras=alpha[more]")
    assert check_lock(lock, asked, TARGET) == LockState(status="fresh")


@BOTH
def test_several_requirements_of_one_package(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """The resolver gets every requirement of a package with its marker, and the lock is fresh for all."""
    for version in ("1.0", "1.1", "1.2", "2.0"):
        index.add("alpha", version)
    requirements = asking(
        'alpha<1; python_version < "3"', 'alpha<2; platform_version != "#1"', "alpha!=1.2", "Alpha>=1; os_name != 'nt'"
    )

    lock = lock_text(requirements, TARGET, locker=locker, report=quiet)

    assert (pinned(lock), check_lock(lock, requirements, TARGET)) == ({"alpha": "1.1"}, LockState(status="fresh"))


@BOTH
def test_hashes_of_the_project(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """A hash that a line gives must be one of the package's; a line may leave out files, and others do not count."""
    digest = index.add("alpha", "1.0")

    def lock(requirement: str, *hashes: str) -> str:
        asked = AskedHashes(requirement=requirement, hashes=hashes, where="locked.txt:3")
        return lock_text(replace(asking("alpha==1.0"), hashes=(asked,)), TARGET, locker=locker, report=quiet)

    none = f"sha256:{'0' * 64}"
    with pytest.raises(LockError) as other:
        lock("alpha==1.0", none)

    assert str(other.value) == (
        "locked.txt:3: no file of alpha 1.0 has the hash that this line gives for alpha==1.0:\n"
        f"  given: {none}\n"
        f"  the index has: sha256:{digest}\n"
        "Somebody may have replaced the files on the index. Ask where the hash comes from before you correct it."
    )
    plain = lock_text(asking("alpha==1.0"), TARGET, locker=locker, report=quiet)
    assert [
        lock("alpha==1.0", none, f"sha256:{digest}"),
        lock("beta==1.0", none),
        lock('alpha==1.0; sys_platform == "win32"', none),
    ] == [plain] * 3


@BOTH
def test_wheel_url(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """A wheel's URL is locked with the hash of its file, and is refused if the project names another hash."""
    digest = index.add("alpha", "1.0")
    url = f"http://{index.address}/files/alpha-1.0-py3-none-any.whl"

    lock = lock_text(asking(f"{url}#sha256={digest}"), TARGET, locker=locker, report=quiet)
    with pytest.raises(LockError) as other:
        lock_text(asking(f"{url}#sha256={'0' * 64}"), TARGET, locker=locker, report=quiet)

    assert lock.partition("\nalpha")[2] == (f" @ {url} \\\n    --hash=sha256:{digest}\n    # via -r requirements.in\n")
    assert check_lock(lock, asking(f"{url}#sha256={digest}"), TARGET) == LockState(status="fresh")
    assert str(other.value) == (
        f"The file at the URL of alpha is not the one you named: sha256 {'0' * 64} is asked for, it has "
        f"sha256:{digest}. Correct the URL or its `#sha256=`."
    )


def test_wheels_for_the_image(
    index: PackageIndex, asking: Callable[..., Requirements], quiet: Callable[..., None]
) -> None:
    """The image's Python, architecture and C library choose the versions, whatever this machine has."""
    index.add("alpha", "1.0")
    index.add("alpha", "2.0", tag="cp39-cp39-manylinux_2_28_aarch64")
    index.add("alpha", "3.0", tag="cp39-cp39-manylinux_2_36_aarch64")
    index.add("alpha", "4.0", tag="cp39-cp39-musllinux_1_2_x86_64")
    index.add("alpha", "5.0", tag="cp313-cp313-manylinux_2_17_x86_64")

    def chosen(python: str, platform: str, libc: str) -> str | None:
        target = Target(python=python, platform=platform, libc=libc)
        return pinned(lock_text(asking("alpha"), target, report=quiet))["alpha"]

    assert [
        chosen("3.9", "linux/amd64", "manylinux_2_41"),
        chosen("3.9", "linux/arm64", "manylinux_2_35"),
        chosen("3.9", "linux/arm64", "manylinux_2_36"),
        chosen("3.9", "linux/amd64", "musl"),
        chosen("3.13", "linux/amd64", "manylinux_2_28"),
    ] == ["1.0", "2.0", "3.0", "4.0", "5.0"]


@BOTH
def test_wheels_for_an_older_glibc_than_this_machine_has(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """A wheel that this machine can load and the image cannot is not chosen."""
    tag = f"cp{HERE.replace('.', '')}-cp{HERE.replace('.', '')}-manylinux_2_"
    index.add("alpha", "1.0", tag=f"{tag}17_x86_64")
    index.add("alpha", "2.0", tag=f"{tag}28_x86_64")
    target = Target(python=HERE, platform="linux/amd64", libc="manylinux_2_17")

    assert pinned(lock_text(asking("alpha"), target, locker=locker, report=quiet)) == {"alpha": "1.0"}


def test_markers_of_the_image(
    index: PackageIndex, asking: Callable[..., Requirements], quiet: Callable[..., None]
) -> None:
    """A requirement is locked if its marker is true in the image, whatever this machine's Python is."""
    for name in ("alpha", "beta", "gamma"):
        index.add(name, "1.0")
    asked = asking("alpha; python_version < '3.10'", "beta; python_version >= '3.10'", "gamma; sys_platform == 'linux'")
    target = Target(python="3.9", platform="linux/arm64", libc="manylinux_2_28")

    lock = lock_text(asked, target, report=quiet)

    assert pinned(lock) == {"alpha": "1.0", "gamma": "1.0"}
    assert check_lock(lock, asked, target) == LockState(status="fresh")


@BOTH
def test_markers_do_not_reach_the_lock(
    index: PackageIndex, asking: Callable[..., Requirements], locker: Any, quiet: Callable[..., None]
) -> None:
    """Both resolvers settle every marker: pip would evaluate one with a patch release that nobody knew when locking."""
    for name in ("alpha", "beta", "gamma"):
        index.add(name, "1.0")
    asked = asking(
        "alpha; sys_platform == 'linux'", "beta; python_full_version >= '3.8'", "gamma; python_full_version < '3.8'"
    )

    lock = lock_text(asked, TARGET, locker=locker, report=quiet)

    assert [(pin.name, pin.marker) for pin in read_pins(lock)] == [("alpha", ""), ("beta", "")]
    assert check_lock(lock, asked, TARGET) == LockState(status="fresh")


def test_nothing_to_lock(asking: Callable[..., Requirements], quiet: Callable[..., None]) -> None:
    """Without requirements the lock consists of its header."""
    lock = lock_text(asking(), TARGET, report=quiet)

    assert (len(lock.splitlines()), check_lock(lock, asking(), TARGET)) == (2, LockState(status="fresh"))


def test_pip_tools_refuses_another_image(asking: Callable[..., Requirements], quiet: Callable[..., None]) -> None:
    """pip-tools locks only for the Python that runs it, and refuses every other image."""
    target = Target(python="3.13", platform="linux/amd64", libc="musl")

    with pytest.raises(LockError) as refused:
        lock_text(asking("alpha"), target, locker="pip-tools", report=quiet)

    assert str(refused.value) == (
        "pip-tools locks only for the Python that runs it: here that is "
        f"CPython {HERE} on linux/x86_64 (glibc), the image has CPython 3.13 on linux/x86_64 (musl). "
        'Lock with uv (`pip install "hatch-mlpackage[cli]"`, and no `locker = "pip-tools"`), or run '
        "`mlpackage lock` with the image's Python on such a machine."
    )


def test_without_uv(
    index: PackageIndex,
    asking: Callable[..., Requirements],
    monkeypatch: pytest.MonkeyPatch,
    quiet: Callable[..., None],
) -> None:
    """Without uv, pip-tools locks for this interpreter's image with a note, and refuses any other image."""
    index.add("alpha", "1.0")
    expected = lock_text(asking("alpha"), TARGET, report=quiet)
    monkeypatch.setattr("hatch_mlpackage.lock.resolve.uv.find_uv", lambda: None)
    reported: list[str] = []

    assert lock_text(asking("alpha"), TARGET, report=reported.append) == expected
    assert reported[0] == "uv is not installed: locking with pip-tools, which takes longer."
    with pytest.raises(LockError, match="pip-tools locks only for the Python that runs it"):
        lock_text(asking("alpha"), replace(TARGET, python="3.8"), report=quiet)


@pytest.mark.parametrize("locker", ["uv", "pip-tools"])
def test_without_any_resolver(
    asking: Callable[..., Requirements], locker: Any, monkeypatch: pytest.MonkeyPatch, quiet: Callable[..., None]
) -> None:
    """Where the resolver is not installed, the message names the command that installs it."""
    monkeypatch.setattr("hatch_mlpackage.lock.resolve.uv.find_uv", lambda: None)
    monkeypatch.setattr("hatch_mlpackage.lock.resolve.pip_tools.is_installed", lambda: False)

    with pytest.raises(LockError) as refused:
        lock_text(asking("alpha"), TARGET, locker=locker, report=quiet)

    assert str(refused.value) == (
        f'The resolver {locker} is not installed. Install it with: pip install "hatch-mlpackage[cli]"'
    )


def test_no_room_for_the_temporary_folder(
    asking: Callable[..., Requirements], monkeypatch: pytest.MonkeyPatch, quiet: Callable[..., None]
) -> None:
    """The error about a temporary folder that cannot be made gives the system's reason."""

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)

    with pytest.raises(UnavailableError) as refused:
        lock_text(asking("alpha"), TARGET, report=quiet)

    assert str(refused.value) == "The resolver could not be run in a temporary folder: No space left on device."


@BOTH
def test_ctrl_c_leaves_nothing(
    index: PackageIndex, locker: Any, tmp_path: Path, clean_machine: pytest.MonkeyPatch
) -> None:
    """An interrupt ends the resolver too and removes the temporary folder."""
    index.hang.set()
    program = (
        "from hatch_mlpackage.lock.asked.requirements import Requirements\n"
        "from hatch_mlpackage.lock.resolve.make import make_lock\n"
        "from hatch_mlpackage.project.target import Target\n"
        f"target = Target(python={HERE!r}, platform='linux/amd64', libc='manylinux_2_28')\n"
        f"make_lock(Requirements(requirements=('alpha',)), target, locker={locker!r})\n"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE) as process:
        while not index.asked:
            assert process.poll() is None
            time.sleep(0.01)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[1].decode()

    assert len(children) == 1
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert list(temporary.iterdir()) == []
    assert not Path(f"/proc/{children[0]}").exists()
