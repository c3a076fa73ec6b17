"""Check that the same inputs give the same bytes, without a trace of the machine and without a network."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hatch_mlpackage.context.verify import verify_context

TARGET = [sys.executable, "-m", "hatchling", "build", "-t", "mlpackage"]
PROJECTS = Path(__file__).parents[1] / "projects"


@pytest.fixture(scope="session")
def reference(tmp_path_factory, succeed):
    """Build the context of the two-model project once, as the reference of the comparisons."""
    root = tmp_path_factory.mktemp("reference") / "project"
    shutil.copytree(PROJECTS / "two-models", root)
    succeed(TARGET, root)
    return root / "dist/two-models-2.0rc1-context"


def rewrite_in_reverse_order(root):
    """Write every file again in reverse order, with another time, readable by its owner only."""
    for path in sorted((path for path in root.rglob("*") if path.is_file()), reverse=True):
        contents, mode = path.read_bytes(), path.stat().st_mode
        path.unlink()
        path.write_bytes(contents)
        path.chmod(stat.S_IMODE(mode) & 0o700)
        os.utime(path, (1_700_000_000, 1_700_000_000))


# Debian's faketime sets the clock years ahead: it replaces libc's functions, which Python asks for the time.
ANOTHER_DAY = ["faketime", "2033-03-03 03:03:03"]

PERTURBATIONS = {
    "folder": {"folder": "some where else/tr\u00e8s loin"},
    "private-umask": {"umask": 0o077},
    "group-umask": {"umask": 0o002},
    "files": {"files": rewrite_in_reverse_order},
    "time-zone": {"environment": {"TZ": "Pacific/Kiritimati"}},
    "ascii-locale": {"environment": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}},
    "turkish-locale": {"environment": {"LANG": "tr_TR.UTF-8", "LC_ALL": "C.UTF-8"}},
    "hash-seed": {"environment": {"PYTHONHASHSEED": "1234"}},
    "build-time": {"environment": {"SOURCE_DATE_EPOCH": "1"}},
    "user-id": {"prefix": ["unshare", "-U"]},
    "day": {"prefix": ANOTHER_DAY},
    "user": {"environment": {"HOME": "/nonexistent", "USER": "nobody"}},
}


def prefix_of(perturbation):
    """Return the program that runs the command; without it skip the test, except on CI, which must have it."""
    prefix = perturbation.get("prefix", [])
    if prefix and shutil.which(prefix[0]) is None and os.environ.get("CI") != "true":
        pytest.skip(f"{prefix[0]} is not installed")
    return prefix


def test_the_other_day_is_one():
    """Under faketime Python reads the other day's clock, and without it today's."""
    told = [*prefix_of({"prefix": ANOTHER_DAY}), sys.executable, "-c", "import time; print(time.gmtime()[:3])"]

    assert subprocess.run(told, capture_output=True, text=True, check=True).stdout == "(2033, 3, 3)\n"
    assert time.gmtime()[:3] != (2033, 3, 3)


@pytest.mark.parametrize("perturbation", PERTURBATIONS.values(), ids=PERTURBATIONS.keys())
def test_the_same_inputs_give_the_same_bytes(copy_project, reference, perturbation, succeed, everything):
    """The context does not depend on folder, umask, order, times, time zone, locale, hash seed, day and user."""
    root = copy_project("two-models", perturbation.get("folder", "project"))
    perturbation.get("files", lambda root: None)(root)

    succeed(
        [*prefix_of(perturbation), *TARGET],
        root,
        env={**os.environ, **perturbation.get("environment", {})},
        umask=perturbation.get("umask", 0o022),
    )

    assert everything(root / "dist/two-models-2.0rc1-context") == everything(reference)


TAR = [sys.executable, "-m", "hatch_mlpackage", "generate", "--quiet", "--tar"]


@pytest.fixture(scope="session")
def reference_tar(tmp_path_factory, succeed):
    """Write the two-model project's context as a tar once, as the reference of the comparisons."""
    root = tmp_path_factory.mktemp("reference-tar") / "project"
    shutil.copytree(PROJECTS / "two-models", root)
    succeed([*TAR, "context.tar"], root)
    return root / "context.tar"


@pytest.mark.parametrize("perturbation", PERTURBATIONS.values(), ids=PERTURBATIONS.keys())
def test_the_same_inputs_give_the_same_tar(copy_project, reference_tar, perturbation):
    """A tar on stdout has the same bytes as one in a file, whatever the surroundings."""
    root = copy_project("two-models", perturbation.get("folder", "project"))
    perturbation.get("files", lambda root: None)(root)

    made = subprocess.run(
        [*prefix_of(perturbation), *TAR, "-"],
        cwd=root,
        capture_output=True,
        check=False,
        env={**os.environ, **perturbation.get("environment", {})},
        umask=perturbation.get("umask", 0o022),
    )

    assert (made.returncode, made.stderr) == (0, b"")
    assert made.stdout == reference_tar.read_bytes()


def test_an_unpacked_tar_is_the_context(reference, reference_tar, tmp_path, everything):
    """A tar holds every entry of the folder, with its bytes, its mode and its time."""
    subprocess.run(["tar", "--extract", "--same-permissions", "--file", reference_tar], cwd=tmp_path, check=True)

    assert everything(tmp_path) == everything(reference)
    assert verify_context(tmp_path) == ()


def test_a_tar_of_a_big_model_takes_little_memory(copy_project, succeed):
    """Writing a model of 256 MiB to the tar takes less than 100 MB of memory."""
    root = copy_project("minimal")
    os.truncate(root / "models/greeting.txt", 1 << 28)
    command = [*TAR, "/dev/null"]

    measured = (
        f"import resource, subprocess; subprocess.run({command!r}, check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    result = succeed([sys.executable, "-c", measured], root)

    assert int(result.stdout) * 1024 < 100_000_000


def test_an_output_elsewhere_is_the_same(copy_project, reference, tmp_path, succeed, everything):
    """`-d` changes the place of the context, but not its contents."""
    succeed([*TARGET, "-d", str(tmp_path / "out")], copy_project("two-models"))

    assert everything(tmp_path / "out/two-models-2.0rc1-context") == everything(reference)


def test_the_command_line_writes_the_same(copy_project, reference, succeed, everything):
    """`mlpackage generate` writes the context that `hatch build -t mlpackage` writes."""
    root = copy_project("two-models")

    succeed([sys.executable, "-m", "hatch_mlpackage", "generate"], root)

    assert everything(root / "dist/two-models-2.0rc1-context") == everything(reference)


@pytest.mark.skipif(os.geteuid() != 0, reason="cutting the network needs root")
def test_without_a_network(copy_project, reference, succeed, everything):
    """`generate` opens no socket: it works in a namespace without even a loopback."""
    root = copy_project("two-models")

    succeed(["unshare", "-n", *TARGET], root)

    assert everything(root / "dist/two-models-2.0rc1-context") == everything(reference)


@pytest.mark.skipif(os.geteuid() != 0, reason="cutting the network needs root")
@pytest.mark.parametrize(
    "verb",
    [
        "check --strict",
        "lock --check --strict",
        "plan",
        "generate",
        "generate --tar context.tar",
        "verify {context}",
        "diff {context} {context}",
    ],
)
def test_what_needs_no_network(copy_project, tmp_path, verb, succeed):
    """Checking, planning, generating, verifying and comparing work without even a loopback."""
    root = copy_project("minimal")
    context = tmp_path / "context"
    program = [sys.executable, "-m", "hatch_mlpackage"]
    succeed([*program, "generate", "--output", str(context)], root)

    succeed(["unshare", "-n", *program, *verb.format(context=context).split()], root)
