"""Check the keys that name the entry script and its source tree."""

from __future__ import annotations

import keyword
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.check_framework import missing_script
from hatch_mlpackage.project.config.check_path import check_path
from hatch_mlpackage.project.config.keys import KEY, Config

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

_PYTHON_ONLY = {
    "": "Only .py entry scripts can be served.",
    ".ipynb": "Convert the notebook to a script: jupyter nbconvert --to script.",
}


def check_entry_script(config: Config, project: Project, problems: Problems) -> None:
    where, script = f"{KEY}.entry-script", config.entry_script
    if not script:
        # A value of another type was reported when the table was read.
        if not project.table.get("entry-script") and config.no_code_model is None:
            problems.add(where, *missing_script(config))
        return
    found = check_path(project.root, script, where, problems)
    if found is None:
        return
    if not found.is_file():
        problems.add(where, f"'{script}' is not a file.")
    _check_module_name(script, where, problems)
    source = config.source_directory
    if source and source != "." and not script.startswith(f"{source}/"):
        problems.add(where, f"'{script}' is not inside source-directory '{source}'.")


def _check_module_name(script: str, where: str, problems: Problems) -> None:
    name = PurePosixPath(script)
    if name.suffix != ".py":
        problems.add(where, f"'{script}' is not a Python file.", _PYTHON_ONLY.get(name.suffix, _PYTHON_ONLY[""]))
    elif not name.stem.isidentifier() or keyword.iskeyword(name.stem):
        problems.add(where, f"'{script}' cannot be imported as a module.", "Rename it to a valid Python module name.")


def check_source_directory(config: Config, project: Project, problems: Problems) -> None:
    where = f"{KEY}.source-directory"
    if config.source_directory is None:
        return
    found = check_path(project.root, config.source_directory, where, problems)
    if found and not found.is_dir():
        problems.add(where, f"'{config.source_directory}' is not a folder.")
