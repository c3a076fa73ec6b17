"""Measure how long the entry script takes to start on this machine: its imports and init()."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hatch_mlpackage.errors import EntryScriptError, MLPackageError
from hatch_mlpackage.files.parse import parse_json, read_if_there
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.run_foreground import run_in_foreground
from hatch_mlpackage.serve.layout import Serving

_ADVICE = "The packages are those of "  # begins the last line where a module is missing


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportTime:
    """A package that the script imports, and the seconds that this took, with all that the package imports."""

    package: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StartTimes:
    """The seconds of a start with an interpreter: all of it, init() alone, and the imports, the slowest first."""

    python: str
    total: float
    init: float
    imports: tuple[ImportTime, ...]


def measure_start(serving: Serving, python: str, *, remedy: str, report: Callable[[str], None]) -> StartTimes:
    """Start the script once in a process of its own, as a worker does.

    Raises EntryScriptError where it cannot start, after its log has been reported; `remedy` is what to do about a
    missing module. Raises MLPackageError where the interpreter cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix="mlpackage-") as name:
        found, log = Path(name, "times.json"), Path(name, "log")
        command = (python, str(serving.runtime), "profile", str(found))
        environment = {**os.environ, **serving.environment, "MLPACKAGE_MISSING_MODULE": remedy}
        with log.open("wb") as output:
            try:
                status = run_in_foreground(command, environment=environment, folder=serving.folder, output=output)
            except OSError as error:
                raise MLPackageError(f"{python} cannot be run: {error.strerror}. Name another one: --python") from error
        said = parse_json(read_if_there(found) or "{}")
        if "total" not in said:
            _refuse(serving, said.get("failed", ""), status, file_text(log, "replace"), report)
    imports = tuple(ImportTime(package=package, seconds=seconds) for package, seconds in said["imports"])
    return StartTimes(python=python, total=said["total"], init=said["init"], imports=imports)


def _refuse(serving: Serving, failed: str, status: int, log: str, report: Callable[[str], None]) -> NoReturn:
    """Report the log of a script that did not start, and raise EntryScriptError with the reason."""
    ended = f"The process ended with status {status} while the script was starting"
    reason, *details = _as_known(serving, failed or ended).splitlines()
    report("\n".join((_as_known(serving, log).rstrip(), *details)))
    advice = [line for line in details[-1:] if line.startswith(_ADVICE)]
    raise EntryScriptError("\n".join((reason, *advice, "Correct what the log above shows, and run this again.")))


def _as_known(serving: Serving, text: str) -> str:
    """Name the sources by the paths that the user knows, and not by those of the copies that were started."""
    if serving.own_folder is None:
        return text
    variables = serving.environment
    laid_out = Path(variables["AML_APP_ROOT"], variables.get("AZUREML_SOURCE_DIRECTORY", ""))
    return text.replace(f"{laid_out}/", f"{serving.own_folder}/")
