"""Read `[tool.mlpackage]` once into values that cannot be wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.typed_tables import read_table
from hatch_mlpackage.project.config.check_base_image import (
    check_base_image,
    check_cuda,
    check_python,
    check_server_image,
    check_user_managed,
)
from hatch_mlpackage.project.config.check_dockerfiles import (
    check_base_dockerfile,
    check_steps,
    read_dockerfile,
    read_steps,
)
from hatch_mlpackage.project.config.check_image import check_image, check_secrets, check_variables
from hatch_mlpackage.project.config.check_models import check_models, check_private_hosts
from hatch_mlpackage.project.config.check_packages import (
    check_build_from_source,
    check_conda_mode,
    check_conda_paths,
    check_install_project,
    check_pylock,
    check_system_packages,
)
from hatch_mlpackage.project.config.check_paths import check_entry_script, check_lock_directory, check_source_directory
from hatch_mlpackage.project.config.check_patterns import check_patterns
from hatch_mlpackage.project.config.check_values import check_choices, check_empty, check_server
from hatch_mlpackage.project.config.hatch_tables import check_tables
from hatch_mlpackage.project.config.keys import DEFAULT_PYTHON, IN_PLACE, KEY, NO_PYLOCK, Config, Model
from hatch_mlpackage.project.known_images import (
    cuda_images,
    cuda_of,
    official_image,
    packaged_python,
    server_image,
)
from hatch_mlpackage.project.other_tools.named import Named, find_requirements
from hatch_mlpackage.project.python_file import PYTHON_VERSION, read_python_version
from hatch_mlpackage.project.target import OLD_PYTHONS, python_of

if TYPE_CHECKING:
    from hatch_mlpackage.project.dockerfiles.base_stages import BaseDockerfile
    from hatch_mlpackage.project.pyproject import Project

# In the order in which a person reads their problems; none stops at the first problem.
_CHECKS = (
    check_tables,
    check_entry_script,
    check_install_project,
    check_pylock,
    check_build_from_source,
    check_source_directory,
    check_patterns,
    check_models,
    check_private_hosts,
    check_empty,
    check_python,
    check_base_image,
    check_server_image,
    check_cuda,
    check_user_managed,
    check_choices,
    check_lock_directory,
    check_conda_paths,
    check_conda_mode,
    check_variables,
    check_system_packages,
    check_image,
    check_secrets,
    check_server,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """The configuration with the Dockerfiles that it names, read.

    `named` are the requirements, whose texts and files the configuration has too, with their places; `notes` say what
    was taken from the files of other tools.
    `base_dockerfile` is None and `extra_steps` is empty where the project names none, or where a problem was reported.
    """

    config: Config
    named: Named = field(default_factory=Named)
    notes: tuple[str, ...] = ()
    base_dockerfile: BaseDockerfile | None = None
    extra_steps: str = ""


def read_declaration(project: Project, problems: Problems) -> Declaration:
    """Read and check the table and the files that it names; use the result only where no problem was added."""
    if not any(key in project.table for key in IN_PLACE):
        return _read(project, problems)
    from hatch_mlpackage.project.azureml_files.in_place import with_imported  # noqa: PLC0415 - few projects have such files

    found = Problems()
    imported = with_imported(project.table, project.root, found)
    declared = _read(replace(project, table=imported.table), found, is_whole=not found.found)
    for problem in map(imported.placed, found.found):
        problems.add(problem.where, problem.what, problem.fix)
    return declared


def _read(project: Project, problems: Problems, *, is_whole: bool = True) -> Declaration:
    """Read the project's table, and check it only where it `is_whole`: an incomplete one lacks what checks look for."""
    config = read_table(Config, _with_text_versions(project.table), KEY, problems) or Config()
    found = Problems()  # added after the checks of the keys
    dockerfile = read_dockerfile(config, project, found)
    steps = read_steps(config, project, found)
    given, config = config, _with_server_image(_with_base_image(config, dockerfile, project))
    named = find_requirements(config, project, problems if is_whole else Problems())
    config = _with_defaults(config, project, named)
    for check in _CHECKS if is_whole else ():
        check(config, project, problems)
    if is_whole:
        check_base_dockerfile(config, project, dockerfile, problems)
        check_steps(config, steps, problems)
        for problem in found.found:
            problems.add(problem.where, problem.what, problem.fix)
    notes = (*_python_notes(given, config, project), *named.notes)
    return Declaration(config=config, named=named, notes=notes, base_dockerfile=dockerfile, extra_steps=steps)


def _with_text_versions(table: Mapping[str, object]) -> Mapping[str, object]:
    """Accept `version = 3` for a model beside `version = "3"`: both are what people mean."""
    models = table.get("models")
    if not isinstance(models, list | tuple):
        return table
    return {**table, "models": [_with_text_version(model) for model in models]}


def _with_text_version(model: object) -> object:
    if isinstance(model, Mapping) and type(model.get("version")) is int:
        return {**model, "version": str(model["version"])}
    return model


def _with_defaults(config: Config, project: Project, named: Named) -> Config:
    image = config.image if config.image.name else replace(config.image, name=project.name)
    return replace(
        config,
        dependencies=tuple(asked.text for asked in named.asked),
        requirements=tuple(dict.fromkeys((*config.requirements, *named.files))),
        source_directory=_clean(config.source_directory),
        entry_script=_clean(config.entry_script) or "",
        lock_directory=_clean(config.lock_directory) or "",
        pylock=None if config.pylock == NO_PYLOCK else _clean(config.pylock or named.pylock),
        conda_file=_clean(config.conda_file),
        conda_channel=_clean(config.conda_channel),
        models=tuple(map(_clean_model, config.models)),
        image=image,
    )


def _clean_model(model: Model) -> Model:
    if not model.is_remote:
        return replace(model, path=_clean(model.path) or "")
    return replace(model, sha256=model.sha256.lower()) if model.sha256 else model


def _with_base_image(config: Config, dockerfile: BaseDockerfile | None, project: Project) -> Config:
    """Derive the base image, its Python and its CUDA from each other."""
    config = replace(config, base_image=(dockerfile and dockerfile.base_image) or config.base_image)
    images = cuda_images(config.cuda or "") if not config.base_image else ()
    wanted = config.python_version or read_python_version(project.root)[0]
    chosen = next((image for image in images if image.python == wanted), next(iter(images), None))
    base_image = chosen.reference if chosen else config.base_image
    of_image = python_of(base_image) or packaged_python(base_image)
    python = config.python_version or of_image or wanted or DEFAULT_PYTHON
    base_image = base_image or official_image(python)
    cuda = config.cuda or cuda_of(base_image) or None
    return replace(config, base_image=base_image, python_version=python, cuda=cuda)


def _with_server_image(config: Config) -> Config:
    """Give the server a Python of its own where that of the base image is too old for it."""
    if config.server.base_image is not None or config.base_python not in OLD_PYTHONS:
        return config
    return replace(config, server=replace(config.server, base_image=server_image(config.base_image) or None))


def _python_notes(given: Config, config: Config, project: Project) -> Iterator[str]:
    """Say what became of `.python-version`, unless the table decides."""
    version, unknown = read_python_version(project.root)
    if given.python_version or not (version or unknown):
        return
    taken = f"The image gets Python {config.python_version}"
    if unknown:
        yield f"{taken}: {PYTHON_VERSION} has '{unknown}', which is not a version of CPython."
    elif version == config.python_version:
        yield f"{taken}, which {PYTHON_VERSION} names."
    else:
        yield f"{taken}, that of {config.base_image}; {PYTHON_VERSION} names {version}."


def _clean(path: str | None) -> str | None:
    """Drop `./`, trailing slashes and redundant `..`; keep what leads outside the project."""
    return PurePosixPath(os.path.normpath(path)).as_posix() if path else path
