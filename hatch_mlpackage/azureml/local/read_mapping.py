"""Read the original's files, JSON or YAML, as the importer of files reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatch_mlpackage.azureml.exceptions import UserErrorException
from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.azureml_files.documents import read_document


def read_mapping(path: Path, otherwise: str) -> dict[str, Any]:
    """Read a file that holds an object; `otherwise` is what is said of any other file.

    Raises UserErrorException with every problem and its line, FileNotFoundError where there is no file.
    """
    problems = Problems()
    node = read_document(path.read_bytes(), str(path), problems)
    found = node.plain() if node else None
    if not isinstance(found, dict):
        said = [str(problem) for problem in problems.found] or [str(path)]
        raise UserErrorException("\n".join([otherwise, *said]))
    return found
