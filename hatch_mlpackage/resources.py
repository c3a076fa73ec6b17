"""Find the folders that travel with the package: inside the installed wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates_directory() -> Path:
    return _find("templates")


def runtime_directory() -> Path:
    return _find("runtime")


def _find(name: str) -> Path:
    packed = _PACKAGE / f"_{name}"
    return packed if packed.is_dir() else _PACKAGE.parent / name
