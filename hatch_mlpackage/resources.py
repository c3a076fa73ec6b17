"""Find folders: those that travel with the package, in the wheel or beside it in a checkout, and the user's cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates_directory() -> Path:
    return _find("templates")


def runtime_directory() -> Path:
    return _find("runtime")


def cache_directory() -> Path | None:
    """Find the user's cache: `MLPACKAGE_CACHE_DIR`, or where the system keeps such things; None without one."""
    chosen = os.environ.get("MLPACKAGE_CACHE_DIR")
    if chosen:
        return Path(chosen)
    home = os.environ.get("HOME", "")
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", ""))
    elif sys.platform == "darwin":
        base = Path(home, "Library/Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path(home, ".cache"))
    return base / "hatch-mlpackage" if base.is_absolute() else None


def _find(name: str) -> Path:
    packed = _PACKAGE / f"_{name}"
    return packed if packed.is_dir() else _PACKAGE.parent / name
