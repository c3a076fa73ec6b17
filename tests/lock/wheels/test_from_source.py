from __future__ import annotations

import ctypes.util
import hashlib
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.requirements import AskedHashes, Requirements
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.pins.wheel_records import find_wheels
from hatch_mlpackage.lock.resolve.make import make_lock
from hatch_mlpackage.lock.wheels.from_source import build_named
from hatch_mlpackage.project.target import ARCHITECTURES, Target

if TYPE_CHECKING:
    PackageIndex = Any

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGET = Target(python=HERE, platform="linux/amd64", libc="manylinux_2_28")
Lock = Callable[..., str]


@pytest.fixture
def naming(asking: Callable[..., Requirements]) -> Callable[..., Requirements]:
    """Give a function that makes Requirements of which some packages are built from source."""
    return lambda names, *inline: replace(asking(*inline), built=tuple(names))


@pytest.fixture
def lock(tmp_path: Path, quiet: Callable[..., None], naming: Callable[..., Requirements]) -> Lock:
    """Give a function that builds what is named, locks, and puts the wheels and the lock into `tmp_path/locks`."""

    def make(
        names: tuple[str, ...],
        *inline: str,
        target: Target = TARGET,
        locker: Any = "uv",
        upgrade: bool = False,
        report: Any = quiet,
    ) -> str:
        folder = tmp_path / f"work-{len(list(tmp_path.glob('work-*')))}"
        folder.mkdir()
        wheels, path = tmp_path / "locks/wheels", tmp_path / "locks/requirements.txt"
        how: dict[str, Any] = {
            "previous": path.read_text() if path.exists() else None,
            "upgrade": upgrade,
            "report": report,
        }
        asked = naming(names, *inline)
        built = build_named(asked, target, folder=folder, wheels=wheels, **how)
        text = make_lock(asked, target, built=built, locker=locker, **how).text
        wheels.mkdir(parents=True, exist_ok=True)
        for wheel in built:
            if wheel.path.parent != wheels:
                shutil.copy(wheel.path, wheels)
        path.write_text(text)
        return text

    return make


def pinned(lock: str) -> dict[str, str | None]:
    return {pin.name: pin.version for pin in read_pins(lock)}


@pytest.mark.parametrize("locker", ["uv", "pip-tools"])
def test_a_package_that_only_has_sources(
    index: PackageIndex,
    add_archive: Callable[..., str],
    lock: Lock,
    naming: Callable[..., Requirements],
    tmp_path: Path,
    locker: str,
) -> None:
    """A named package that another one needs is locked as a wheel with its hash, and what it needs is pinned."""
    alpha, beta = index.add("alpha", "1.0", "lib<2"), index.add("beta", "2.0")
    archive = add_archive("lib", "1.5", "beta")
    add_archive("lib", "2.0", "gone")

    text = lock(("lib",), "alpha", locker=locker)

    wheel = hashlib.sha256((tmp_path / "locks/wheels/lib-1.5-py3-none-any.whl").read_bytes()).hexdigest()
    assert text.splitlines()[2:] == [
        f"# built: lib-1.5-py3-none-any.whl sha256:{archive} from lib-1.5.tar.gz",
        "alpha==1.0 \\",
        f"    --hash=sha256:{alpha}",
        "    # via -r requirements.in",
        "beta==2.0 \\",
        f"    --hash=sha256:{beta}",
        "    # via lib",
        "./wheels/lib-1.5-py3-none-any.whl \\",
        f"    --hash=sha256:{wheel}",
        "    # via alpha",
    ]
    assert check_lock(text, naming(("lib",), "alpha"), TARGET) == LockState(status="fresh")


def test_what_a_version_needs_counts(index: PackageIndex, add_archive: Callable[..., str], lock: Lock) -> None:
    """The newest version is left for an older one where what it needs, as its build says, cannot be had."""
    index.add("beta", "1.0")
    add_archive("lib", "1.0", "beta<2")
    add_archive("lib", "2.0", "beta>=2")
    said: list[str] = []

    text = lock(("lib",), "lib", "beta", report=said.append)

    assert pinned(text) == {"beta": "1.0", "lib": "1.0"}
    assert [line for line in said if line.startswith("Building")] == [
        f"Building a wheel of lib {version} from lib-{version}.tar.gz with CPython {HERE}, which runs its code."
        for version in ("2.0", "1.0")
    ]


def test_a_version_for_other_pythons(index: PackageIndex, add_archive: Callable[..., str], lock: Lock) -> None:
    """A version whose build says that it is for other Pythons, as an index may not, is left for an older one."""
    index.add("alpha", "1.0")
    add_archive("lib", "1.0")
    add_archive("lib", "2.0", before="requires.append('alpha\\nRequires-Python: >=3.99')")

    assert pinned(lock(("lib",), "lib")) == {"lib": "1.0"}


def test_the_hash_of_an_archive_in_a_requirements_file(
    index: PackageIndex,
    add_archive: Callable[..., str],
    naming: Callable[..., Requirements],
    tmp_path: Path,
    quiet: Callable[..., None],
) -> None:
    """A hash that a line gives for a package that is built is that of its archive."""
    digest = add_archive("lib", "1.0")

    def lock(given: str) -> str:
        folder = tmp_path / given[:2]
        folder.mkdir()
        hashes = (AskedHashes(requirement="lib==1.0", hashes=(f"sha256:{given}",), where="locked.txt:3"),)
        asked = replace(naming(("lib",), "lib==1.0"), hashes=hashes)
        built = build_named(asked, TARGET, folder=folder, wheels=tmp_path / "none", report=quiet)
        return make_lock(asked, TARGET, built=built, report=quiet).text

    assert pinned(lock(digest)) == {"lib": "1.0"}
    with pytest.raises(LockError, match=r"^locked.txt:3: no file of lib 1.0 has the hash that this line gives"):
        lock("0" * 64)


def test_only_named_packages_run_code(
    index: PackageIndex, add_archive: Callable[..., str], lock: Lock, tmp_path: Path
) -> None:
    """Neither a resolution nor the search for a way out runs code of a package that is not named, nor of others."""
    mark = tmp_path / "code-was-run"
    touch = f"pathlib.Path({str(mark)!r}).touch()"
    index.add("alpha", "1.0", "lib", "other")
    for name in ("lib", "other"):
        add_archive(name, "1.0", before=touch)

    with pytest.raises(LockError):
        lock((), "alpha")
    with pytest.raises(LockError):
        lock(("lib",), "alpha")

    assert not mark.exists()
    lock(("lib", "other"), "alpha")
    assert mark.exists()


@pytest.mark.parametrize("locker", ["uv", "pip-tools"])
def test_the_failure_names_all_and_what_to_write(
    index: PackageIndex, add_archive: Callable[..., str], lock: Lock, locker: str
) -> None:
    """The error of a lock names all packages that only have sources, with the key and the option; both work."""
    index.add("alpha", "1.0", "lib", "more", "known")
    for name, needs in (("lib", ()), ("more", ("lib",)), ("known", ())):
        add_archive(name, "1.0", *needs)

    with pytest.raises(LockError) as failure:
        lock(("known",), "alpha", locker=locker)

    fix = str(failure.value).splitlines()[-1]
    assert fix == (
        "lib 1.0 and more 1.0 have no wheels for the image, only source archives. If you trust them, add them to "
        "build-from-source in [tool.mlpackage], and `mlpackage lock` builds their wheels, which runs code of them: "
        'build-from-source = ["known", "lib", "more"], or '
        "--build-from-source known --build-from-source lib --build-from-source more"
    )
    names = tuple(re.findall(r"--build-from-source (\S+)", fix))
    assert pinned(lock(names, "alpha", locker=locker)) == dict.fromkeys(("alpha", "known", "lib", "more"), "1.0")


def test_a_compiled_package_is_not_proposed(index: PackageIndex, add_archive: Callable[..., str], lock: Lock) -> None:
    """A version with wheels for other images holds compiled code as a rule: other versions are named, no build."""
    add_archive("lib", "1.0")
    index.add("lib", "1.0", tag="cp37-cp37m-manylinux2014_x86_64")
    index.add("lib", "1.1")

    with pytest.raises(LockError) as failure:
        lock((), "lib==1.0")

    assert str(failure.value).splitlines()[-1] == "This can be locked: lib==1.1 in place of lib==1.0."


def test_wheels_for_other_systems_do_not_count(
    index: PackageIndex, add_archive: Callable[..., str], lock: Lock
) -> None:
    """A version whose only wheels are for Windows, as those of old PyYAML, is proposed like one without wheels."""
    add_archive("lib", "1.0")
    index.add("lib", "1.0", tag=f"cp{HERE.replace('.', '')}-cp{HERE.replace('.', '')}-win_amd64")
    index.add("lib", "1.1")

    with pytest.raises(LockError) as failure:
        lock((), "lib==1.0")

    assert str(failure.value).splitlines()[-2] == "This can be locked: lib==1.1 in place of lib==1.0."
    assert str(failure.value).endswith('build-from-source = ["lib"], or --build-from-source lib')
    assert pinned(lock(("lib",), "lib==1.0")) == {"lib": "1.0"}


def test_no_version_has_an_archive(index: PackageIndex, lock: Lock) -> None:
    """A named package that only has wheels is to be taken out of the list."""
    index.add("lib", "1.0")

    with pytest.raises(LockError) as failure:
        lock(("lib",), "lib")

    assert str(failure.value).splitlines()[-1] == (
        "lib: no version that fits has a source archive. Take lib out of build-from-source."
    )


def test_the_same_wheel_is_kept_while_its_archive_is_the_same(
    index: PackageIndex, add_archive: Callable[..., str], lock: Lock, tmp_path: Path
) -> None:
    """Locking again builds nothing and fetches nothing; a newer version, a damaged wheel or another archive do."""
    add_archive("lib", "1.0")
    said: list[str] = []

    first = lock(("lib",), "lib", report=said.append)
    add_archive("lib", "2.0")
    fetched = index.asked.count("/files/lib-1.0.tar.gz")
    kept = lock(("lib",), "lib", report=said.append)
    assert (kept, index.asked.count("/files/lib-1.0.tar.gz")) == (first, fetched)

    wheel = tmp_path / "locks/wheels/lib-1.0-py3-none-any.whl"
    wheel.write_bytes(b"other")
    repaired = lock(("lib",), "lib", report=said.append)
    shutil.rmtree(tmp_path / "archives/lib-1.0")
    add_archive("lib", "1.0", "two")
    index.add("two", "1.0")
    replaced = lock(("lib",), "lib", report=said.append)
    upgraded = lock(("lib",), "lib", upgrade=True, report=said.append)

    assert repaired == first
    assert [pinned(text) for text in (replaced, upgraded)] == [{"lib": "1.0", "two": "1.0"}, {"lib": "2.0"}]
    assert [line.split()[4:6] for line in said if line.startswith("Building")] == [
        ["lib", version] for version in ("1.0", "1.0", "1.0", "2.0")
    ]


def test_two_builds_make_the_same_bytes(
    index: PackageIndex, add_archive: Callable[..., str], lock: Lock, tmp_path: Path
) -> None:
    """A wheel that is built again from the same archive has the same bytes."""
    add_archive("lib", "1.0", before="assert __import__('os').environ['SOURCE_DATE_EPOCH'] == '1580601600'")

    first = lock(("lib",), "lib")
    shutil.rmtree(tmp_path / "locks")

    assert lock(("lib",), "lib") == first


def test_an_extension_that_a_package_can_do_without(
    index: PackageIndex, add_archive: Callable[..., str], lock: Lock
) -> None:
    """No compiler takes part, so that an optional extension is left out, which is said and recorded."""
    ask = "__import__('subprocess').call([__import__('os').environ['CC'], '-c', 'x.c'])"
    nodot = HERE.replace(".", "")
    where = "__import__('ctypes.util').util.find_library('nothing')"  # asks a compiler, and compiles nothing
    called, asked = add_archive("called", "1.0", before=ask), add_archive("asked", "1.0", before=where)
    tagged = add_archive("tagged", "1.0", tag=f"cp{nodot}-cp{nodot}-linux_x86_64")
    said: list[str] = []

    text = lock(("asked", "called", "tagged"), "asked", "called", "tagged", report=said.append)

    assert text.splitlines()[2:5] == [
        f"# built: asked-1.0-py3-none-any.whl sha256:{asked} from asked-1.0.tar.gz",
        f"# built: called-1.0-py3-none-any.whl sha256:{called} from called-1.0.tar.gz without its extensions",
        f"# built: tagged-1.0-py3-none-any.whl sha256:{tagged} from tagged-1.0.tar.gz without its extensions",
    ]
    assert [line for line in said if "left out" in line] == [
        f"{name} 1.0: its extensions are left out: it runs as pure Python, which may be slower."
        for name in ("called", "tagged")
    ]


ELSEWHERE = (
    "Choose a version that has a wheel for the image. Or build its wheel where the image's Python and C library are, "
    "put it into the project, and require that: ./name-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
)
REQUIRED = (
    "lib 1.0 cannot do without its extensions, which can only be compiled on a machine like the image: this machine "
    "has glibc 2.99, and the image 2.28."
)
CALL = "raise SystemExit(__import__('subprocess').call(['gcc', 'x.c']))"
WRITE = "pathlib.Path('module.py').write_bytes(bytes([127]) + b'ELF')"
FAILED = f"A wheel of lib 1.0 cannot be built from lib-1.0.tar.gz with CPython {HERE}:"


@pytest.mark.parametrize(
    ("before", "tag", "said"),
    [
        (CALL, "py3-none-any", REQUIRED),
        (WRITE, f"cp{HERE.replace('.', '')}-abi3-linux_x86_64", REQUIRED),
        (
            "pass",
            "py27-none-any",
            f"lib 1.0: its wheel lib-1.0-py27-none-any.whl does not load in {TARGET}. {ELSEWHERE}",
        ),
        ("raise SystemExit('no such file')", "py3-none-any", FAILED),
    ],
)
def test_what_cannot_be_built_for_the_image(
    index: PackageIndex,
    add_archive: Callable[..., str],
    lock: Lock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    tag: str,
    said: str,
) -> None:
    """A package that needs a compiler, or whose wheel is for other machines, is refused with the ways out."""
    add_archive("lib", "1.0", before=before, tag=tag)
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.99"))

    with pytest.raises(LockError) as refused:
        lock(("lib",), "lib")

    assert str(refused.value).splitlines()[0] == said
    assert str(tmp_path) not in str(refused.value)


COMPILING = """
import os, pathlib, subprocess, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    pathlib.Path("fast.c").write_text("int fast(void) { return 7; }")
    flags = ["-g", *os.environ.get("CFLAGS", "").split(), "-shared", "-fPIC", *LINKED]
    subprocess.run([os.environ.get("CC", "cc"), "fast.c", "-o", "fast.so", *flags], check=True)
    info = "lib-1.0.dist-info"
    texts = {
        "fast.so": pathlib.Path("fast.so").read_bytes(),
        f"{info}/METADATA": b"Metadata-Version: 2.1\\nName: lib\\nVersion: 1.0\\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: TAG\\n",
        f"{info}/RECORD": f"fast.so,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n".encode(),
    }
    with zipfile.ZipFile(pathlib.Path(wheel_directory, "lib-1.0-TAG.whl"), "w") as archive:
        for path, content in texts.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return "lib-1.0-TAG.whl"
"""
NODOT = HERE.replace(".", "")


@pytest.fixture
def compiling(index: PackageIndex, add_archive: Callable[..., str]) -> Callable[..., Target]:
    """Give a function that adds a package which cannot do without its extension, and returns an image like here."""
    name, version = platform.libc_ver()
    if sys.platform != "linux" or name != "glibc" or shutil.which("cc") is None:
        pytest.skip("this machine has no compiler for glibc")

    def add(*linked: str) -> Target:
        add_archive(
            "lib",
            "1.0",
            backend=COMPILING.replace("TAG", f"cp{NODOT}-cp{NODOT}-linux_{platform.machine()}").replace(
                "LINKED", repr(linked)
            ),
        )
        architecture = next(it for it, machine in ARCHITECTURES.items() if machine == platform.machine())
        return replace(TARGET, platform=architecture, libc=f"manylinux_{version.replace('.', '_')}")

    return add


def test_a_required_extension_for_an_image_like_this_machine(
    compiling: Callable[..., Target], lock: Lock, tmp_path: Path
) -> None:
    """What needs a compiler is compiled where the image is like this machine, under the tag of its C library."""
    target = compiling()
    said: list[str] = []

    first = lock(("lib",), "lib", target=target, report=said.append)
    shutil.rmtree(tmp_path / "locks")
    second = lock(("lib",), "lib", target=target)

    file = f"lib-1.0-cp{NODOT}-cp{NODOT}-{target.libc}_{target.architecture}.whl"
    assert [pin.file for pin in read_pins(first)] == [file]
    assert first == second
    assert "lib 1.0 cannot do without its extensions: compiling it for images like this machine." in said


def test_an_extension_that_needs_a_library_of_this_machine(compiling: Callable[..., Target], lock: Lock) -> None:
    """A library that the image may not have is named, and the wheel is refused."""
    if ctypes.util.find_library("z") is None:
        pytest.skip("this machine has no zlib")
    target = compiling("-Wl,--no-as-needed", "-l:libz.so.1")

    with pytest.raises(LockError) as refused:
        lock(("lib",), "lib", target=target)

    assert str(refused.value) == (
        f"lib 1.0: its wheel needs libz.so.1 of this machine, which the image may not have. {ELSEWHERE}"
    )


def test_an_index_with_a_password(
    index: PackageIndex, add_archive: Callable[..., str], lock: Lock, clean_machine: pytest.MonkeyPatch
) -> None:
    """The archive is fetched with the login of the index, and neither is in the lock."""
    add_archive("lib", "1.0")
    index.password = "s3cret"
    clean_machine.setenv("PIP_INDEX_URL", index.url_with_password)

    text = lock(("lib",), "lib")

    assert pinned(text) == {"lib": "1.0"}
    assert "s3cret" not in text
    assert index.address not in text


def test_an_index_of_the_project(
    index: PackageIndex,
    other_index: PackageIndex,
    add_archive: Callable[..., str],
    naming: Callable[..., Requirements],
    tmp_path: Path,
    quiet: Callable[..., None],
) -> None:
    """The archive comes from the index that a requirements file names, without whose host's certificate."""
    add_archive("lib", "1.0")
    other_index.files, index.files = index.files, {}
    asked = replace(naming(("lib",), "lib"), options=(f"--index-url {other_index.url}", "--trusted-host 127.0.0.1"))

    (wheel,) = build_named(asked, TARGET, folder=tmp_path, wheels=tmp_path / "none", report=quiet)

    assert (wheel.name, wheel.version) == ("lib", "1.0")
    assert index.asked == []


def test_a_name_that_nothing_needs(index: PackageIndex, add_archive: Callable[..., str], lock: Lock) -> None:
    """A named package that nothing needs is neither built nor locked."""
    index.add("alpha", "1.0")
    add_archive("lib", "1.0", before="raise SystemExit('built')")

    assert pinned(lock(("lib",), "alpha")) == {"alpha": "1.0"}


def test_the_list_and_the_lock(
    index: PackageIndex,
    add_archive: Callable[..., str],
    lock: Lock,
    naming: Callable[..., Requirements],
    tmp_path: Path,
) -> None:
    """Without an index: a wheel that was built needs its name in the list, and a named package needs a wheel."""
    index.add("alpha", "1.0", "lib")
    add_archive("lib", "1.0")
    text = lock(("lib",), "alpha")
    asked = len(index.asked)

    unnamed = check_lock(text, naming((), "alpha"), TARGET)
    named = check_lock(text, naming(("alpha", "lib"), "alpha"), TARGET)
    unneeded = check_lock(text, naming(("lib",)), TARGET)
    wheel = tmp_path / "locks/wheels/lib-1.0-py3-none-any.whl"
    whole = find_wheels(text, wheel.parent, TARGET, all_wheels=False)
    wheel.unlink()
    missing = find_wheels(text, wheel.parent, TARGET, all_wheels=False)

    assert unnamed == LockState(
        status="stale",
        reasons=("wheels/lib-1.0-py3-none-any.whl was built from source, and build-from-source does not name lib",),
    )
    assert named == LockState(
        status="stale",
        reasons=("build-from-source names alpha, the lock has the files of an index for it (line 4)",),
    )
    assert unneeded.reasons == tuple(
        f"nothing that is asked for needs {name} 1.0 (line {line})" for name, line in (("alpha", 4), ("lib", 7))
    )
    assert (whole, missing) == (((wheel,), ()), ((), ("wheels/lib-1.0-py3-none-any.whl is missing",)))
    assert len(index.asked) == asked


def test_without_uv(
    naming: Callable[..., Requirements],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    quiet: Callable[..., None],
) -> None:
    """Without uv, which builds, the message names the command that installs it."""
    monkeypatch.setattr("hatch_mlpackage.lock.resolve.uv.find_uv", lambda: None)

    with pytest.raises(LockError) as refused:
        build_named(naming(("lib",), "lib"), TARGET, folder=tmp_path, wheels=tmp_path, report=quiet)

    assert str(refused.value) == ('build-from-source needs uv. Install it with: pip install "hatch-mlpackage[cli]"')


@pytest.mark.network
@pytest.mark.slow
class TestRealPackages:
    """Packages of the real index that only have sources, for old images."""

    @pytest.fixture(autouse=True)
    def _one_index(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    @pytest.mark.parametrize(
        ("python", "asked"),
        [
            ("3.6", "azureml-sdk==1.6.0"),
            ("3.7", "azureml-sdk==1.10.0"),
            ("3.8", "azureml-sdk==1.40.0"),
            ("3.9", "azureml-sdk==1.55.0"),
            ("3.10", "azureml-sdk==1.62.0"),
            ("3.6", "azureml-defaults==1.6.0"),
            ("3.6", "inference-schema==1.0.2"),
            ("3.7", "inference-schema==1.0.2"),
        ],
    )
    def test_what_the_failure_names_is_enough(
        self, lock: Lock, naming: Callable[..., Requirements], python: str, asked: str
    ) -> None:
        """With the list that the failure gives, the packages of Azure ML are locked, also those of 2019."""
        target = Target(python=python, platform="linux/amd64", libc="manylinux_2_31")
        with pytest.raises(LockError) as failure:
            lock((), asked, target=target)
        names = tuple(re.findall(r"--build-from-source (\S+)", str(failure.value)))

        text = lock(names, asked, target=target)

        assert names
        assert {pin.name for pin in read_pins(text) if pin.file} == set(names)
        assert check_lock(text, naming(names, asked), target) == LockState(status="fresh")

    def test_a_compiled_one(self, lock: Lock, interpreter: Callable[[str], str]) -> None:
        """An extension of 2016 is compiled for the Python of its time, on a machine like the image."""
        interpreter("3.7")
        name, version = platform.libc_ver()
        if name != "glibc" or platform.machine() != "x86_64":
            pytest.skip("the image is not like this machine")
        libc = f"manylinux_{version.replace('.', '_')}"

        text = lock(("ujson",), "ujson==1.35", target=Target(python="3.7", platform="linux/amd64", libc=libc))

        assert [pin.file for pin in read_pins(text)] == [f"ujson-1.35-cp37-cp37m-{libc}_x86_64.whl"]

    @pytest.mark.parametrize(
        ("python", "asked", "note"),
        [
            ("3.6", "wrapt==1.11.1", " without its extensions"),
            ("3.7", "wrapt==1.12.1", " without its extensions"),
            ("3.6", "pyyaml==3.13", " without its extensions"),
            ("3.6", "ruamel-yaml==0.15.89", " without its extensions"),
            ("3.7", "anyjson==0.3.3", ""),  # today's setuptools refuses its setup.py
            ("3.7", "future==0.18.2", ""),
            ("3.8", "antlr4-python3-runtime==4.8", ""),
            ("3.7", "jieba==0.42.1", ""),
            ("3.6", "dill==0.2.7.1", ""),
        ],
    )
    def test_old_archives(
        self, lock: Lock, interpreter: Callable[[str], str], python: str, asked: str, note: str
    ) -> None:
        """Archives of ten years are built for old Pythons, into wheels for any platform."""
        interpreter(python)
        name, _, version = asked.partition("==")
        target = Target(python=python, platform="linux/arm64", libc="manylinux_2_31")

        text = lock((name,), asked, target=target)

        assert pinned(text) == {name: version}
        assert text.splitlines()[2].rpartition(".")[2].removeprefix("gz") == note
