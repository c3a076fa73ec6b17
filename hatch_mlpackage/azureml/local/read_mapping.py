"""Read an object from a JSON or YAML file, as `mlpackage import-azureml` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatch_mlpackage.azureml.exceptions import UserErrorException
from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.azureml_files.documents import read_document


def read_mapping(path: Path, otherwise: str) -> dict[str, Any]:
    """Read a file that holds an object.

    Raises UserErrorException, which begins with `otherwise` and lists every problem with its line, for any other
    contents, and FileNotFoundError where the file is missing.
    """
    problems = Problems()
    node = read_document(path.read_bytes(), str(path), problems)
    found = node.plain() if node else None
    if not isinstance(found, dict):
        details = [str(problem) for problem in problems.found] or [str(path)]
        raise UserErrorException("\n".join([otherwise, *details]))
    return found
