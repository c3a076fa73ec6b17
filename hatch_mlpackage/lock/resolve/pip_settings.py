"""Read by hand because `pip config list` answers nothing where one file or variable is broken, or pip is absent.

uv reads none of pip's settings, and pip-tools reads all of them, also those that would change the pins. This module
reads only those that say which index is asked and how it is reached, in pip's environment variables and configuration
files. pip's documentation, "Configuration", says where the files are.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

NAMES = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "trusted-host",
    "keyring-provider",
    "cert",
    "client-cert",
    "proxy",
    "timeout",
    "retries",
)
# Later sections win over earlier ones: pip-tools and the image do what `pip install` does.
_SECTIONS = ("global", "install")


def read(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings by pip's names, with single spaces between several values of one setting."""
    found: dict[str, str] = {}
    for file in _files(environ):
        found |= _from_file(file)
    for name in NAMES:
        value = environ.get(f"PIP_{name.replace('-', '_').upper()}")
        if value is not None:
            found[name] = value
    return {name: " ".join(value.split()) for name, value in found.items() if value.split()}


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    file_name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    yield from (folder / file_name for folder in machine_folders(environ))
    if not (named and Path(named).exists()):
        yield from (folder / file_name for folder in _user_folders(environ))
    yield Path(sys.prefix, file_name)
    if named:
        yield Path(named)


def machine_folders(environ: Mapping[str, str]) -> list[Path]:
    """Return the folders whose files hold for every user of the machine, the strongest last."""
    if sys.platform == "win32":
        return [Path(environ.get("PROGRAMDATA", "C:\\ProgramData"), "pip")]
    if sys.platform == "darwin":
        return [Path("/Library/Application Support/pip")]
    folders = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(Path(folder, "pip") for folder in reversed(folders.split(os.pathsep))), Path("/etc")]


def _user_folders(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("HOME") or Path("~").expanduser())
    if sys.platform == "win32":
        return [home / "pip", Path(environ.get("APPDATA", home / "AppData" / "Roaming"), "pip")]
    newer = Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip")
    apple = home / "Library" / "Application Support" / "pip"
    return [home / ".pip", apple if sys.platform == "darwin" and apple.is_dir() else newer]


def _from_file(file: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}  # pip itself reports what is wrong with the file whenever it runs
    found: dict[str, str] = {}
    for section in filter(parser.has_section, _SECTIONS):
        values = {name.replace("_", "-").lower(): value for name, value in parser.items(section)}
        found |= {name: values[name] for name in NAMES if name in values}
    return found
