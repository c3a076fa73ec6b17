"""Stage models and an inference configuration as a project: a folder of links, and a table `[tool.mlpackage]`.

source/<folder> or entry/<script>         links to the code
models/<name>/<version>/<file or folder>  links to the models
files/<name>                              links to the other files that the configuration names
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.azureml.exceptions import UserErrorException
from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.replace import replace_text
from hatch_mlpackage.project.azureml_files.convert import convert
from hatch_mlpackage.project.azureml_files.inference import read_inference
from hatch_mlpackage.project.azureml_files.nodes import node_of
from hatch_mlpackage.project.azureml_files.places import Places
from hatch_mlpackage.project.azureml_files.python_pin import python_version
from hatch_mlpackage.project.known_images import what_old_means
from hatch_mlpackage.project.pyproject import Project, plain_name
from hatch_mlpackage.project.target import NEARBY_PYTHON, OLD_PYTHONS, python_of

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.report import Conversion

log = logging.getLogger(__name__)

# The frameworks that need no entry script, with their names in `[tool.mlpackage]`.
NO_CODE = {"Onnx": "onnx", "ScikitLearn": "sklearn", "TensorFlow": "tensorflow", "PyTorch": "pytorch"}

_PYTHON = f'environment.python.conda_dependencies.set_python_version("{NEARBY_PYTHON}")'
_SPECIAL, _ESCAPED = re.compile(r"[\\*?\[\]]"), r"\\\g<0>"  # characters with a meaning in patterns of .gitignore


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedModel:
    """A model to be staged: its one file or folder, and its framework by the original's name."""

    name: str
    version: int
    content: Path
    framework: str | None = None


def stage(
    folder: Path,
    models: Iterable[StagedModel],
    inference: Mapping[str, Any] | None,
    *,
    workspace: Path,
    image_name: str = "",
) -> Project:
    """Fill an empty folder and return it as a project; `inference` is the original's JSON form with absolute paths.

    Raises UserErrorException with everything that is wrong or undecided.
    """
    found = [*models]
    table = _stage_inference(folder, inference, workspace) if inference else {}
    table["allowed-links"] = ["*"]  # the whole project is made of links to where the caller's files are
    table["models"] = [_stage_model(folder, model, no_code=inference is None) for model in found]
    if image_name:
        table["image"] = {**table.get("image", {}), "name": image_name}
    name = found[0].name if found else Path(inference["entryScript"]).stem if inference else "model"
    version = str(found[0].version) if found else "0"
    return Project(root=folder, name=plain_name(name), version=version, table=table)


def _stage_model(folder: Path, model: StagedModel, *, no_code: bool) -> dict[str, Any]:
    path = f"models/{model.name}/{model.version}/{model.content.name}"
    _link(folder / path, model.content)
    declared = {"name": model.name, "version": str(model.version), "path": path}
    if not no_code or not model.framework:
        return declared
    log.warning(
        "%s is loaded by %s, which can run code from the file: register only models that you trust.",
        path,
        model.framework,
    )
    return {**declared, "framework": NO_CODE[model.framework], "allow-pickle": True}


def _stage_inference(folder: Path, inference: Mapping[str, Any], workspace: Path) -> dict[str, Any]:
    conversion = _convert(folder, _stage_files(folder, inference))
    for path, text in conversion.files.items():
        replace_text(folder / path, text)
    table = dict(conversion.table)
    table |= _own_python(table, inference)
    source = inference.get("sourceDirectory")
    if source and real_path(workspace).is_relative_to(source):
        inside = real_path(workspace).relative_to(source).as_posix()
        table["exclude"] = [f"/{_SPECIAL.sub(_ESCAPED, inside)}/"]
    return table


def _own_python(table: Mapping[str, Any], inference: Mapping[str, Any]) -> dict[str, str]:
    """Take the Python of the conda dependencies for an image with its own packages whose name shows no Python."""
    conda = inference.get("environment", {}).get("python", {}).get("condaDependencies") or {}
    version = python_version(conda.get("dependencies") or ())
    if not table.get("user-managed-dependencies") or python_of(table.get("base-image", "")) or not version:
        return {}
    python = ".".join(version.split(".")[:2])
    log.warning(
        "The base image is expected to have Python %s, as environment.python.conda_dependencies says; the build stops "
        "if it has another. Name its Python with set_python_version.",
        python,
    )
    return {"python-version": python}


def _stage_files(folder: Path, inference: Mapping[str, Any]) -> dict[str, Any]:
    """Link the files that the configuration names, and return the configuration with the paths of the links."""
    document = dict(inference)
    if inference.get("sourceDirectory"):
        source = Path(inference["sourceDirectory"])
        document["sourceDirectory"] = f"source/{source.name}"
        _link(folder / document["sourceDirectory"], source)
        return document  # the other paths are relative to it
    for key, place in (("entryScript", "entry"), ("condaFile", "files"), ("extraDockerfileSteps", "files")):
        if key in document:
            path = Path(document[key])
            document[key] = f"{place}/{path.name}"
            _link(folder / document[key], path)
    return document


def _convert(folder: Path, document: Mapping[str, Any]) -> Conversion:
    problems = Problems()
    places = Places(root=folder, here=folder, beside=folder)
    inference = read_inference(node_of(document, "InferenceConfig"), problems)
    conversion = None if problems.found else convert(inference, None, places, problems, python_way=_PYTHON)
    if conversion is None or problems.found:
        raise UserErrorException("\n".join(map(str, problems.found)))
    undecided = [row for row in conversion.rows if row.outcome == "by hand"]
    refused = [f"{row.key}: {row.said}." for row in undecided if row.settled_by]
    if refused:
        raise UserErrorException("\n".join(refused))
    for row in undecided:
        log.warning("%s: %s.", row.key, row.said)
    python = conversion.table.get("python-version")
    if python in OLD_PYTHONS:
        log.warning("Python %s %s.", python, what_old_means(python))
    return conversion


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target.absolute(), target_is_directory=target.is_dir())
