"""Make the environment that a lock describes, once, in the user's cache."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from hatch_mlpackage.errors import MLPackageError, UnavailableError, explained
from hatch_mlpackage.files.partial import SUFFIX, partial_file
from hatch_mlpackage.files.quoting import shown_command
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.files.resources import cache_directory
from hatch_mlpackage.files.run_foreground import run_in_foreground
from hatch_mlpackage.lock.resolve.index_settings import for_uv
from hatch_mlpackage.lock.resolve.interpreters import find_python
from hatch_mlpackage.lock.resolve.uv import find_uv
from hatch_mlpackage.serve.locked import CONDA, ITSELF, Locked

_FORM = "1"  # changes when an environment is made in another way
_FOLDER = "environments"
_UNFINISHED = f"{SUFFIX}.d"
_PYTHON = Path("Scripts" if sys.platform == "win32" else "bin", "python.exe" if sys.platform == "win32" else "python")

_BY_HAND = {
    CONDA: "Make the environment with conda, activate it",
    ITSELF: "Install the project into the environment that you work in (python -m pip install --editable .)",
}


def make_locked(locked: Locked, *, report: Callable[[str], object] = print) -> str:
    """Return the interpreter of an environment with exactly the locked packages, after making it if there is none.

    The environment appears as a whole or not at all. Raises MLPackageError for a lock that says not enough, and
    UnavailableError where uv is missing or fails.
    """
    if locked.besides:
        raise MLPackageError(
            f"--locked makes what pip installs, and this image also has {locked.besides}. "
            f"{_BY_HAND[locked.besides]} and leave out --locked, or serve the image itself "
            "(`mlpackage image build`, `mlpackage image run`)."
        )
    cache = cache_directory()
    if cache is None:
        raise MLPackageError("There is no folder to make the environment in: name one in MLPACKAGE_CACHE_DIR.")
    folder = cache / _FOLDER / _digest(locked)
    if not (folder / _PYTHON).is_file():
        with explained(folder, MLPackageError):
            folder.parent.mkdir(parents=True, exist_ok=True)
            _make(locked, folder, report)
    return str(folder / _PYTHON)


def _digest(locked: Locked) -> str:
    """Name an environment by all that it depends on: the lock, its Python, and this machine."""
    machine = (_FORM, locked.python, sys.platform, platform.machine())
    return hashlib.sha256("\0".join(machine).encode() + b"\0" + file_bytes(locked.path)).hexdigest()[:32]


def _make(locked: Locked, folder: Path, report: Callable[[str], object]) -> None:
    program = find_uv()
    if program is None:
        raise UnavailableError(f'uv makes the environment. Run: {sys.executable} -m pip install "hatch-mlpackage[cli]"')
    with partial_file(folder.parent) as claim:
        for path in folder.parent.glob(f"*{_UNFINISHED}"):
            if not path.with_suffix("").exists():  # whoever was making it was killed
                shutil.rmtree(path, ignore_errors=True)
        unfinished = claim.with_name(f"{claim.name}.d")
        try:
            report(f"Making the environment of the lock in {folder}")
            _fill(unfinished, locked, program)
            _move(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _fill(unfinished: Path, locked: Locked, program: str) -> None:
    environment, flags = uv_settings()
    downloads = {"UV_PYTHON_DOWNLOADS": os.environ.get("UV_PYTHON_DOWNLOADS", "automatic")}
    base = find_python(locked.python) or locked.python  # uv itself may download one, and finds none of pyenv
    # Quiet, for it would name a folder to activate that is about to move.
    make = [program, "venv", "--quiet", "--relocatable", "--python", base, str(unfinished)]
    missing = f"Install CPython {locked.python}, or name an environment that has it and the packages: --python"
    _run(make, {**environment, **downloads}, None, missing)
    install = [program, "pip", "install", "--python", str(unfinished / _PYTHON), "--no-deps", *flags]
    # Wheels beside the lock are named by paths from its folder.
    _run([*install, "--require-hashes", "-r", locked.path.name], environment, locked.path.parent, "")


def _run(command: list[str], environment: Mapping[str, str], folder: Path | None, fix: str) -> None:
    """Run uv, which shows what it does on stderr; `fix` is the next step where it fails."""
    status = run_in_foreground(command, environment=environment, folder=folder)
    if status:
        line = shown_command(["uv", *command[1:]])
        said = f"`{line}` ended with status {status}; the reason is above."
        raise UnavailableError(f"{said}\n{fix}" if fix else said)


def _move(unfinished: Path, folder: Path) -> None:
    """Put a finished environment into its place, unless somebody else was faster."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not (folder / _PYTHON).is_file():
            raise


def uv_settings() -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the environment and the flags that make uv ask pip's indexes, unless the user has set an index for uv.

    uv takes "no index" as a flag alone.
    """
    with tempfile.TemporaryDirectory() as unused:  # unused: uv finds its own configuration where it is
        environment, arguments = for_uv(os.environ, Path(unused))
    return environment, tuple(argument for argument in arguments if argument == "--no-index")
