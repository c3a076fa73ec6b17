"""Read what setuptools is told: `setup.cfg` as data, and `setup.py` only as far as it names requirements at all.

https://setuptools.pypa.io/en/latest/userguide/declarative_config.html
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.files.parse import decode, parse_python
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.other_tools.asked import Asked

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

SETUP_CFG, SETUP_PY = "setup.cfg", "setup.py"
_KEYS = ("install_requires", "install-requires")
_NAMING = "install_requires"


def read_setup_cfg(root: Path, problems: Problems) -> tuple[tuple[Asked, ...], tuple[str, ...]]:
    """Return the requirements of `[options]` in setup.cfg, and the files that it takes them from."""
    text = _text_of(root / SETUP_CFG, SETUP_CFG, problems)
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text, SETUP_CFG)
    except configparser.Error as error:
        reason = " ".join(str(error).split())
        problems.add(SETUP_CFG, f"cannot be read: {reason}.", "Correct the file.")
        return (), ()
    value = next((parser["options"][key] for key in _KEYS if parser.has_option("options", key)), "")
    if value.strip().startswith("file:"):
        return (), tuple(file.strip() for file in value.strip().removeprefix("file:").split(",") if file.strip())
    return tuple(_asked(value, text)), ()


def _asked(value: str, text: str) -> Iterator[Asked]:
    # setuptools takes lines where there are any, and splits one line at its semicolons.
    items = value.splitlines() if "\n" in value else value.split(";")
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if re.match(r"install[_-]requires\s*[=:]", line)), 0)
    for item in filter(None, map(str.strip, items)):
        number = next((at for at, line in enumerate(lines[start:], start + 1) if item in line), start + 1)
        yield Asked(text=item, where=f"{SETUP_CFG}:{number}")


def names_in_setup_py(root: Path, problems: Problems) -> str:
    """Return the place in setup.py that may name requirements, empty where none does; the file is never run."""
    text = _text_of(root / SETUP_PY, SETUP_PY, problems)
    try:
        tree = parse_python(text, SETUP_PY)
    except (SyntaxError, ValueError):
        return SETUP_PY if _NAMING in text else ""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_setup(node.func)]
    for call in calls:
        for keyword in call.keywords:
            if keyword.arg in {None, _NAMING}:
                return f"{SETUP_PY}:{keyword.value.lineno}"
    return f"{SETUP_PY}:{_line_in(text)}" if not calls and _NAMING in text else ""


def _is_setup(function: ast.expr) -> bool:
    return ast.unparse(function).rpartition(".")[2] == "setup"


def _line_in(text: str) -> int:
    return text.count("\n", 0, text.index(_NAMING)) + 1


def _text_of(path: Path, shown: str, problems: Problems) -> str:
    try:
        return decode(file_bytes(path))
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        problems.add(shown, f"cannot be read: {getattr(error, 'strerror', None) or error}.", "Correct the file.")
        return ""
