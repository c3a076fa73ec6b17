"""Bake the project template into a new folder, completely or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hatch_mlpackage.context.write.leftovers import partial_folder
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.interrupts import interrupts_wait
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.resources import templates_directory
from hatch_mlpackage.project.config.keys import DEFAULT_PYTHON
from hatch_mlpackage.project.target import SUPPORTED_PYTHONS

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 99  # the template shortens the folder's name to as many
_FIRST_FOR_CPUS = (2, 1, 1)  # of xgboost-cpu
_ARM = frozenset({"arm64", "aarch64"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question of the template: its prompt, and its choices with their labels, the default first."""

    key: str
    prompt: str
    choices: Mapping[str, str]


@cache
def questions() -> tuple[Question, ...]:
    """Read the template's multiple-choice questions, in their order."""
    context = json.loads(file_text(_project_template() / "cookiecutter.json"))
    return tuple(
        Question(key=key, prompt=says["__prompt__"], choices={name: says.get(name, name) for name in context[key]})
        for key, says in context["__prompts__"].items()
        if isinstance(says, dict)
    )


def rule_against(name: str) -> str:
    """Return the rule that a name breaks, or nothing where a package, an image, a folder and a model can have it."""
    if len(name) > _LONGEST_NAME:
        return f"a name has {_LONGEST_NAME} characters at most"
    return "" if _NAME.fullmatch(name) else "a name has lower-case letters, digits and single dashes between them"


def bake(
    answers: Mapping[str, Any],
    destination: Path,
    *,
    model: Path | None = None,
    finish: Callable[[Path], None] | None = None,
) -> tuple[str, ...]:
    """Make the project in `destination`, for an image with the running Python and this machine's architecture.

    The names of `answers` are those of cookiecutter.json, whose defaults replace missing answers. A model, a file or a
    folder, is copied into the project's models. `finish` completes the project in the folder that it gets, before the
    project is moved into its place. Returns the names of the files. Raises MLPackageError when `destination` exists or
    an answer is refused. A failure or an interrupt leaves nothing behind.
    """
    _check(answers)
    refuse_existing(destination)
    with partial_folder(destination) as staging:
        with _temporary_files_in(staging), interrupts_wait():  # its hooks are programs, which would be interrupted too
            made = _run_cookiecutter({**_image_settings(), **_cpu_packages(answers), **answers}, staging)
        if model:
            _copy_model(model, made / "models" / model.name)
        if finish:
            finish(made)
        names = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
        refuse_existing(destination)
        made.rename(destination)
    return tuple(names)


def refuse_existing(destination: Path) -> None:
    """Raise MLPackageError where something has the name of a new project."""
    if os.path.lexists(destination):
        raise MLPackageError(f"{destination}: exists already. Choose another name, or remove it first.")


def _check(answers: Mapping[str, Any]) -> None:
    """Refuse what the template's own hook refuses, before cookiecutter runs: it takes answers for Jinja templates."""
    name, model = answers.get("project_slug"), answers.get("_own_model", "")
    if name is not None and (rule := rule_against(name)):
        raise MLPackageError(f"{name[:_LONGEST_NAME]!r} cannot be the project's name: {rule}.")
    for question in questions():
        answer = answers.get(question.key)
        if answer is not None and answer not in question.choices:
            choices = ", ".join(question.choices)
            raise MLPackageError(f"{answer!r} is no answer for {question.key}. Use one of {choices}.")
    if not model.isprintable() or model in {".", ".."} or {"/", "\\"} & set(model):
        raise MLPackageError(
            f"{model!r} cannot be the name of a model in the project. Use printable characters, and no slashes."
        )


@contextlib.contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Make temporary files go into a folder: cookiecutter leaves the hooks that it rendered behind."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder.absolute())
    try:
        yield
    finally:
        tempfile.tempdir = before


def _run_cookiecutter(settings: dict[str, Any], folder: Path) -> Path:
    """Bake without cookiecutter's questions, its user configuration and its record of answers."""
    from cookiecutter.generate import generate_context, generate_files  # noqa: PLC0415 - costs start-up time
    from cookiecutter.prompt import prompt_for_config  # noqa: PLC0415 - costs start-up time

    context = generate_context(str(_project_template() / "cookiecutter.json"), extra_context=settings)
    context["cookiecutter"] = prompt_for_config(context, no_input=True)
    return Path(generate_files(str(_project_template()), context, str(folder)))


def _image_settings() -> dict[str, str]:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "_python_version": running if running in SUPPORTED_PYTHONS else DEFAULT_PYTHON,
        "_platform": "linux/arm64" if platform.machine().lower() in _ARM else "linux/amd64",
    }


def _cpu_packages(answers: Mapping[str, Any]) -> dict[str, str]:
    """Tell whether a model of a pinned version can have the package for CPUs, which not every version has."""
    pin = answers.get("_pins", {}).get("xgboost", "")
    version = tuple(map(int, re.findall(r"\d+", pin)))
    return {"_cpu_packages": "yes" if not pin or version >= _FIRST_FOR_CPUS else "no"}


def _copy_model(model: Path, target: Path) -> None:
    target.parent.mkdir()
    if model.is_dir():
        shutil.copytree(model, target)
    else:
        shutil.copyfile(model, target)


def _project_template() -> Path:
    return templates_directory() / "project"
