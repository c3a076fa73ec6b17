"""Wire the steps: configuration → plan → lock → render → write. The adapters call these functions and no others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hatch_mlpackage import __version__
from hatch_mlpackage.bill import describe_locked, make_bill
from hatch_mlpackage.conda import (
    check_conda,
    conda_files,
    conda_values,
    lock_conda,
    read_conda,
    read_conda_lock,
    with_conda_pins,
)
from hatch_mlpackage.config import KEY, Config, read_config
from hatch_mlpackage.entry_script import EntryScript, read_entry_script
from hatch_mlpackage.errors import ConfigurationError, ContextError, LockError, Problems
from hatch_mlpackage.known_hashes import open_known_hashes
from hatch_mlpackage.lock import PACKAGES, LockState, Requirements, check_lock, clear_wheels, read_requirements
from hatch_mlpackage.lock.base_image import BaseImageState, check_base_image, make_base_image_lock
from hatch_mlpackage.manifest import MANIFEST_NAME, TIMESTAMP, Manifest, ManifestFile, hashes_of, reason_to_keep
from hatch_mlpackage.plan import (
    APP_DIRECTORY,
    PROJECT_LAYER,
    ContextFile,
    ContextPlan,
    make_plan,
    model_files,
    runtime_files,
    source_files,
    source_name,
    text_file,
)
from hatch_mlpackage.remote import lock_models, remote_model_files
from hatch_mlpackage.render import quote_for_dockerfile, render
from hatch_mlpackage.resources import runtime_directory
from hatch_mlpackage.sbom import SBOM_NAME
from hatch_mlpackage.target import SUPPORTED_PYTHONS
from hatch_mlpackage.wheels import (
    ENVIRONMENT_WHEELS,
    SERVER_WHEELS,
    has_wheels,
    lock_requirements,
    not_sources,
    project_wheel_file,
    wheel_files,
    wheels_directory,
    with_pylock,
    with_wheels,
    without_urls,
)
from hatch_mlpackage.write import Progress, Reuse, refuse_foreign, write_files
from hatch_mlpackage.write_tar import replacing, write_tar

if TYPE_CHECKING:
    from hatch_mlpackage.lock.conda import CondaInputs
    from hatch_mlpackage.project import Project

PORT = 5001
# Any user id works; 1000 is what the original's images ran as, group 0 is what OpenShift gives to random ids.
USER = "1000:0"
START_PERIOD = 300  # seconds that init() may take before a failing probe counts
APP_ROOT = f"/var/{APP_DIRECTORY}"
WORKER_PYTHON = "/opt/mlpackage/environment/bin/python"
# Keys whose files the lock does not depend on.
_NOT_IN_THE_LOCK = (f"{KEY}.entry-script", f"{KEY}.source-directory", f"{KEY}.models")

Report = Callable[[str], None]


def _silent(file: ContextFile, written: int) -> None:
    del file, written


@dataclass(frozen=True, kw_only=True, slots=True)
class LockInputs:
    """What a lock depends on, checked; the models and the entry script may still be missing."""

    project: Project
    config: Config
    requirements: Requirements
    conda: CondaInputs | None

    @property
    def lock_path(self) -> Path:
        return self.project.root / self.config.lock_path

    @property
    def packages_path(self) -> Path:
        return self.lock_path.with_name(PACKAGES)

    @property
    def has_conda_lock(self) -> bool:
        return self.conda is not None and self.conda.file.kind != "pip"

    @property
    def conda_lock_path(self) -> Path:
        return self.project.root / self.config.conda_lock_path

    @property
    def image_name(self) -> str:
        """The configured name, with the project's version where it has no tag; no tag may hold a `+`."""
        name, version = self.config.image.name, self.project.version.replace("+", "-")
        return name if ":" in name.rpartition("/")[2] else f"{name}:{version}"

    @property
    def base_image_path(self) -> Path:
        return self.project.root / self.config.base_image_path


@dataclass(frozen=True, kw_only=True, slots=True)
class Package(LockInputs):
    """A project whose configuration and files were all checked: the next steps find nothing wrong with them."""

    script: EntryScript
    files: tuple[ContextFile, ...]


def default_destination(project: Project) -> Path:
    return project.root / "dist" / context_name(project)


def context_name(project: Project) -> str:
    return f"{project.name}-{project.version}-context"


def inspect_requirements(project: Project, *, conda_lock: str | None = None) -> LockInputs:
    """Check only what a lock depends on: a model may still have to be trained, with the very packages being locked.

    `conda_lock` is the text of a conda lock that is not written yet. Raises ConfigurationError.
    """
    problems = Problems()
    config = read_config(project, problems)
    conda = read_conda(project, config, problems)
    requirements = _read_requirements(project, config, conda, problems, conda_lock)
    hindering = tuple(problem for problem in problems.found if not problem.where.startswith(_NOT_IN_THE_LOCK))
    if hindering:
        raise ConfigurationError(hindering)
    return LockInputs(project=project, config=config, requirements=requirements, conda=conda)


def inspect_project(project: Project) -> Package:
    """Check everything that needs no lock and no network.

    Raises ConfigurationError with every problem found.
    """
    problems = Problems()
    config = read_config(project, problems)
    script = _read_script(project, config, problems)
    conda = read_conda(project, config, problems)
    requirements = _read_requirements(project, config, conda, problems)
    supported = config.python_version in SUPPORTED_PYTHONS  # reported when the configuration was read
    files = [
        *model_files(project, config, problems),
        *remote_model_files(project, config, problems),
        *source_files(project, config, problems),
        *(runtime_files(runtime_directory(), config.python_version, problems) if supported else ()),
    ]
    problems.raise_if_any()
    return Package(
        project=project,
        config=config,
        script=script or EntryScript(),
        requirements=requirements,
        conda=conda,
        files=tuple(files),
    )


def _read_requirements(
    project: Project, config: Config, conda: CondaInputs | None, problems: Problems, conda_lock: str | None = None
) -> Requirements:
    requirements = read_requirements(
        project.root,
        config.requirements,
        config.dependencies or (),
        problems,
        f"{KEY}.dependencies" if "dependencies" in project.table else "project.dependencies",
        left_out=not_sources(project.root, config),
        listed=(conda.file.path, conda.file.pip) if conda else ("", ()),
    )
    if conda is None or conda.file.kind == "pip":
        return with_pylock(requirements, project, config)
    return with_conda_pins(requirements, conda_lock or read_conda_lock(project, config))


def _read_script(project: Project, config: Config, problems: Problems) -> EntryScript | None:
    path = project.root / config.entry_script
    try:
        return read_entry_script(path.read_bytes(), config.entry_script, problems)
    except OSError:
        return None  # the configuration has already said what is wrong with the path


def lock_project(project: Project, *, upgrade: bool = False, report: Report = print) -> Path:
    """Resolve the base image and the requirements for the image and write the locks; return the path of the latter's.

    Raises LockError when they cannot be resolved, UnavailableError when the index cannot be reached or the image's
    registry refuses; a registry that cannot be reached is only reported. Nothing is written then.
    """
    inputs = inspect_requirements(project)
    base_image = _lock_base_image(inputs, upgrade=upgrade, report=report)
    beside = lock_conda(project, inputs.config, inputs.conda, upgrade=upgrade, report=report)
    if inputs.conda_lock_path in beside:  # its versions limit what pip may add
        inputs = inspect_requirements(project, conda_lock=beside[inputs.conda_lock_path])
    text, wheels = lock_requirements(inputs, previous=_read_lock(inputs), upgrade=upgrade, report=report)
    beside |= lock_models(project, inputs.config, upgrade=upgrade, report=report)
    beside |= {inputs.lock_path: text, inputs.packages_path: describe_locked(text, inputs)}
    for path, said in beside.items():
        _replace_text(path, said)
    clear_wheels(wheels_directory(inputs), wheels, report)
    if base_image:
        _replace_text(inputs.base_image_path, base_image)
    return inputs.lock_path


def _lock_base_image(inputs: LockInputs, *, upgrade: bool, report: Report) -> str | None:
    """Return the text of a new lock of the base image; None where the one there is stays."""
    config = inputs.config
    try:
        state = check_project_base_image(inputs)
    except LockError as error:
        report(f"{str(error).splitlines()[0]} It is made anew.")
        state = check_base_image(None, config.base_image, config.platform, pin=config.pin_base_image)
    made = make_base_image_lock(state, config.base_image, config.platform, upgrade=upgrade, report=report)
    return made.to_text() if made else None


def _replace_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(text.encode())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_project_lock(inputs: LockInputs) -> LockState:
    """Tell whether the lock fits the requirements and the image, without the network."""
    text = _read_lock(inputs)
    return with_wheels(check_lock(text, inputs.requirements, inputs.config.target), text, inputs)


def check_project_conda(inputs: LockInputs) -> LockState:
    """Tell whether the conda lock fits, without the network; one that is not needed is fresh."""
    return check_conda(inputs.project, inputs.config, inputs.conda)


def check_project_base_image(inputs: LockInputs) -> BaseImageState:
    """Tell what the image is built on, without the network: by digest where one is locked for it.

    Raises LockError when the lock is damaged.
    """
    config = inputs.config
    text = _read_text(inputs.base_image_path)
    return check_base_image(text, config.base_image, config.platform, pin=config.pin_base_image)


def base_image_warning(project: Project) -> str:
    """Tell of a locked digest that no longer counts, as it was resolved for another image; nothing otherwise.

    Raises ConfigurationError, or LockError when the lock is damaged.
    """
    state = check_project_base_image(inspect_requirements(project))
    return state.describe() if state.lock else ""


def _read_lock(inputs: LockInputs) -> str | None:
    return _read_text(inputs.lock_path)


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")  # what is no text is told as damaged
    except FileNotFoundError:
        return None


def plan_context(project: Project) -> ContextPlan:
    """Plan the whole context.

    Raises ConfigurationError, or LockError when the lock is missing, stale or damaged.
    """
    return _plan(inspect_project(project))


def build_context(project: Project, destination: Path, *, progress: Progress = _silent) -> Manifest:
    """Write the context and return its manifest; what was at the destination stays until the new one is whole.

    Raises ConfigurationError, LockError or ContextError.
    """
    package = inspect_project(project)
    plan = _plan(package)
    seal = _Seal(package, plan)
    write_files(
        plan.files,
        destination,
        seal=seal,
        reason_to_keep=reason_to_keep,
        timestamp=TIMESTAMP,
        reuse=Reuse(directory=destination, hashes=hashes_of(destination), known=open_known_hashes()),
        progress=progress,
    )
    return seal.manifest


def build_tar(project: Project, destination: Path | BinaryIO, *, progress: Progress = _silent) -> Manifest:
    """Write the context as a tar to a file or a stream, without a folder of it, and return its manifest.

    A file that was at the destination stays until the new one is whole. Raises ConfigurationError or LockError before
    anything is written, or ContextError.
    """
    package = inspect_project(project)
    plan = _plan(package)
    seal = _Seal(package, plan)
    if not isinstance(destination, Path):
        write_tar(plan.files, destination, seal=seal, timestamp=TIMESTAMP, progress=progress)
        return seal.manifest
    _refuse_to_hold_itself(plan, destination)
    with replacing(destination) as stream:
        write_tar(plan.files, stream, seal=seal, timestamp=TIMESTAMP, progress=progress)
    return seal.manifest


def _refuse_to_hold_itself(plan: ContextPlan, destination: Path) -> None:
    """Stop before the tar of an earlier run goes into the next one with the source tree that it lies in."""
    place = destination.resolve()
    if any(isinstance(file.source, Path) and file.source.resolve() == place for file in plan.files):
        raise ContextError(
            f"{destination}: is part of the context itself. Remove it, and choose a place outside source-directory."
        )


class _Seal:
    """Makes what is known only when every other file was hashed: the bill of materials, and the manifest last."""

    manifest: Manifest

    def __init__(self, package: Package, plan: ContextPlan) -> None:
        self._package = package
        self._plan = plan

    def __call__(self, hashed: Sequence[tuple[ContextFile, str]]) -> tuple[ContextFile, ...]:
        content = make_bill(self._package, check_project_base_image(self._package).image, hashed).encode()
        bill = ContextFile(path=SBOM_NAME, layer="manifest", source=content, size=len(content))
        everything = sorted([*hashed, (bill, hashlib.sha256(content).hexdigest())], key=lambda entry: entry[0].path)
        self.manifest = _make_manifest(self._package, self._plan, everything)
        return bill, text_file(MANIFEST_NAME, self.manifest.to_json(), layer="manifest")


def check_destination(destination: Path) -> None:
    """Raise ContextError when something that must not be replaced stands where the context would go."""
    refuse_foreign(destination, reason_to_keep)


def _plan(package: Package) -> ContextPlan:
    state = check_project_lock(package)
    state.require(package.config.lock_path)
    check_project_conda(package).require(package.config.conda_lock_path)
    lock = package.lock_path.read_text(encoding="utf-8")
    texts = [
        *wheel_files(package, lock),
        *project_wheel_file(package),
        text_file("environment/requirements.txt", without_urls(lock, package), layer="environment"),
        *conda_files(package.project, package.config, package.conda),
    ]
    texts += [
        text_file("Dockerfile", render("Dockerfile.j2", dockerfile_values(package, texts)), layer="build"),
        text_file(".dockerignore", render("dockerignore", {}), layer="build"),
    ]
    files = [*package.files, *texts]
    files.append(text_file("README.md", render("README.md.j2", _readme_values(package, files)), layer="build"))
    return make_plan(files, package.config.models)


def server_environment(package: Package) -> Mapping[str, str]:
    """Give the variables that tell the server what to serve, as the image sets them."""
    config = package.config
    values = {"AML_APP_ROOT": APP_ROOT}
    script = config.entry_script
    if config.source_directory is None:
        values["AZUREML_ENTRY_SCRIPT"] = script.rpartition("/")[2]
    else:
        name = source_name(package.project, config)
        inside = script if config.source_directory == "." else script.removeprefix(f"{config.source_directory}/")
        values["AZUREML_ENTRY_SCRIPT"] = f"{name}/{inside}"
        values["AZUREML_SOURCE_DIRECTORY"] = name
    if len(config.models) == 1:
        values["AZUREML_MODEL_DIR"] = f"{APP_ROOT}/{config.models[0].context_path}"
    elif config.models:
        values["AZUREML_MODEL_DIR"] = f"{APP_ROOT}/azureml-models"
    values["MLPACKAGE_WORKER_PYTHON"] = WORKER_PYTHON
    values["WORKER_COUNT"] = str(config.server.workers)
    if config.server.scoring_timeout_ms is not None:
        values["SCORING_TIMEOUT_MS"] = str(config.server.scoring_timeout_ms)
    return {**values, **config.environment_variables}


def dockerfile_values(package: Package, files: Sequence[ContextFile]) -> dict[str, Any]:
    """Give what the Dockerfile is filled with; `files` are those of the environment."""
    config = package.config
    labels = {
        "org.opencontainers.image.title": package.project.name,
        "org.opencontainers.image.version": package.project.version,
        **config.image.labels,
    }
    return {
        "app_directory": APP_DIRECTORY,
        "architecture": config.target.architecture,
        "base_image": check_project_base_image(package).image,
        "conda": conda_values(config, package.conda),
        "environment": _quoted(server_environment(package)),
        "environment_wheels": has_wheels(files, ENVIRONMENT_WHEELS),
        "labels": _quoted(labels),
        "models": config.models,
        "port": PORT,
        "project_wheel": next((file.path for file in files if file.layer == PROJECT_LAYER), ""),
        "python_version": config.python_version,
        "source_date_epoch": TIMESTAMP,
        "secrets": config.image.secrets,
        "server_wheels": has_wheels(files, SERVER_WHEELS),
        "start_period": START_PERIOD,
        "system_packages": tuple(sorted(set(config.system_packages))),
        "user": USER,
        "wheelhouse": config.wheelhouse,
    }


def _quoted(values: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, quote_for_dockerfile(value)) for name, value in values.items()]


def _readme_values(package: Package, files: list[ContextFile]) -> dict[str, Any]:
    return {
        "conda": conda_values(package.config, package.conda),
        "image_name": package.image_name,
        "port": PORT,
        "sample": None,
        "secrets": [secret.id for secret in package.config.image.secrets],
        "tree": "\n".join(sorted({file.path for file in files if file.layer != "runtime"})),
    }


def _make_manifest(package: Package, plan: ContextPlan, hashed: Sequence[tuple[ContextFile, str]]) -> Manifest:
    config, project = package.config, package.project
    about = {
        "generator": {"hatch-mlpackage": __version__},
        "project": {"name": project.name, "version": project.version},
        "image": {
            "name": package.image_name,
            "base": check_project_base_image(package).image,
            "platform": config.platform,
            "python": config.python_version,
        },
    }
    files = tuple(
        ManifestFile(path=file.path, layer=file.layer, size=file.size, mode=f"{file.mode:04o}", sha256=sha256)
        for file, sha256 in hashed
    )
    return Manifest(about=about, layers=plan.layers, files=files)
