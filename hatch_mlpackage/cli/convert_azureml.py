"""Convert Azure ML's configuration files into the keys and files of a project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.azureml_files.configurations import read_configuration
from hatch_mlpackage.project.azureml_files.documents import read_document
from hatch_mlpackage.project.azureml_files.environment import EnvironmentDefinition, Python, with_saved_files
from hatch_mlpackage.project.azureml_files.inference import read_environment_file
from hatch_mlpackage.project.azureml_files.places import Places
from hatch_mlpackage.project.azureml_files.read_online import is_environment, read_online_environment
from hatch_mlpackage.project.sources.entry_script import read_entry_script

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.inference import InferenceConfiguration
    from hatch_mlpackage.project.azureml_files.nodes import Node
    from hatch_mlpackage.project.azureml_files.report import Conversion


def convert_files(
    config: Path,
    deployment: Path | None,
    environment: Path | None,
    folder: Path,
    problems: Problems,
    *,
    python: str = "",
) -> Conversion:
    """Convert an inference configuration and what goes with it for the project in `folder`.

    `python` replaces the version that they pin.
    Raises ConfigurationError when a file cannot be read; other mistakes are added to `problems`.
    """
    node = _read_document(config, problems)
    deploying = _read_document(deployment, problems) if deployment else None
    configuration = read_configuration(node, deploying, problems) if node else None
    if configuration and environment:
        inference = _with_environment(configuration.inference, environment, problems)
        configuration = replace(configuration, inference=inference)
    problems.raise_if_any()
    assert configuration is not None  # noqa: S101 - otherwise a problem was raised
    places = Places(root=folder.absolute(), here=Path.cwd(), beside=config.absolute().parent)
    conversion = configuration.converted(places, problems, python=python)
    script = conversion.table.get("entry-script")
    if script:
        read_entry_script(file_bytes(folder / script), script, problems)
    return conversion


def _read_document(path: Path, problems: Problems) -> Node | None:
    return read_document(file_bytes(path), path.as_posix(), problems)


def _with_environment(inference: InferenceConfiguration, path: Path, problems: Problems) -> InferenceConfiguration:
    """Put the environment of a file, or of a folder made by save_to_directory, into the inference configuration."""
    if inference.environment and not inference.environment.is_reference:
        what = "defines an environment, and --environment gives another one."
        problems.add(inference.environment.where, what, "Leave one of them out.")
        return inference
    for given in inference.flat:
        problems.add(
            given.where, f"{given.key} cannot be given together with an environment.", "Leave one of them out."
        )
    definition = path / "azureml_environment.json" if path.is_dir() else path
    if not definition.is_file():
        what = f"the folder has no {definition.name}."
        problems.add(path.as_posix(), what, "Name the file that holds the JSON.")
        return inference
    node = _read_document(definition, problems)
    if node is None:
        return inference
    if is_environment(node):
        found = read_online_environment(node, problems)
        return replace(inference, environment=_from_its_folder(found, definition.parent))
    environment = with_saved_files(read_environment_file(node, problems), definition.parent)
    return replace(inference, environment=environment)


def _from_its_folder(environment: EnvironmentDefinition, folder: Path) -> EnvironmentDefinition:
    """Make the path of the conda file count from the environment's own file."""
    python = environment.python or Python()
    given = python.conda_dependencies_file
    moved = given and replace(given, value=(folder.absolute() / given.value).as_posix())
    return replace(environment, python=replace(python, conda_dependencies_file=moved))
