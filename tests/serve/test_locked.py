from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from hatch_mlpackage.errors import MLPackageError, UnavailableError
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.serve.interpreter import installed
from hatch_mlpackage.serve.locked import Locked, differences
from hatch_mlpackage.serve.locked_environment import make_locked

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def locked(folder, *pins, python=HERE, besides=""):
    """Write a lock with pins of `name==version` and a made-up or given hash."""
    lines = [pin if "--hash" in pin else f"{pin} --hash=sha256:{'0' * 64}" for pin in pins]
    path = folder / "requirements.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return Locked(python=python, pins=read_pins(path.read_text()), path=path, besides=besides)


@pytest.fixture
def environment(tmp_path):
    """Give a function that makes an interpreter whose environment has the given packages."""

    def make(**packages):
        site = tmp_path / "site"
        for name, version in packages.items():
            (site / f"{name}-{version}.dist-info").mkdir(parents=True)
            (site / f"{name}-{version}.dist-info/METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
        program = tmp_path / "python"
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{site}" exec "{sys.executable}" -S "$@"\n')
        program.chmod(0o755)
        return str(program)

    return make


@pytest.mark.parametrize(
    ("pins", "python", "expected"),
    [
        (["a==1.0", "b-c==2"], HERE, ""),
        (["a==1"], HERE, ""),
        (["a==1.1", "d==4"], HERE, "a 1.0 instead of 1.1, no d"),
        (["a==1.0"], "3.99", f"Python {HERE} instead of 3.99"),
        (["a==2", "d==4", "e==5", "f==6", "g==7"], HERE, "a 1.0 instead of 2, no d, no e and 2 more"),
    ],
)
def test_differences(tmp_path, environment, pins, python, expected):
    """One line names other versions, missing packages and another Python; further packages do not count."""
    interpreter = environment(a="1.0", B_c="2", more="3")

    assert differences(locked(tmp_path, *pins, python=python), installed(interpreter)) == expected


def test_an_interpreter_that_lists_nothing():
    """An interpreter that cannot list its packages is an error, and not one without differences."""
    with pytest.raises(MLPackageError, match="/bin/false does not list its packages: "):
        installed("/bin/false")


@pytest.fixture
def cache(index, tmp_path):
    """Use an index with two packages, and a cache of our own."""
    index.add("alpha", "1.0")
    index.add("beta", "2.0")
    return tmp_path


def hashed(index, name, version):
    return f"{name}=={version} --hash=sha256:{index.sha256(f'{name}-{version}-py3-none-any.whl')}"


def environments():
    """Return what lies in the cache of environments."""
    from hatch_mlpackage.files.resources import cache_directory  # noqa: PLC0415 - the variable is set by a fixture

    return sorted(path.name for path in Path(cache_directory(), "environments").glob("*"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "own cache"))


def test_an_environment_of_the_lock(index, cache, quiet):
    """The environment has exactly the locked packages, is made once, and another lock gets another one."""
    first = locked(cache, hashed(index, "alpha", "1.0"))
    interpreter = make_locked(first, report=quiet)
    asked = len(index.asked)

    assert differences(first, installed(interpreter)) == ""
    assert (make_locked(first, report=quiet), len(index.asked)) == (interpreter, asked)
    second = locked(cache, hashed(index, "alpha", "1.0"), hashed(index, "beta", "2.0"))
    assert differences(second, installed(interpreter)) == "no beta"
    assert make_locked(second, report=quiet) != interpreter
    assert len(environments()) == 2


@pytest.fixture
def only_pyenv(tmp_path, monkeypatch):
    """Give a folder of pyenv that is the only place with other Pythons than ours; uv finds and downloads none."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "of uv"))
    return tmp_path / "pyenv"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"UV_PYTHON_DOWNLOADS": "never"}, ""),
        ({"UV_PYTHON_INSTALL_MIRROR": "http://127.0.0.1:9"}, r", and uv cannot download it \(.*\)"),
    ],
)
def test_a_python_that_is_not_here(cache, quiet, only_pyenv, monkeypatch, capfd, settings, why):
    """Without the lock's Python, one sentence says what to install; uv is asked at most once, and prints nothing."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(UnavailableError) as raised:
        make_locked(locked(cache, "alpha==1.0", python="3.9"), report=quiet)

    assert re.fullmatch(
        rf"There is no CPython 3\.9 here{why}\. Install it \(uv python install 3\.9, pyenv, …\), or set "
        r"python-version in \[tool\.mlpackage\] to one that is here, and run: mlpackage lock",
        str(raised.value),
    )
    assert (environments(), capfd.readouterr()) == ([], ("", ""))


OTHER = "3.13" if HERE == "3.12" else "3.12"


@pytest.fixture
def other_python(interpreter):
    """Give an interpreter of another version than ours."""
    return interpreter(OTHER)


@pytest.mark.environments
def test_a_python_that_only_pyenv_has(index, cache, quiet, other_python, only_pyenv):
    """A Python that pyenv has is found without being on PATH."""
    program = only_pyenv / f"versions/{OTHER}.9/bin/python"
    program.parent.mkdir(parents=True)
    program.symlink_to(other_python)

    made = locked(cache, hashed(index, "alpha", "1.0"), python=OTHER)

    assert differences(made, installed(make_locked(made, report=quiet))) == ""


@pytest.mark.environments
@pytest.mark.parametrize("python", ["3.6", "3.7", "3.8"])
def test_an_environment_of_an_old_python(index, cache, quiet, interpreter, python):
    """The environment has the image's Python, also one that only pyenv has, and its packages are compared."""
    interpreter(python)
    first = locked(cache, hashed(index, "alpha", "1.0"), python=python)
    made = make_locked(first, report=quiet)
    second = locked(cache, hashed(index, "alpha", "1.0"), hashed(index, "beta", "2.0"))

    assert differences(first, installed(made)) == ""
    assert differences(second, installed(made)) == f"Python {python} instead of {HERE}, no beta"


def test_a_wheel_beside_the_lock(index, cache, quiet):
    """A wheel that the lock names by its path is installed from there."""
    (cache / "wheels").mkdir()
    name = "alpha-1.0-py3-none-any.whl"
    (cache / "wheels" / name).write_bytes(index.files[name])

    made = locked(cache, f"./wheels/{name} --hash=sha256:{index.sha256(name)}")

    assert differences(made, installed(make_locked(made, report=quiet))) == ""


def test_another_file_than_the_locked_one(index, cache, quiet):
    """A file without the locked hash is not installed, and nothing is left of the environment."""
    with pytest.raises(UnavailableError, match=r"^`uv pip install .*` ended with status \d; the reason is above\.$"):
        make_locked(locked(cache, "alpha==1.0"), report=quiet)

    assert environments() == []


def test_what_was_begun_and_never_finished(index, cache, quiet, tmp_path):
    """What a killed run has left behind is removed."""
    begun = tmp_path / "own cache/environments/tmpx.partial.d"
    begun.mkdir(parents=True)

    made = locked(cache, hashed(index, "alpha", "1.0"))
    interpreter = make_locked(made, report=quiet)

    assert environments() == [Path(interpreter).parents[1].name]


@pytest.mark.parametrize(
    ("besides", "step"),
    [
        ("packages of conda", "Make the environment with conda, activate it"),
        (
            "the project itself",
            "Install the project into the environment that you work in (python -m pip install --editable .)",
        ),
    ],
)
def test_more_than_pip_installs(tmp_path, besides, step, quiet):
    """An image with more than the lock has is refused, with the ways that serve it."""
    with pytest.raises(MLPackageError) as raised:
        make_locked(locked(tmp_path, "a==1", besides=besides), report=quiet)

    assert str(raised.value) == (
        f"--locked makes what pip installs, and this image also has {besides}. "
        f"{step} and leave out --locked, or serve the image itself (`mlpackage image build`, `mlpackage image run`)."
    )


def test_without_uv(tmp_path, monkeypatch, quiet):
    """Without uv the error says how to install it."""
    monkeypatch.setattr("hatch_mlpackage.serve.locked_environment.find_uv", lambda: None)

    with pytest.raises(UnavailableError) as raised:
        make_locked(locked(tmp_path, "a==1"), report=quiet)

    assert str(raised.value) == f'uv makes the environment. Run: {sys.executable} -m pip install "hatch-mlpackage[cli]"'
