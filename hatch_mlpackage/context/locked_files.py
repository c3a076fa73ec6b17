"""Find the files of a context that the locks name: wheels, conda packages and fetched models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name

from hatch_mlpackage.context.plan import PROJECT_LAYER, ContextFile, text_file
from hatch_mlpackage.context.project_wheel import build_project_wheel
from hatch_mlpackage.errors import LockError, MLPackageError, Problems
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.resources import pip_lock_path, templates_directory
from hatch_mlpackage.lock.check_locks import find_all_wheels, our_locks
from hatch_mlpackage.lock.inputs import LockInputs
from hatch_mlpackage.lock.models import by_model, file_name, is_unproven, public
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER
from hatch_mlpackage.lock.pins.wheel_records import name_of
from hatch_mlpackage.lock.pins.wheel_tags import fits
from hatch_mlpackage.lock.project_models import UNPROVEN, fetched_model, locked_model
from hatch_mlpackage.project.config.keys import Model
from hatch_mlpackage.project.config.model_url import url_problem

ENVIRONMENT_WHEELS = "environment/wheels"
SERVER_WHEELS = "server/wheels"
CHANNEL = "environment/channel"
INSTALLER = "environment/conda"
_BY_URL = re.compile(r"(?m)^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*@[ \t]*\S+")
_FETCH = "Run `mlpackage lock`, which fetches it."


def wheel_files(inputs: LockInputs) -> Iterator[ContextFile]:
    """Yield the wheels that the context carries; the lock has been checked."""
    ours = ((lock.place, lock.layer) for lock in our_locks(inputs))
    places = ((ENVIRONMENT_WHEELS, "environment"), *ours)
    for (place, layer), (paths, _) in zip(places, find_all_wheels(inputs), strict=False):
        for path in paths:
            yield ContextFile(path=f"{place}/{path.name}", layer=layer, source=path, size=path.stat().st_size)


def has_wheels(files: Iterable[ContextFile], place: str) -> bool:
    return any(file.path.startswith(f"{place}/") for file in files)


def project_wheel_file(inputs: LockInputs) -> Iterator[ContextFile]:
    """Yield the project's own wheel where the image installs it; raise MLPackageError where it cannot be built."""
    if not inputs.config.install_project:
        return
    name, content = build_project_wheel(inputs.project.root)
    if not fits(name, inputs.config.target):
        raise MLPackageError(
            f"{name} does not load in {inputs.config.target}: the project holds code compiled for this machine. "
            "Build its wheel for the image elsewhere, and name that as a requirement instead of install-project."
        )
    yield ContextFile(path=f"{PROJECT_LAYER}/{name}", layer=PROJECT_LAYER, source=content, size=len(content))


def without_urls(inputs: LockInputs) -> str:
    """Replace each pin by URL with the path of its wheel in the wheelhouse, so that the build needs no network.

    The lock has been checked: the wheelhouse holds a wheel for each pin.
    """
    text = inputs.locks.requirements or ""
    if not inputs.config.wheelhouse:
        return text
    (paths, _), *_ = find_all_wheels(inputs)
    files = {name_of(path.name): path.name for path in paths}
    return _BY_URL.sub(lambda pin: f"./{WHEELS_FOLDER}/{files[canonicalize_name(pin['name'])]}", text)


def old_pip_file(inputs: LockInputs) -> Iterator[ContextFile]:
    """Yield the locked pip that installs packages for an old Python."""
    if inputs.has_old_pip:
        content = file_text(pip_lock_path(inputs.config.python_version))
        yield text_file("environment/pip/requirements.txt", content, layer="environment")


def conda_files(inputs: LockInputs) -> Iterator[ContextFile]:
    """Yield the files from which the image's build makes the conda environment; the lock has been checked."""
    config, conda, text = inputs.config, inputs.conda, inputs.locks.conda
    if conda is None or conda.file.kind == "pip" or text is None:
        return
    yield text_file(f"environment/conda-{conda.subdir}.lock", text, layer="environment")
    if config.conda_mode == "vendored":
        for name in ("install.py", "requirements.txt"):
            content = file_text(templates_directory() / "context" / "conda" / name)
            yield text_file(f"{INSTALLER}/{name}", content, layer="environment")
    if conda.channel is None:
        return
    for package in inputs.locks.conda_packages:
        source = conda.channel / package.subdir / package.file
        path = f"{CHANNEL}/{package.subdir}/{package.file}"
        size = source.stat().st_size
        yield ContextFile(path=path, layer="environment", source=source, size=size, sha256=package.sha256)


def _under(model: Model) -> str:
    return f" with the sha256 {model.sha256}" if model.sha256 else ""


def remote_model_files(inputs: LockInputs, problems: Problems) -> Iterator[ContextFile]:
    """Yield the fetched models, and report those that this machine does not have, without opening a socket."""
    config = inputs.config
    # A URL that cannot be used was reported when the configuration was read.
    remote = [(i, model) for i, model in enumerate(config.models) if model.is_remote and not url_problem(model.path)]
    if not remote:
        return
    try:
        known = by_model(inputs.locks.models)
    except LockError as error:
        problems.add(config.models_path, str(error))
        return
    for index, model in remote:
        where = f"tool.mlpackage.models[{index}].path"
        locked, place = locked_model(model, known), fetched_model(model, inputs.locks)
        if is_unproven(model, locked):
            problems.add(where, *UNPROVEN)
        elif locked is None:
            problems.add(where, f"{public(model.path)} is not locked{_under(model)}.", _FETCH)
        elif place is None:
            problems.add(where, f"{public(model.path)} is locked, but not on this machine.", _FETCH)
        else:
            path = f"{model.context_path}/{file_name(model.path)}"
            layer, size = model.context_path, locked.size
            yield ContextFile(path=path, layer=layer, source=place, size=size, sha256=locked.sha256)
