"""The wheels beside a lock, from `mlpackage lock` to the context, with a real resolver and an index on loopback."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.errors import ConfigurationError, LockError, UnavailableError
from hatch_mlpackage.files.resources import runtime_directory
from hatch_mlpackage.lock.check_locks import check_project_lock, wheels_directory
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.pins.header import split_header, with_header
from hatch_mlpackage.lock.project_lock import lock_project

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TABLE: dict[str, Any] = {"python-version": HERE, "base-image": f"python:{HERE}-slim-bookworm", "pin-base-image": False}


@pytest.fixture
def small_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Any) -> str:
    """Replace the server's requirements with one that the index has, and return its hash."""
    shutil.copytree(runtime_directory(), tmp_path / "runtime", ignore=shutil.ignore_patterns("__pycache__", "tests"))
    digest = index.add("front", "3.0")
    (tmp_path / f"runtime/requirements/{HERE}.txt").write_text(f"front==3.0 \\\n    --hash=sha256:{digest}\n")
    for module in ("hatch_mlpackage.context.package", "hatch_mlpackage.lock.check_locks"):
        monkeypatch.setattr(f"{module}.runtime_directory", lambda: tmp_path / "runtime")
    return digest


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def lock(quiet: Callable[..., None]) -> Callable[..., str]:
    """Give a function that locks a project and returns the lock."""

    def make(project: Any, report: Any = quiet) -> str:
        return lock_project(project, report=report).read_text()

    return make


@pytest.mark.environments
def test_a_wheelhouse_installs_with_no_index(index, small_server, make_project, make_source, tmp_path, lock):
    """The context holds every wheel of the environment and the server, and pip installs them without an index."""
    index.add("alpha", "1.0", "beta")
    index.add("beta", "2.0")
    index.add("gamma", "1.0")
    url = f"http://{index.address}/files/gamma-1.0-py3-none-any.whl"
    project = make_project({**TABLE, "wheelhouse": True, "dependencies": ["alpha", f"gamma @ {url}", "./lib"]})
    make_source(project.root / "lib", "lib", "0.5", "beta")

    lock(project)
    manifest = build_context(project, tmp_path / "context")

    names = ["alpha-1.0-py3-none-any.whl", "beta-2.0-py3-none-any.whl", "gamma-1.0-py3-none-any.whl"]
    assert listed(project.root / "locks/wheels") == [
        "SHA256SUMS",
        names[0],
        names[1],
        "front-3.0-py3-none-any.whl",
        names[2],
        "lib-0.5-py3-none-any.whl",
    ]
    assert [(file.path, file.layer) for file in manifest.files if file.path.endswith(".whl")] == [
        *((f"environment/wheels/{name}", "environment") for name in [*names, "lib-0.5-py3-none-any.whl"]),
        ("server/wheels/front-3.0-py3-none-any.whl", "runtime"),
    ]
    index.status = 500
    venv.create(tmp_path / "venv", with_pip=True)
    for place, wheel in (("environment", "environment"), ("runtime", "server")):
        flags = [
            "--no-index",
            "--find-links",
            str(tmp_path / f"context/{wheel}/wheels"),
            "--require-hashes",
            "--no-deps",
        ]
        command = [tmp_path / "venv/bin/pip", "install", *flags, "--only-binary=:all:", "-r", "requirements.txt"]
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path / "context" / place)
    check = [tmp_path / "venv/bin/python", "-c", "import alpha, beta, gamma, lib, front"]
    subprocess.run(check, check=True)


def test_the_wheelhouse_has_checksums(index, small_server, make_project, lock):
    """`SHA256SUMS` names every wheel in the format that sha256sum checks."""
    index.add("alpha", "1.0")
    project = make_project({**TABLE, "wheelhouse": True, "dependencies": ["alpha"]})

    lock(project)

    folder = project.root / "locks/wheels"
    assert (folder / "SHA256SUMS").read_text() == "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("alpha-1.0-py3-none-any.whl", "front-3.0-py3-none-any.whl")
    )


def test_a_wheel_that_no_wheel_needs(index, small_server, make_project, lock):
    """With a wheelhouse the wheels say what needs what: a made-up reason in the lock does not count."""
    index.add("alpha", "1.0")
    digest = index.add("evil", "6.6")
    project = make_project({**TABLE, "wheelhouse": True, "dependencies": ["alpha"]})
    text = lock(project)
    inputs = inspect_requirements(project)
    (inputs.lock_path.parent / "wheels/evil-6.6-py3-none-any.whl").write_bytes(index.files["evil-6.6-py3-none-any.whl"])
    body = f"{split_header(text)[1]}evil==6.6 \\\n    --hash=sha256:{digest}\n    # via alpha\n"
    inputs.lock_path.write_text(with_header(body, inputs.requirements, inputs.config.target))

    state = check_project_lock(inspect_requirements(project))

    assert (check_project_lock(inputs).status, state.status, state.reasons) == (
        "fresh",
        "stale",
        ("no wheel needs evil 6.6 (line 6)",),
    )


def test_only_missing_wheels_are_fetched(index, small_server, make_project, lock):
    """Locking again fetches only the wheels that are missing, and reports how many."""
    index.add("alpha", "1.0")
    index.add("beta", "1.0")
    project = make_project({**TABLE, "wheelhouse": True, "dependencies": ["alpha", "beta"]})
    lock(project)
    (project.root / "locks/wheels/beta-1.0-py3-none-any.whl").unlink()
    said: list[str] = []

    lock(project, said.append)
    lock(project, said.append)

    assert [line for line in said if line.startswith("Fetched")] == ["Fetched 1 of 1 wheels, 0.0 MB."]
    assert check_project_lock(inspect_requirements(project)).status == "fresh"


def test_wheels_of_an_earlier_lock_go_and_others_stay(index, small_server, make_project, lock):
    """Locking removes its own wheels that it no longer needs, and keeps and names a file of the user's."""
    index.add("alpha", "1.0")
    project = make_project({**TABLE, "wheelhouse": True, "dependencies": ["alpha"]})
    lock(project)
    folder = project.root / "locks/wheels"
    shutil.copy(folder / "alpha-1.0-py3-none-any.whl", folder / "mine-1.0-py3-none-any.whl")
    said: list[str] = []
    bare = make_again(project, {"wheelhouse": False})

    lock(bare, said.append)

    assert listed(folder) == ["mine-1.0-py3-none-any.whl"]
    assert "mine-1.0-py3-none-any.whl in wheels/ is not one that mlpackage put there: it stays, unused." in said
    (folder / "mine-1.0-py3-none-any.whl").unlink()
    lock(project)
    lock(bare)
    assert not folder.exists()


def make_again(project: Any, table: dict[str, Any]) -> Any:
    return type(project)(
        root=project.root, name=project.name, version=project.version, table={**project.table, **table}
    )


def test_a_lost_wheel_stops_the_context(index, small_server, make_project, tmp_path, lock):
    """A missing or changed wheel stops the context with an error that names it."""
    index.add("alpha", "1.0")
    project = make_project({**TABLE, "wheelhouse": True, "dependencies": ["alpha"]})
    lock(project)
    folder = project.root / "locks/wheels"
    (folder / "alpha-1.0-py3-none-any.whl").write_bytes(b"other")
    (folder / "front-3.0-py3-none-any.whl").unlink()

    with pytest.raises(LockError) as refused:
        build_context(project, tmp_path / "context")

    assert str(refused.value) == (
        "locks/requirements.txt is stale:\n"
        "  wheels/ has no wheel of alpha 1.0 for the image\n"
        "  wheels/ has no wheel of front 3.0 for the image\n"
        "Run `mlpackage lock` and commit the result."
    )
    lock(project)
    assert check_project_lock(inspect_requirements(project)).status == "fresh"


def test_an_index_that_fails_changes_nothing(index, small_server, make_project, lock):
    """A failure while wheels are fetched leaves the earlier lock and its wheels whole."""
    index.add("alpha", "1.0")
    project = make_project({**TABLE, "wheelhouse": True, "dependencies": ["alpha"]})
    before = lock(project)
    index.add("beta", "1.0")
    content, index.files["beta-1.0-py3-none-any.whl"] = index.files["beta-1.0-py3-none-any.whl"], b"swapped"
    more = make_again(project, {"dependencies": ["alpha", "beta"]})

    with pytest.raises((LockError, UnavailableError)):
        lock(more)

    assert (project.root / "locks/requirements.txt").read_text() == before
    assert check_project_lock(inspect_requirements(project)).status == "fresh"
    index.files["beta-1.0-py3-none-any.whl"] = content
    lock(more)
    assert check_project_lock(inspect_requirements(more)).status == "fresh"


def test_vendored_wheels_only(index, make_project, make_source, tmp_path, lock):
    """Without a wheelhouse, only wheels that no index has go along, and a stage of their own installs them."""
    index.add("alpha", "1.0")
    project = make_project({**TABLE, "dependencies": ["./lib"]})
    make_source(project.root / "lib", "lib", "0.5", "alpha")

    lock(project)
    manifest = build_context(project, tmp_path / "context")

    assert [file.path for file in manifest.files if file.path.endswith(".whl")] == [
        "environment/wheels/lib-0.5-py3-none-any.whl"
    ]
    dockerfile = (tmp_path / "context/Dockerfile").read_text()
    assert "FROM mlpackage-base AS mlpackage-packages\n" in dockerfile
    assert "--no-index" not in dockerfile


def test_the_models_are_no_part_of_the_projects_wheel(index, make_project, make_source, lock):
    """Retraining a model leaves the lock of `.` fresh, and editing a module makes it stale."""
    project = make_project({**TABLE, "dependencies": ["."]})
    source = make_source(project.root / "other", "lib", "0.5")
    for path in source.iterdir():
        path.rename(project.root / path.name)
    lock(project)

    (project.root / "models/ridge.pkl").write_bytes(b"retrained")
    after_training = check_project_lock(inspect_requirements(project)).status
    (project.root / "module.py").write_text("edited = True\n")
    after_edit = check_project_lock(inspect_requirements(project)).status

    assert (after_training, after_edit) == ("fresh", "stale")
    assert wheels_directory(inspect_requirements(project)) == project.root / "locks/wheels"


def test_a_pylock_is_the_input_of_the_lock(index, make_project, tmp_path, lock):
    """With `pylock` set, the lock is selected from that file, and a change of its text makes the lock stale."""
    digest = index.add("alpha", "1.0")
    url = f"http://{index.address}/files/alpha-1.0-py3-none-any.whl"
    text = (
        'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "alpha"\nversion = "1.0"\n'
        f'wheels = [{{ url = "{url}", hashes = {{ sha256 = "{digest}" }} }}]\n'
    )
    project = make_project({**TABLE, "dependencies": ["alpha"], "pylock": "pylock.toml"})
    (project.root / "pylock.toml").write_text(text)

    locked = lock(project)
    unix = check_project_lock(inspect_requirements(project)).status
    (project.root / "pylock.toml").write_bytes(text.replace("\n", "\r\n").encode())
    windows = check_project_lock(inspect_requirements(project)).status
    (project.root / "pylock.toml").write_text(f"# edited\n{text}")

    assert f"alpha==1.0 \\\n    --hash=sha256:{digest}\n" in locked
    assert (unix, windows) == ("fresh", "fresh")
    with pytest.raises(LockError, match=r"pylock\.toml has changed since the lock was selected from it"):
        build_context(project, tmp_path / "context")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("pylock.toml", "'pylock.toml' does not exist in "),
        ("lock.toml", "'lock.toml' is not a name for such a file. Call it pylock.toml or pylock.<name>.toml, or name"),
    ],
)
def test_a_pylock_that_cannot_be_used(make_project, value, problem):
    """A missing file, or one whose name the standard does not allow, is a problem of the key."""
    project = make_project({**TABLE, "pylock": value})
    (project.root / "lock.toml").touch()

    with pytest.raises(ConfigurationError) as refused:
        inspect_requirements(project)

    assert [str(it).startswith(f"tool.mlpackage.pylock: {problem}") for it in refused.value.problems] == [True]


def test_another_image_names_what_has_no_wheel_for_it(index, make_project, lock):
    """Checking a lock for another platform names, offline, each package without a wheel for the image."""
    nodot = HERE.replace(".", "")
    for machine in ("x86_64", "aarch64"):
        index.add("alpha", "1.0", tag=f"cp{nodot}-cp{nodot}-manylinux_2_17_{machine}")
    index.add("beta", "2.0", tag=f"cp{nodot}-abi3-manylinux_2_17_x86_64")
    index.add("gamma", "1.0")
    project = make_project({**TABLE, "dependencies": ["alpha", "beta", "gamma"]})
    lock(project)
    index.status = 500

    state = check_project_lock(inspect_requirements(make_again(project, {"platform": "linux/arm64"})))

    assert state.status == "other-target"
    assert state.reasons == (
        "it is for linux/amd64, the image is for linux/arm64",
        f"beta 2.0 has no wheel for that, but cp{nodot}-abi3-manylinux_2_17_x86_64",
    )


def test_vendored_wheels_are_described_too(index, make_project, make_source, lock):
    """The record of packages names the wheel of a vendored package and those of its dependencies."""
    index.add("alpha", "1.0")
    project = make_project({**TABLE, "dependencies": ["./lib"]})
    make_source(project.root / "lib", "lib", "0.5", "alpha")

    lock(project)

    kept = json.loads((project.root / "locks/packages.json").read_text())
    assert {name: entry["wheel"] for name, entry in kept.items()} == {
        "alpha==1.0": "alpha-1.0-py3-none-any.whl",
        "lib==0.5": "lib-0.5-py3-none-any.whl",
    }
