"""Check the paths of the project's files, of its entry script and source tree, and of the folder of the locks."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.typed_tables import nearest
from hatch_mlpackage.project.config.keys import FRAMEWORKS, KEY, Config, leads_outside, parts_of_conda_file

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

_PYTHON_ONLY = {
    "": "Only .py entry scripts can be served.",
    ".ipynb": "Convert the notebook to a script: jupyter nbconvert --to script.",
}


def check_path(root: Path, path: str, where: str, problems: Problems, *, inside: str = "") -> Path | None:
    """Return the existing path below the root, or report why there is none.

    `inside` is a folder of the project that the path may have been meant to start at.
    """
    if not path or not path.isprintable():
        what = "is empty." if not path else f"{path!a} holds a character that cannot be printed."
        problems.add(where, what, "Name a file or folder of the project.")
        return None
    if leads_outside(path):
        problems.add(
            where,
            f"'{path}' is outside the project.",
            "Copy it into the project, or place a symbolic link to it there and name the link.",
        )
        return None
    found = root / path
    if not found.exists():
        problems.add(where, f"'{path}' does not exist in {root}.", _missing_fix(root, path, inside))
        return None
    return found


def _missing_fix(root: Path, path: str, inside: str) -> str:
    with_slashes = path.replace("\\", "/")
    if with_slashes != path and (root / with_slashes).exists():
        return f"Write it with slashes, on every system: '{with_slashes}'."
    if inside and (root / inside / path).exists():
        return f"Did you mean '{PurePosixPath(inside, path)}'? Every path starts at the project's folder."
    if (root / "PKG-INFO").is_file():
        return (
            "This is an unpacked source distribution, which holds no ignored files: build the wheel from the checkout "
            "(`python -m build --wheel`), or add the file to `artifacts` in [tool.hatch.build.targets.sdist]."
        )
    close = _nearest_path(root, path)
    return f"Did you mean '{close}'?" if close else "Create it, or correct the path (relative to the project's folder)."


def _nearest_path(root: Path, path: str) -> str:
    """Return the path of an existing file whose folders and name are those of `path` or are like them, or ""."""
    found = PurePosixPath()
    for part in PurePosixPath(path).parts:
        folder = root / found
        names = [item.name for item in folder.iterdir()] if folder.is_dir() else []
        close = part if part in names else nearest(part, names)
        if not close:
            return ""
        found /= close
    return str(found) if (root / found).exists() else ""  # a link may lead nowhere


def check_entry_script(config: Config, project: Project, problems: Problems) -> None:
    where, script = f"{KEY}.entry-script", config.entry_script
    if not script:
        # A value of another type was reported when the table was read.
        if not project.table.get("entry-script") and config.no_code_model is None:
            problems.add(where, *_missing_script(config))
        return
    found = check_path(project.root, script, where, problems, inside=config.source_directory or "")
    if found is None:
        return
    if not found.is_file():
        problems.add(where, f"'{script}' is not a file.", "Name the Python file with init() and run().")
    _check_suffix(script, where, problems)
    source = config.source_directory
    if source and source != "." and not script.startswith(f"{source}/"):
        what = f"'{script}' is not inside source-directory '{source}'."
        problems.add(where, what, "Move it there, or name a folder that holds it.")


def _missing_script(config: Config) -> tuple[str, str]:
    """Explain why an entry script is required, and what to do; the framework of a single model could replace it."""
    name_it = 'Name the script with init() and run(): entry-script = "score.py"'
    declared = [model for model in config.models if model.framework]
    if declared and len(config.models) != 1:
        count = len(config.models)
        return (
            f"is required and missing: framework replaces it only where there is one model, and there are {count}.",
            f"{name_it}.",
        )
    if declared and config.source_directory:
        return "is required and missing, because source-directory is set.", f"{name_it}; or remove source-directory."
    choices = ", ".join(FRAMEWORKS)
    return (
        "is required and missing.",
        f"{name_it}; or, for a single model, name its framework in its table: framework = one of {choices}.",
    )


def _check_suffix(script: str, where: str, problems: Problems) -> None:
    name = PurePosixPath(script)
    if name.suffix != ".py":
        problems.add(where, f"'{script}' is not a Python file.", _PYTHON_ONLY.get(name.suffix, _PYTHON_ONLY[""]))


def check_source_directory(config: Config, project: Project, problems: Problems) -> None:
    where = f"{KEY}.source-directory"
    if config.source_directory is None:
        return
    found = check_path(project.root, config.source_directory, where, problems)
    if found and not found.is_dir():
        problems.add(where, f"'{config.source_directory}' is not a folder.", "Name a folder of the project.")


def check_lock_directory(config: Config, project: Project, problems: Problems) -> None:
    where, folder = f"{KEY}.lock-directory", config.lock_directory
    if not folder or leads_outside(folder) or not folder.isprintable():
        what = f"{folder!r} is not a folder inside {project.root}."
        problems.add(where, what, 'Name a folder of the project: lock-directory = "locks".')
        return
    written = {real_path(project.root / path): path for path in config.lock_paths}
    declared = [(f"requirements[{index}]", path) for index, path in enumerate(config.requirements)]
    if config.conda_file:
        declared.append(("conda-file", parts_of_conda_file(config.conda_file)[0]))
    for key, path in declared:
        lock = written.get(real_path(project.root / path))
        if lock:
            what = f"'{path}' of {key} would be replaced by a lock, which is written to {lock}."
            problems.add(where, what, "Name another folder, or rename that file.")
