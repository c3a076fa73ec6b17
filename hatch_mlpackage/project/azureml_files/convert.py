"""Convert the original's configuration to `[tool.mlpackage]`, and report what became of every key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.project.azureml_files.convert_deployment import convert_deployment
from hatch_mlpackage.project.azureml_files.convert_docker import take_base_image
from hatch_mlpackage.project.azureml_files.convert_environment import convert_environment
from hatch_mlpackage.project.azureml_files.convert_online import convert_online
from hatch_mlpackage.project.azureml_files.convert_python import is_user_managed, take_conda_file
from hatch_mlpackage.project.azureml_files.environment import EnvironmentDefinition
from hatch_mlpackage.project.azureml_files.places import Places, find, settled
from hatch_mlpackage.project.azureml_files.report import Conversion, Draft, ReportRow

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.deployment import DeploymentConfiguration
    from hatch_mlpackage.project.azureml_files.inference import InferenceConfiguration
    from hatch_mlpackage.project.azureml_files.online import OnlineDeployment

_PACKAGES = ("conda-file", "requirements", "dependencies", "pylock")


def convert(
    inference: InferenceConfiguration,
    deployment: DeploymentConfiguration | None,
    places: Places,
    problems: Problems,
    *,
    in_place: bool = False,
    python: str = "",
    python_way: str = "",
    online: OnlineDeployment | None = None,
) -> Conversion:
    """Convert configurations that were read without a problem; report problems with the files that they name.

    Conda dependencies in a configuration become a file of their own; with `in_place` they stay where they are.
    `python` (`3.11`) replaces the Python that they pin, and `python_way` is how the user chooses one. `online` is the
    file of Azure ML v2 that they were read from.
    """
    source_directory = inference.source_directory.value if inference.source_directory else ""
    places = settled(places, source_directory, _files_of(inference, online))
    if in_place:
        places = replace(places, better_root=None)  # the project is where its pyproject.toml is
    draft = Draft(places=places, problems=problems, in_place=in_place, python=python, python_way=python_way)
    source = _take_source(inference, draft)
    _take_script(inference, draft, source)
    about = " ".join(inference.description.value.split()) if inference.description else ""
    draft.take(inference.description, "image.labels", {"org.opencontainers.image.description": about})
    if inference.environment:
        convert_environment(inference.environment, draft, None if places.from_file else source)
    else:
        _convert_flat(inference, draft, source)
    _report_missing_packages(inference, draft)
    draft.name_unknown(inference, inference.base_image_registry)
    if deployment:
        convert_deployment(deployment, draft)
    if online:
        convert_online(online, draft)
    if python:
        draft.table["python-version"] = python  # also where no file lists packages
    return draft.finish()


def _files_of(inference: InferenceConfiguration, online: OnlineDeployment | None) -> Iterator[str]:
    python = inference.environment.python if inference.environment else None
    for given in (
        inference.entry_script,
        inference.conda_file,
        inference.extra_dockerfile_steps,
        python.conda_dependencies_file if python and not is_user_managed(python) else None,
        online.local_model if online else None,
    ):
        if given and given.value.strip():
            yield given.value


def _take_source(inference: InferenceConfiguration, draft: Draft) -> Path | None:
    given = inference.source_directory
    if given is None or not given.value:
        return None
    found = find(given, draft.places, draft.problems, is_folder=True)
    if found is None:
        return None
    note = "its folder in the image is called after the project" if found.path == "." else ""
    draft.take_found(given, "source-directory", found, note)
    return found.place


def _take_script(inference: InferenceConfiguration, draft: Draft, source: Path | None) -> None:
    given = inference.entry_script
    if given is None or not given.value:
        return  # reading the file reported it
    if inference.source_directory and inference.source_directory.value and source is None:
        return  # its folder was not found, which is reported
    found = find(given, draft.places, draft.problems, source=source)
    if found is None:
        return
    if source and not found.place.is_relative_to(source):
        key = inference.source_directory.key if inference.source_directory else ""
        what = f"{given.key} '{given.value}' is not inside {key}."
        draft.problems.add(given.where, what, f"Move the script into that folder, or correct {key}.")
    elif found.place.suffix != ".py":
        what = f"{given.key} '{given.value}' is not a Python file."
        draft.problems.add(given.where, what, "Name the script that has init() and run(), which ends in .py.")
    else:
        draft.take_found(given, "entry-script", found)


def _convert_flat(inference: InferenceConfiguration, draft: Draft, source: Path | None) -> None:
    runtime, gpu, cuda = inference.runtime, inference.enable_gpu, inference.cuda_version
    if runtime and runtime.value.lower() == "spark-py":
        draft.by_hand(runtime, "Spark is not served: the image has only Python, as with the runtime python")
    else:
        draft.drop(runtime, "Python is the only runtime")
    take_conda_file(inference.conda_file, draft, source)
    draft.take_path(inference.extra_dockerfile_steps, "extra-dockerfile-steps", source=source)
    if gpu and gpu.value and not inference.base_image:
        version = f" (the original's was {cuda.value})" if cuda and cuda.value else ""
        draft.by_hand(gpu, f'choose a CUDA version{version}: cuda = "12.4", or name a base image', "cuda", "base-image")
    else:
        draft.drop(gpu, "the base image decides it")
    draft.drop(cuda, "the base image decides it")
    take_base_image(inference.base_image, inference.base_image_registry, draft)


def _report_missing_packages(inference: InferenceConfiguration, draft: Draft) -> None:
    """Report what is locked where the files name no packages: the original had a default environment for that."""
    environment = inference.environment or EnvironmentDefinition()
    named = {key for row in draft.rows for key in (row.said.partition(" = ")[0], *row.settled_by)}
    if named & {*_PACKAGES, "user-managed-dependencies"} or environment.is_reference:
        return
    key = "environment.python.condaDependencies" if inference.environment else "condaFile"
    where = environment.where or inference.where
    said = "no packages are named: those in [project.dependencies] are locked; name others with conda-file"
    draft.rows.append(ReportRow(key=key, where=where, outcome="no meaning", said=said))
