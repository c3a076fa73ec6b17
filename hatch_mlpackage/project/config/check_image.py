"""Check the keys that set the image's name, labels, variables, extra steps and secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.check_base_image import IMAGE
from hatch_mlpackage.project.config.keys import KEY, Config

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

# The image sets these for the server; a second value would silently lose, or break the context's own layout.
RESERVED_VARIABLES = frozenset(
    {
        "AML_APP_ROOT",
        "AZUREML_ENTRY_SCRIPT",
        "AZUREML_MODEL_DIR",
        "AZUREML_SOURCE_DIRECTORY",
        "MLPACKAGE_WORKER_PYTHON",
        "WORKER_COUNT",
    }
)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL_NAME = re.compile(r"[a-z0-9]([a-z0-9._\-/]*[a-z0-9])?", re.IGNORECASE)


def check_variables(config: Config, _project: Project, problems: Problems) -> None:
    for name, value in config.environment_variables.items():
        where = f"{KEY}.environment-variables.{name}"
        if not _VARIABLE_NAME.fullmatch(name):
            problems.add(where, f"'{name}' is not a variable name.", "Use letters, digits and underscores.")
        if name in RESERVED_VARIABLES:
            problems.add(where, "is set by the context itself.", "Remove it.")
        if not _is_printable(value):
            what = f"{value!r} holds a line break or control character."
            problems.add(where, what, "Remove it: a Dockerfile cannot hold one in a value.")


def _is_printable(value: str) -> bool:
    return all(character.isprintable() or character == "\t" for character in value)


def check_image(config: Config, _project: Project, problems: Problems) -> None:
    name = config.image.name
    if not IMAGE.fullmatch(name) or "@" in name:
        problems.add(
            f"{KEY}.image.name",
            f"'{name}' is not an image name.",
            "Write [registry/]name[:tag] in lower case.",
        )
    if config.image.models == "named-context" and config.image.builder == "classic":
        problems.add(
            f"{KEY}.image.models",
            "needs a builder that takes folders by name: the classic builder and kaniko see only the context.",
            f'Set builder = "buildkit" in [{KEY}.image], and build with BuildKit or buildah.',
        )
    for label, value in config.image.labels.items():
        if not _LABEL_NAME.fullmatch(label) or not _is_printable(value):
            problems.add(f"{KEY}.image.labels.{label}", f"{value!r} is not a label that a Dockerfile can hold.")


def check_secrets(config: Config, _project: Project, problems: Problems) -> None:
    where, secrets = f"{KEY}.image.secrets", config.image.secrets
    if secrets and config.image.builder == "classic":
        problems.add(
            where,
            "needs a builder that can keep a secret: the classic builder and kaniko would write it into the image.",
            f'Set builder = "buildkit" in [{KEY}.image], and build with BuildKit or buildah.',
        )
    for index, secret in enumerate(secrets):
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", secret.id):
            problems.add(f"{where}[{index}].id", f"'{secret.id}' is not an id.", "Use letters, digits and dashes.")
        if not re.fullmatch(r"/[\w./-]*[\w-]", secret.target):
            problems.add(
                f"{where}[{index}].target", f"'{secret.target}' is not an absolute path.", 'Write "/etc/pip.conf".'
            )
        if any(secret.id == other.id or secret.target == other.target for other in secrets[:index]):
            problems.add(f"{where}[{index}]", f"'{secret.id}' or its target is used twice.", "Remove one of them.")
