"""Check the tables of the models: their names, versions, places and frameworks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hatch_mlpackage.project.config.check_framework import check_framework
from hatch_mlpackage.project.config.check_path import check_path
from hatch_mlpackage.project.config.keys import KEY, Config

if TYPE_CHECKING:
    from pathlib import Path

    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.pyproject import Project

_MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")  # the original's rule for registered models
_MODEL_VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,127}")


def check_models(config: Config, project: Project, problems: Problems) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, model in enumerate(config.models):
        where = f"{KEY}.models[{index}]"
        _check_name(model, where, problems)
        first = seen.setdefault((model.name, model.version), index)
        if first != index:
            what = f"'{model.name}' version {model.version} is already declared as models[{first}]."
            problems.add(where, what, "Change one of them.")
        check_framework(model, where, problems)
        _check_place(project.root, model, f"{where}.path", problems)


def _check_name(model: Model, where: str, problems: Problems) -> None:
    if not _MODEL_NAME.fullmatch(model.name):
        problems.add(
            f"{where}.name",
            f"'{model.name}' is not a model name.",
            "Use 1 to 255 letters, digits, dashes, dots and underscores, a letter or digit first.",
        )
    if not _MODEL_VERSION.fullmatch(model.version):
        problems.add(f"{where}.version", f"'{model.version}' is not a version.", 'Use a number such as "3".')


def _check_place(root: Path, model: Model, where: str, problems: Problems) -> None:
    if model.is_remote:
        _check_url(model.path, where, problems)
        return
    found = check_path(root, model.path, where, problems)
    if found and not (found.is_file() or found.is_dir()):
        problems.add(where, f"'{model.path}' is neither a file nor a folder.")


def _check_url(url: str, where: str, problems: Problems) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query:
        problems.add(
            where,
            "the URL holds a password, or a query, which may be a signature.",
            "Write the URL without it, and put the credentials into the settings of the store.",
        )
    elif not parts.path.rpartition("/")[2]:
        problems.add(where, f"'{url}' does not name a file.", "A model that is declared by URL is one file.")
