"""Find the folders that come with the package, in its wheel or its checkout, and those that the user has."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def templates_directory() -> Path:
    return _find("templates")


def runtime_directory() -> Path:
    return _find("runtime")


def server_lock_path(runtime: Path, python: str) -> Path:
    """Return the path of the server's locked requirements for the image's Python."""
    return runtime / "requirements" / f"{python}.txt"


def pip_lock_path(python: str) -> Path:
    """Return the path of the locked pip that installs packages for an old Python."""
    return templates_directory() / "context" / "pip" / f"{python}.txt"


def cache_directory() -> Path | None:
    """Return the user's cache folder, `MLPACKAGE_CACHE_DIR` or the system's place for caches; None without either."""
    return _of_the_user("MLPACKAGE_CACHE_DIR", mac="Library/Caches", xdg=("XDG_CACHE_HOME", ".cache"))


def data_directory() -> Path | None:
    """Return the user's data folder, `MLPACKAGE_DATA_DIR` or the system's place for data; None without either."""
    mac = "Library/Application Support"
    return _of_the_user("MLPACKAGE_DATA_DIR", mac=mac, xdg=("XDG_DATA_HOME", ".local/share"))


def _of_the_user(variable: str, *, mac: str, xdg: tuple[str, str]) -> Path | None:
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen)
    home = os.environ.get("HOME", "")
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", ""))
    elif sys.platform == "darwin":
        base = Path(home, mac)
    else:
        base = Path(os.environ.get(xdg[0]) or Path(home, xdg[1]))
    return base / "hatch-mlpackage" if base.is_absolute() else None


def _find(name: str) -> Path:
    packed = _PACKAGE / f"_{name}"
    return packed if packed.is_dir() else _PACKAGE.parent / name
