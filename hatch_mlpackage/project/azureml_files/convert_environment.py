"""Convert an Environment to keys of `[tool.mlpackage]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.project.azureml_files.convert_docker import convert_docker
from hatch_mlpackage.project.azureml_files.convert_python import convert_python, is_user_managed
from hatch_mlpackage.project.azureml_files.environment import Docker, EnvironmentDefinition, Python
from hatch_mlpackage.project.azureml_files.shapes import Given
from hatch_mlpackage.project.config.check_image import RESERVED_VARIABLES
from hatch_mlpackage.project.known_images import NOT_NEEDED

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.nodes import Node
    from hatch_mlpackage.project.azureml_files.report import Draft

_SPARK_DEFAULT = "precachePackages"  # true in every Environment, whether it has packages or not
_SECRET = re.compile(r"(?:^|_)(?:KEY|PASS|PASSWORD|PWD|SECRET|TOKEN|SAS|CONNECTION_?STRING)(?:_|$)", re.IGNORECASE)
_READABLE = "it looks like a secret, which everybody with the image can read: set it when the container starts instead"
_AT_START = "it installed packages when the container started: name them in the conda file or in requirements"
# Variables that the original's images treated specially.
_OTHERWISE = {
    "AZUREML_EXTRA_CONDA_YAML": _AT_START,
    "AZUREML_EXTRA_CONDA_YAML_ABS_PATH": _AT_START,
    "AZUREML_EXTRA_PYTHON_LIB_PATH": _AT_START,
    "AZUREML_EXTRA_REQUIREMENTS_TXT": _AT_START,
    "EXAMPLE_ENV_VAR": "the original's placeholder, which it left in every image",
    "SVDIR": "the original's process supervisor is not in the image",
    "WORKER_TIMEOUT": "a worker is stopped by server.scoring-timeout-ms alone",
}


def convert_environment(environment: EnvironmentDefinition, draft: Draft, source: Path | None) -> None:
    """Convert an Environment that was read without a problem."""
    name = environment.name
    if environment.is_reference:
        named = name.value if name else ""
        export = "save its file" if named.startswith("azureml:") else "export it with save_to_directory"
        what = f"'{named}' is kept in a workspace: {export}, and give it with --environment, or name its packages"
        draft.by_hand(name, what, "conda-file", "requirements", "dependencies")
    else:
        draft.drop(name, "the lock, not a name, says what is in the image")
    draft.drop(environment.version, "the lock, not a version, says what is in the image")
    draft.drop(environment.asset_id, "a name in a workspace")
    take_variables(environment.environment_variables, draft)
    python, docker = environment.python or Python(), environment.docker or Docker()
    convert_python(python, draft, source)
    convert_docker(docker, draft, has_packages=is_user_managed(python))
    draft.drop(environment.inferencing_stack_version, NOT_NEEDED["inferencing-stack-version"])
    for given in (environment.spark, environment.databricks, environment.r):
        _drop_section(given, draft)
    for given in environment.unread:
        draft.drop(given, "only Azure ML used it")
    platform, registry = docker.platform, docker.base_image_registry
    draft.name_unknown(environment, python, docker, platform, registry, docker.build_context)


def _drop_section(given: Given[Node] | None, draft: Draft) -> None:
    if given and any(not item.is_empty for key, item in given.value.members.items() if key != _SPARK_DEFAULT):
        draft.by_hand(given, "only Python is installed: the image has none of this")
    else:
        draft.drop(given, "only Python is installed")


def take_variables(given: Given[Node] | None, draft: Draft) -> None:
    """Set environment variables, except those that only the original's images knew."""
    for name, node in given.value.members.items() if given else ():
        one = Given(key=f"{given.key if given else ''}.{name}", value=node.text, where=node.where)
        if name == "WORKER_COUNT" and re.fullmatch(r"[0-9]{1,4}", node.text):
            draft.take(one, "server.workers", int(node.text))
        elif name in RESERVED_VARIABLES:
            draft.drop(one, "the image sets it")
        elif name in _OTHERWISE:
            draft.drop(one, _OTHERWISE[name])
        else:
            # The original's image had a value as Python shows it: JSON's true was True.
            text = str(node.value) if isinstance(node.value, bool) else "" if node.value is None else node.text
            is_secret = bool(text) and _SECRET.search(name) is not None
            draft.take(one, f"environment-variables.{name}", text, _READABLE if is_secret else "", is_secret=is_secret)
