"""Ask an interpreter of this machine what it has, and whether it can parse a script; nothing of the user's runs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatch_mlpackage.errors import EntryScriptError, MLPackageError
from hatch_mlpackage.files.run_foreground import run_in_foreground

# The first of two distributions with one name is the one that is imported.
# Python 3.6 and 3.7 have no importlib.metadata.
_LIST = """
import json, sys
try:
    import importlib.metadata as metadata
    found = [(it.metadata["Name"], it.version) for it in metadata.distributions() if it.metadata]
except ImportError:
    import email.parser, glob, itertools, os
    kinds = "*.dist-info/METADATA", "*.egg-info/PKG-INFO", "*.egg-info"
    pairs = itertools.product(sys.path, kinds)
    paths = [path for folder, kind in pairs for path in glob.glob(os.path.join(glob.escape(folder), kind))]
    files = [open(path, encoding="utf-8", errors="replace") for path in paths if os.path.isfile(path)]
    read = [email.parser.HeaderParser().parse(file) for file in files]
    found = [(it["Name"], it["Version"]) for it in read]
print(json.dumps(["%d.%d" % sys.version_info[:2], dict(reversed([it for it in found if it[0]]))]))
"""
_PARSE = """
import json, sys
problem = None
try:
    compile(open(sys.argv[1], "rb").read(), sys.argv[1], "exec", dont_inherit=True)
except (SyntaxError, ValueError, RecursionError) as error:
    problem = [getattr(error, "lineno", None) or 1, getattr(error, "msg", None) or str(error)]
print(json.dumps(["%d.%d" % sys.version_info[:2], problem]))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """An interpreter, its version as X.Y, and the versions of its packages by their names."""

    interpreter: str
    python: str
    packages: Mapping[str, str]


def installed(interpreter: str) -> Installed:
    """Return what an interpreter has; raise MLPackageError for one that does not list its packages."""
    python, packages = _ask(interpreter, "list its packages", _LIST)
    return Installed(interpreter=interpreter, python=python, packages=packages)


def require_parsed(script: Path, interpreter: str) -> None:
    """Raise EntryScriptError for a script that an interpreter cannot parse, which may know other syntax than ours."""
    python, problem = _ask(interpreter, "parse the script", _PARSE, str(script))
    if problem:
        line, reason = problem
        raise EntryScriptError(
            f"{script}:{line}: syntax error: {reason.rstrip('.?')}. Correct it. "
            f"The script was read by Python {python}, {interpreter}; --python names another one."
        )


def _ask(interpreter: str, what: str, program: str, *arguments: str) -> Any:
    with tempfile.TemporaryFile() as output:
        try:
            run_in_foreground([interpreter, "-W", "ignore", "-c", program, *arguments], output=output)
            output.seek(0)
            return json.loads(output.read().splitlines()[-1])
        except (OSError, ValueError, IndexError) as error:
            raise MLPackageError(f"{interpreter} does not {what}: {error}. Name another one: --python") from error
