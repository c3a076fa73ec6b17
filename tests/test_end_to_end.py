"""The generator as its users run it: through the front ends, on whole projects, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hatch_mlpackage.context.manifest import verify_context

HATCHLING = [sys.executable, "-m", "hatchling", "build"]
TARGET = [*HATCHLING, "-t", "mlpackage"]
HOOK = "\n[tool.hatch.build.targets.wheel.hooks.mlpackage]\n"
CONTEXT = "minimal-model-1.0-context"
WHEEL = "minimal_model-1.0-py3-none-any.whl"


def run(command, cwd, **options):
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, **options)
    assert "Traceback" not in result.stderr + result.stdout
    return result


def succeed(command, cwd, **options):
    result = run(command, cwd, **options)
    assert result.returncode == 0, result.stderr + result.stdout
    return result


def everything(directory):
    """Return every entry of a context: path → (type and mode, mtime, contents)."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        contents = path.read_bytes() if path.is_file() else None
        found[path.relative_to(directory).as_posix()] = (oct(status.st_mode), status.st_mtime_ns, contents)
    return found


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """Build the context of the two-model project once, to compare others with."""
    root = tmp_path_factory.mktemp("reference") / "project"
    shutil.copytree(Path(__file__).parent / "projects/two-models", root)
    succeed(TARGET, root)
    return root / "dist/two-models-2.0rc1-context"


def rewrite_in_reverse_order(root):
    """Make every file anew, in reverse order, at another time, readable by nobody else."""
    for path in sorted((path for path in root.rglob("*") if path.is_file()), reverse=True):
        contents, mode = path.read_bytes(), path.stat().st_mode
        path.unlink()
        path.write_bytes(contents)
        path.chmod(stat.S_IMODE(mode) & 0o700)
        os.utime(path, (1_700_000_000, 1_700_000_000))


# Debian's faketime, for a clock that is years ahead: Python asks libc for the time, which it answers in its place.
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
    """Return what the command is run by; skip where that is not installed, which CI has to have."""
    prefix = perturbation.get("prefix", [])
    if prefix and shutil.which(prefix[0]) is None and os.environ.get("CI") != "true":
        pytest.skip(f"{prefix[0]} is not installed")
    return prefix


def test_the_other_day_is_one():
    """The clock that tests of another day have is seen by Python, and not by them alone."""
    told = [*prefix_of({"prefix": ANOTHER_DAY}), sys.executable, "-c", "import time; print(time.gmtime()[:3])"]

    assert subprocess.run(told, capture_output=True, text=True, check=True).stdout == "(2033, 3, 3)\n"
    assert time.gmtime()[:3] != (2033, 3, 3)


@pytest.mark.parametrize("perturbation", PERTURBATIONS.values(), ids=PERTURBATIONS.keys())
def test_the_same_inputs_give_the_same_bytes(copy_project, reference, perturbation):
    """Folder, umask, order, times, time zone, locale, hash seed, day and user leave no trace in a context."""
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
def reference_tar(tmp_path_factory):
    """Write the two-model project's context as a tar once, to compare others with."""
    root = tmp_path_factory.mktemp("reference-tar") / "project"
    shutil.copytree(Path(__file__).parent / "projects/two-models", root)
    succeed([*TAR, "context.tar"], root)
    return root / "context.tar"


@pytest.mark.parametrize("perturbation", PERTURBATIONS.values(), ids=PERTURBATIONS.keys())
def test_the_same_inputs_give_the_same_tar(copy_project, reference_tar, perturbation):
    """Nor do they leave one in a tar, be it a file or the standard output."""
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


def test_an_unpacked_tar_is_the_context(reference, reference_tar, tmp_path):
    """A tar holds what the folder holds: every entry, with its bytes, its mode and its time."""
    subprocess.run(["tar", "--extract", "--same-permissions", "--file", reference_tar], cwd=tmp_path, check=True)

    assert everything(tmp_path) == everything(reference)
    assert verify_context(tmp_path) == ()


def test_a_tar_of_a_big_model_takes_little_memory(copy_project):
    """A model of a gigabyte is written to the tar in less than 100 MB of memory."""
    root = copy_project("minimal")
    os.truncate(root / "models/greeting.txt", 1 << 30)
    command = [*TAR, "/dev/null"]

    measured = (
        f"import resource, subprocess; subprocess.run({command!r}, check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    result = succeed([sys.executable, "-c", measured], root)

    assert int(result.stdout) * 1024 < 100_000_000


def test_an_output_elsewhere_is_the_same(copy_project, reference, tmp_path):
    """`-d` changes where the context goes, and nothing in it."""
    succeed([*TARGET, "-d", str(tmp_path / "out")], copy_project("two-models"))

    assert everything(tmp_path / "out/two-models-2.0rc1-context") == everything(reference)


def test_the_command_line_writes_the_same(copy_project, reference):
    """`mlpackage generate` and `hatch build -t mlpackage` are one thing."""
    root = copy_project("two-models")

    succeed([sys.executable, "-m", "hatch_mlpackage", "generate"], root)

    assert everything(root / "dist/two-models-2.0rc1-context") == everything(reference)


def test_building_again_replaces_the_context(copy_project):
    """A second build replaces the first as a whole; a hand-made change is not thrown away."""
    root = copy_project("minimal")
    succeed(TARGET, root)
    (root / "models/greeting.txt").write_text("Good day\n")
    succeed(TARGET, root)
    context = root / "dist" / CONTEXT
    assert (context / "azureml-models/greeting/1/greeting.txt").read_text() == "Good day\n"
    (context / "Dockerfile").write_text("FROM scratch\n")

    result = run(TARGET, root)

    assert result.returncode == 1
    assert result.stderr.strip().endswith(
        "holds changes made by hand (Dockerfile: 13 bytes, expected "
        f"{len((Path(__file__).parent / 'golden/minimal/Dockerfile').read_bytes())}). "
        "Move it away, or choose another output."
    )
    assert (context / "Dockerfile").read_text() == "FROM scratch\n"


def test_clean_removes_only_contexts(copy_project):
    """`--clean` takes away what we made, and leaves what others put beside it."""
    root = copy_project("minimal")
    succeed(TARGET, root)
    foreign = root / "dist/minimal-model-0-context"
    foreign.mkdir()
    (foreign / "manifest.json").write_text("{}")

    succeed([*TARGET, "--clean-only"], root)

    assert [path.name for path in (root / "dist").iterdir()] == [foreign.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="cutting the network needs root")
def test_without_a_network(copy_project, reference):
    """Generating opens no socket: it works in a namespace without even a loopback."""
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
def test_what_needs_no_network(copy_project, tmp_path, verb):
    """Only locking and building an image go outside: every other step on the way works without even a loopback."""
    root = copy_project("minimal")
    context = tmp_path / "context"
    program = [sys.executable, "-m", "hatch_mlpackage"]
    succeed([*program, "generate", "--output", str(context)], root)

    succeed(["unshare", "-n", *program, *verb.format(context=context).split()], root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: (root / "locks/requirements.txt").unlink(), "locks/requirements.txt is missing."),
        (
            lambda root: replace(root / "pyproject.toml", "entry-script", "entry-scrip"),
            "tool.mlpackage.entry-scrip: unknown key. Did you mean 'entry-script'?",
        ),
        (
            lambda root: (root / "models/greeting.txt").unlink(),
            "tool.mlpackage.models[0].path: 'models/greeting.txt' does not exist in ",
        ),
        (lambda root: (root / "score.py").unlink(), "tool.mlpackage.entry-script: 'score.py' does not exist in "),
        (lambda root: (root / "score.py").write_text("x = 1\n"), "score.py:1: no init() is defined."),
        (lambda root: (root / "score.py").write_text("\ndef init(:\n"), "score.py:2: syntax error: "),
        (
            lambda root: replace(root / "pyproject.toml", "[tool.mlpackage]", '[tool.mlpackage]\nbase-image = "a b"'),
            "tool.mlpackage.base-image: 'a b' is not an image reference.",
        ),
        (
            lambda root: replace(
                root / "pyproject.toml", "targets.mlpackage]", 'targets.mlpackage]\nentry-script = "x"'
            ),
            (
                "tool.hatch.build.targets.mlpackage.entry-script: is not one of Hatch's keys. "
                "Declare what goes into the context in [tool.mlpackage]."
            ),
        ),
        (
            lambda root: (root / "dist" / CONTEXT / "photos").mkdir(parents=True),
            f"{CONTEXT}: not empty and not a context that mlpackage wrote. Move it away, or choose another output.",
        ),
    ],
)
def test_bad_input(copy_project, change, message):
    """What is wrong is said in one line that names the place and the next step; nothing is written."""
    root = copy_project("minimal")
    change(root)
    before = everything(root)

    result = run(TARGET, root)

    assert result.returncode == 1
    assert message in result.stderr
    assert everything(root).keys() - {"dist"} == before.keys() - {"dist"}


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_unreadable_model(copy_project):
    """A file that the user may not read is reported, with what to do."""
    root = copy_project("minimal")
    (root / "models/greeting.txt").chmod(0)
    # Root reads everything unless it gives up the right to.
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []

    result = run([*powerless, *TARGET], root)

    assert result.returncode == 1
    assert result.stderr.strip() == (
        "Error[configuration]: 1 problem in the configuration or the files it names:\n"
        f"  {root / 'models/greeting.txt'}: cannot be read: permission denied. Give yourself read permission for it."
    )


class TestBuildHook:
    """The opt-in hook: the front ends that build wheels write the context beside them."""

    @pytest.fixture
    def hooked(self, copy_project):
        root = copy_project("minimal")
        with (root / "pyproject.toml").open("a") as pyproject:
            pyproject.write(HOOK)
        return root

    @pytest.mark.parametrize(
        "command",
        [
            [*HATCHLING, "-t", "wheel"],
            [sys.executable, "-m", "build", "--wheel", "--no-isolation"],
            [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--offline"],
        ],
        ids=["hatchling", "build", "uv"],
    )
    def test_a_wheel_brings_its_context(self, hooked, command):
        """Each front end leaves the wheel and the proven context side by side."""
        succeed(command, hooked, env={**os.environ, "VIRTUAL_ENV": sys.prefix})

        made = {path.name for path in (hooked / "dist").iterdir()} - {".gitignore"}
        assert made == {CONTEXT, WHEEL}
        assert verify_context(hooked / "dist" / CONTEXT) == ()

    def test_the_wheel_is_what_it_would_be(self, hooked, copy_project):
        """The hook adds nothing to the wheel."""
        plain = copy_project("minimal", "plain")
        for root in (hooked, plain):
            succeed([*HATCHLING, "-t", "wheel"], root)

        assert (hooked / "dist" / WHEEL).read_bytes() == (plain / "dist" / WHEEL).read_bytes()

    def test_by_way_of_the_sdist(self, hooked):
        """From an sdist that lacks the ignored model, the error says why and what to do; no wheel is left."""
        (hooked / ".gitignore").write_text("models/\n")

        result = run([sys.executable, "-m", "build", "--no-isolation"], hooked)

        assert result.returncode == 1
        assert "This is an unpacked source distribution, which holds no ignored files" in result.stderr + result.stdout
        assert [path.name for path in (hooked / "dist").iterdir()] == ["minimal_model-1.0.tar.gz"]

    def test_by_way_of_an_sdist_with_its_model(self, hooked):
        """When the sdist carries the model, `python -m build` makes all three."""
        (hooked / ".gitignore").unlink()

        succeed([sys.executable, "-m", "build", "--no-isolation"], hooked)

        assert sorted(path.name for path in (hooked / "dist").iterdir()) == [
            CONTEXT,
            WHEEL,
            "minimal_model-1.0.tar.gz",
        ]

    def test_a_mistake_costs_no_wheel(self, hooked):
        """What is wrong is found before the wheel is made."""
        (hooked / "locks/requirements.txt").unlink()

        result = run([*HATCHLING, "-t", "wheel"], hooked)

        assert result.returncode == 1
        assert (
            "Error[lock]: The lock cannot be used:\n"
            "  locks/requirements.txt is missing.\n  Run `mlpackage lock` and commit the result."
        ) in result.stderr
        assert not list((hooked / "dist").glob("*.whl"))

    def test_an_editable_install_writes_none(self, hooked):
        """Editable builds are for the developer's machine: no context, whatever the state of the lock."""
        (hooked / "locks/requirements.txt").unlink()

        succeed([*HATCHLING, "-t", "wheel:editable"], hooked)

        assert not (hooked / "dist" / CONTEXT).exists()

    def test_keys_in_the_hooks_table(self, hooked):
        """Our keys in Hatch's table are refused with the place where they belong."""
        with (hooked / "pyproject.toml").open("a") as pyproject:
            pyproject.write("enable-by-default = true\nmodels = []\n")

        result = run([*HATCHLING, "-t", "wheel"], hooked)

        assert result.returncode == 1
        assert (
            "tool.hatch.build.targets.wheel.hooks.mlpackage.models: is not one of Hatch's keys. "
            "Declare what goes into the context in [tool.mlpackage]." in result.stderr
        )


def test_dynamic_metadata(copy_project):
    """A version that hatchling computes gives the same context by either way."""
    root = copy_project("minimal")
    replace(root / "pyproject.toml", 'version = "1.0"', 'dynamic = ["version"]')
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write('\n[tool.hatch.version]\npath = "about.py"\n')
    (root / "about.py").write_text('__version__ = "1.0"\n')
    succeed(TARGET, root)
    built = everything(root / "dist" / CONTEXT)

    succeed([sys.executable, "-m", "hatch_mlpackage", "generate", "--output", "again"], root)

    assert everything(root / "again") == built


def test_json_manifest_is_stable_text(copy_project):
    """The manifest is readable JSON in one spelling, ending in a line feed."""
    root = copy_project("minimal")
    succeed(TARGET, root)

    text = (root / "dist" / CONTEXT / "manifest.json").read_text()

    assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n" == text


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "made"),
    [
        (["-m", "hatch", "build", "-t", "mlpackage"], {CONTEXT}),
        (["-m", "hatch", "build"], {CONTEXT, WHEEL, "minimal_model-1.0.tar.gz"}),
        (["-m", "build"], {CONTEXT, WHEEL, "minimal_model-1.0.tar.gz"}),
        (["-m", "uv", "build", "--no-config"], {CONTEXT, WHEEL, "minimal_model-1.0.tar.gz"}),
    ],
    ids=["hatch-target", "hatch", "build", "uv"],
)
def test_front_ends_in_isolation(copy_project, our_wheel, tmp_path, command, made):
    """Each front end installs the plugin into an environment of its own, and the context appears beside the wheel."""
    root = copy_project("minimal")
    replace(root / "pyproject.toml", '"hatch-mlpackage"]', f'"hatch-mlpackage @ {our_wheel.as_uri()}"]')
    (root / ".gitignore").unlink()
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write(HOOK)

    succeed([sys.executable, *command], root, env={**os.environ, "HATCH_DATA_DIR": str(tmp_path / "hatch")})

    assert {path.name for path in (root / "dist").iterdir()} - {".gitignore"} == made
    assert verify_context(root / "dist" / CONTEXT) == ()
