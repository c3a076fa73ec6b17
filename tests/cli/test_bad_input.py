"""Bad input through the real program: its exit status, all that it says, and that everything is as it was.

What registries answer is in test_lock.py, which runs a real one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import pytest

from ..lock.conftest import start_index  # noqa: TID252 - tests are no package

PROGRAM = (sys.executable, "-P", "-m", "hatch_mlpackage")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
CONTEXT = "dist/minimal-model-1.0-context"
MODEL = "models/greeting.txt"
SHA = "a" * 64

PACKAGES_JSON = json.dumps({"idna==3.20": {"license": "BSD-3-Clause", "tags": []}}, indent=2) + "\n"
MODELS_TOML = f"""\
[[models]]
name = "remote"
version = "1"
url = "https://store.example/model.onnx"
sha256 = "{SHA}"
size = 3
"""
PYLOCK_TOML = f"""\
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "idna"
version = "3.20"
wheels = [{{ url = "https://files.example/idna-3.20-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]
"""


def everything(top):
    """Return the mode of all below a folder, the bytes of the files, and where links lead."""
    return {
        str(path.relative_to(top)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None,
        )
        for path in top.rglob("*")
    }


def run(*arguments, cwd, **environment):
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def cut(text):
    return text[: len(text) * 3 // 4]


def in_conflict(text):
    """Leave the text as a merge that was not finished."""
    lines = text.splitlines(keepends=True)
    return "".join((*lines[:3], "<<<<<<< HEAD\n", *lines[3:], "=======\n", ">>>>>>> main\n"))


def edited(before, after):
    def edit(text):
        assert before in text
        return text.replace(before, after)

    return edit


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What was done to which file of which project, and what the program says then."""

    file: str
    done: object
    said: str
    project: str = "minimal"
    verb: str = "generate"


LOCK_TITLE = "Error[lock]: The lock cannot be used"
ONE_PROBLEM = "Error[configuration]: 1 problem in the configuration or the files it names"
RENEW = "Run `mlpackage lock` and commit the result."
RESTORE = "Restore it from version control, or remove it and run `mlpackage lock`."
ANEW = "Write it anew with the tool that made it."
UNFINISHED = "line 4 is a merge-conflict marker"


def of_a_lock(file, reason):
    return f"{LOCK_TITLE}:\n  {file} is damaged:\n    {reason}\n  {RENEW}"


def of_models(reason):
    return f"{ONE_PROBLEM}:\n  locks/models.toml: models.toml is damaged: {reason}. {RESTORE}"


EDITED = "it was edited by hand, or cut short, after it was written"
PIP, CONDA = "locks/requirements.txt", "locks/conda-linux-64.lock"
BASE, PACKAGES, MODELS = "locks/base-image.toml", "locks/packages.json", "locks/models.toml"
DAMAGES = {
    "lock, cut": Damage(
        file=PIP,
        done=lambda text: text[:-5],
        said=of_a_lock(PIP, "it ends in the middle of an entry: it was cut short"),
    ),
    "lock, merged": Damage(file=PIP, done=in_conflict, said=of_a_lock(PIP, UNFINISHED)),
    "lock, edited": Damage(file=PIP, done=edited("idna==3.20", "idna==3.19"), said=of_a_lock(PIP, EDITED)),
    "lock, another hash": Damage(file=PIP, done=edited("sha256:a7db", "sha256:b7db"), said=of_a_lock(PIP, EDITED)),
    "lock, checked": Damage(
        file=PIP,
        done=in_conflict,
        said=f"{ONE_PROBLEM}:\n  {PIP}: is damaged: {UNFINISHED}. {RENEW} [lock]",
        verb="check",
    ),
    "conda lock, cut": Damage(
        file=CONDA,
        done=lambda text: text[: text.index("/numpy-1.26.4") + 8],
        said=of_a_lock(
            CONDA,
            "line 14 is not a locked conda package: `https://channel.example/conda-forge/linux-64/numpy-1`",
        ),
        project="conda",
    ),
    "conda lock, merged": Damage(file=CONDA, done=in_conflict, said=of_a_lock(CONDA, UNFINISHED), project="conda"),
    "conda lock, edited": Damage(
        file=CONDA, done=edited("python-3.12.4", "python-3.12.5"), said=of_a_lock(CONDA, EDITED), project="conda"
    ),
    "base image, cut": Damage(
        file=BASE,
        done=cut,
        said=f"{LOCK_TITLE}:\n  base-image.toml is damaged: "
        f"Expected '=' after a key in a key/value pair (at end of document).\n  {RESTORE}",
    ),
    "base image, merged": Damage(
        file=BASE, done=in_conflict, said=f"{LOCK_TITLE}:\n  base-image.toml is damaged: {UNFINISHED}.\n  {RESTORE}"
    ),
    "packages, cut": Damage(
        file=PACKAGES,
        done=lambda text: text[:10],
        said=f"{LOCK_TITLE}:\n  packages.json is damaged: "
        f"Unterminated string starting at: line 2 column 3 (char 4).\n  {RENEW}",
    ),
    "packages, merged": Damage(
        file=PACKAGES, done=in_conflict, said=f"{LOCK_TITLE}:\n  packages.json is damaged: {UNFINISHED}.\n  {RENEW}"
    ),
    "packages, empty": Damage(
        file=PACKAGES,
        done=lambda _: "",
        said=f"{LOCK_TITLE}:\n  packages.json is damaged: Expecting value: line 1 column 1 (char 0).\n  {RENEW}",
        verb="check",
    ),
    "models, cut": Damage(
        file=MODELS,
        done=cut,
        said=of_models("Unterminated string (at end of document)"),
        project="remote",
    ),
    "models, merged": Damage(file=MODELS, done=in_conflict, said=of_models(UNFINISHED), project="remote"),
    "models, edited": Damage(
        file=MODELS,
        done=edited(SHA, "../../.ssh"),
        said=of_models("the sha256 of remote is none"),
        project="remote",
    ),
    "models, locked": Damage(
        file=MODELS,
        done=edited("size = 3", 'size = "3"'),
        said=f"{LOCK_TITLE}:\n  models.toml is damaged: the size of remote is no number of bytes. {RESTORE}",
        project="remote",
        verb="lock",
    ),
    "pylock, cut": Damage(
        file="pylock.toml",
        done=lambda text: text[:-90],
        said=f"{LOCK_TITLE}:\n  pylock.toml is no pylock file: "
        f"Expected '=' after a key in a key/value pair (at end of document). {ANEW}",
        project="pylock",
        verb="lock",
    ),
    "pylock, merged": Damage(
        file="pylock.toml",
        done=in_conflict,
        said=f"{LOCK_TITLE}:\n  pylock.toml is no pylock file: {UNFINISHED}. {ANEW}",
        project="pylock",
        verb="lock",
    ),
}


def lay_out(copy_project, kind):
    """Give a project what `kind` adds to the smallest one: a model by URL, or a pylock.toml to select from."""
    if kind == "conda":
        return copy_project("conda")
    root = copy_project("minimal")
    toml = root / "pyproject.toml"
    (root / PACKAGES).write_text(PACKAGES_JSON)
    if kind == "remote":
        change(toml, 'name = "greeting"\npath = "models/greeting.txt"', 'name = "remote"\npath = "@"')
        change(toml, "@", "https://store.example/model.onnx")
        change(toml, '"idna>=3.7"', "")
        (root / MODELS).write_text(MODELS_TOML)
    if kind in {"pylock", "remote"}:
        change(toml, "[tool.mlpackage]", "[tool.mlpackage]\npin-base-image = false")
    if kind == "pylock":
        change(toml, "[tool.mlpackage]", '[tool.mlpackage]\npylock = "pylock.toml"')
        (root / "pylock.toml").write_text(PYLOCK_TOML)
    return root


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file(copy_project, damage):
    """Each file of ours says what was done to it, in which line, and how to mend it."""
    root = lay_out(copy_project, damage.project)
    file = root / damage.file
    file.write_text(damage.done(file.read_text()))
    before = everything(root)

    ended = run(damage.verb, cwd=root)

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"{damage.said}\n")
    assert everything(root) == before


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of an index, how it stands to that, and what the program says then, with which exit status.

    The resolver's own words, which hold `reason`, stand between the first lines and the last.
    """

    dependencies: tuple
    status: int
    first: str
    reason: str
    last: str
    index: dict = field(default_factory=dict)
    address: str = "http://{address}/simple"


CANNOT = f"{LOCK_TITLE}:\n  The requirements cannot be locked for CPython {HERE} on linux/amd64 (manylinux_2_36):\n"
OUTSIDE = "Error[unavailable]: Something outside is missing or failed:\n  The package index could not be asked:\n"


def cannot(dependencies, reason, last):
    return Asked(dependencies=dependencies, status=1, first=CANNOT, reason=reason, last=last)


def outside(last, **settings):
    return Asked(dependencies=("alpha",), status=4, first=OUTSIDE, reason="", last=last, **settings)


REFUSED = "The index refuses: give the resolver credentials for it in ~/.netrc, keyring or its own variables."
SHORT = 16  # lines
CHECK = "Check the network and the index's URL, and try again."
ASKED = {
    "no solution": cannot(
        ("alpha==1.0", "beta<2"),
        "beta",
        "Loosen one of these, or change the image's Python or platform, and run `mlpackage lock` again.",
    ),
    "no such package": cannot(
        ("nosuch",),
        "nosuch",
        "No index that was asked has it as a wheel: check the spelling, and that the index which has it is set, in "
        "the settings of uv or pip, or by --extra-index-url in a requirements file.",
    ),
    "no wheel": cannot(("gamma",), "gamma", ""),
    "another file": Asked(
        dependencies=(f"alpha @ http://{{address}}/files/alpha-1.0-py3-none-any.whl#sha256={SHA}",),
        status=1,
        first=f"{LOCK_TITLE}:\n  The file at the URL of alpha is not the one you named: sha256 {SHA} is asked for, ",
        reason="it has sha256:",
        last="Correct the URL or its `#sha256=`.",
    ),
    "index down": outside(CHECK, address="http://user:s3cret@127.0.0.1:1/simple"),
    "index broken": outside(CHECK, index={"status": 503}),
    "forbidden": outside(REFUSED, index={"status": 403}),
    "no login": outside(REFUSED, index={"password": "s3cret"}),
    "wrong login": outside(REFUSED, index={"password": "s3cret"}, address="http://user:guessed@{address}/simple"),
}


@contextlib.contextmanager
def serving(**settings):
    """Serve alpha, which needs beta 2 or newer, two versions of beta, and gamma as sources alone."""
    index, server = start_index()
    index.add("alpha", "1.0", "beta>=2")
    index.add("beta", "1.0")
    index.add("beta", "2.0")
    index.add_source("gamma", "1.0")
    for name, value in settings.items():
        setattr(index, name, value)
    yield index
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("locker", ["uv", "pip-tools"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
def test_what_an_index_answers(copy_project, tmp_path, asked, locker):
    """What cannot be resolved, and an index that does not answer, are told apart, with the resolver's own reason."""
    root = copy_project("minimal")
    with serving(**asked.index) as index:
        listed = ", ".join(f'"{text.format(address=index.address)}"' for text in asked.dependencies)
        change(root / "pyproject.toml", '"idna>=3.7"', listed)
        keys = f'pin-base-image = false\nlocker = "{locker}"\npython-version = "{HERE}"'
        change(root / "pyproject.toml", "[tool.mlpackage]", f"[tool.mlpackage]\n{keys}")
        before = everything(root)

        ended = run("lock", cwd=root, **machine(tmp_path, asked.address.format(address=index.address)))

    told = ended.stderr[ended.stderr.index("Error") :]
    assert (ended.returncode, ended.stdout) == (asked.status, "")
    assert told.startswith(asked.first)
    assert asked.reason in told[len(asked.first) :]
    assert told.endswith(f"{asked.last}\n")
    assert len(told.splitlines()) <= SHORT
    assert not [word for word in ("Traceback", "s3cret", "guessed", "requirements.in") if word in ended.stderr]
    assert everything(root) == before


def machine(home, index):
    """Give the environment of a machine that knows one index and keeps nothing of earlier runs."""
    unset = {name: "" for name in os.environ if name.startswith(("PIP_", "UV_"))}
    return {
        **unset,
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index,
        "PIP_RETRIES": "0",
        "UV_CACHE_DIR": str(home / "uv-cache"),
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
    }


class Writer:
    """Writes the same byte into a file over and over, as a training that is not finished does."""

    def __init__(self, path):
        self._path = path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self):
        with self._path.open("rb+", buffering=0) as file:
            while not self._stopped.wait(0.001):
                file.seek(0)
                file.write(b"\0")

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()


@pytest.mark.parametrize("options", [(), ("--tar", "context.tar")], ids=["folder", "tar"])
def test_a_model_that_changes_while_it_is_read(copy_project, options):
    """No context is made of a model that is being written; the one of before stays."""
    root = copy_project("minimal")
    assert run("generate", *options, cwd=root).returncode == 0
    model = root / MODEL
    with model.open("wb") as file:
        file.truncate(64 << 20)
    before = everything(root)

    with Writer(model):
        ended = run("generate", *options, cwd=root)

    said = f"{model}: changed while it was read. Run again when nothing writes to it."
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"Error[context]: The context cannot be written or read:\n  {said}\n"
    assert everything(root) == before


# A disk of its own for the child alone, gone with it; what is there before and after is listed from within.
ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o size=6m none "$1"
cp -a "$2/." "$1"
cd "$1"
[ "$3" = model ] || dd if=/dev/zero of=ballast 2>/dev/null || true
shift 3
{ find . -type f -exec sha256sum {} +; find . ! -type f; } | sort > "$LISTS/before"
status=0
"$@" || status=$?
{ find . -type f -exec sha256sum {} +; find . ! -type f; } | sort > "$LISTS/after"
exit $status
"""
FULL = "no space left. Free some, or choose another disk. What was there before is unchanged."


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting a small disk needs root")
@pytest.mark.parametrize(
    ("arguments", "filled_by", "said"),
    [
        (("generate",), "model", "Error[context]: The context cannot be written or read:\n  dist/."),
        (
            ("generate", "--tar", "context.tar"),
            "model",
            "Error[context]: The context cannot be written or read:\n  context.tar: ",
        ),
        (("lock",), "ballast", "Error[lock]: The lock cannot be used:\n  {disk}/locks: "),
    ],
    ids=["folder", "tar", "lock"],
)
def test_a_full_disk(copy_project, tmp_path, arguments, filled_by, said):
    """A disk that fills up is told as that, and neither a context nor a lock is half-written."""
    root, disk, lists = copy_project("minimal"), tmp_path / "disk", tmp_path / "lists"
    disk.mkdir()
    lists.mkdir()
    change(root / "pyproject.toml", '"idna>=3.7"', "")
    change(root / "pyproject.toml", "[tool.mlpackage]", "[tool.mlpackage]\npin-base-image = false")
    assert run("lock", cwd=root).returncode == 0
    assert run(*arguments, cwd=root).returncode == 0
    (root / MODEL).write_bytes(bytes(4 << 20))
    if arguments == ("lock",):
        (root / "locks/requirements.txt").unlink()  # one that does not change is not written again

    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ON_A_SMALL_DISK, "-", disk, root, filled_by, *PROGRAM, *arguments],
        env={**os.environ, "LISTS": str(lists)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"{said.format(disk=disk)}")
    assert ended.stderr.endswith(f"{FULL}\n")
    assert (lists / "after").read_text() == (lists / "before").read_text()
