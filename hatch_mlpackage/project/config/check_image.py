"""Check the keys that set the image's name, labels, variables, extra steps and secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hatch_mlpackage.files.quoting import is_one_line
from hatch_mlpackage.project.config.check_base_image import IMAGE
from hatch_mlpackage.project.config.keys import KEY, PORT, Config

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

# The image sets these for the server, and other lines of its Dockerfile rely on them: the fix for each.
RESERVED_VARIABLES: Mapping[str, str] = {
    "AML_APP_ROOT": "Remove it.",
    "AZUREML_ENTRY_SCRIPT": "Remove it: entry-script names the script.",
    "AZUREML_MODEL_DIR": "Remove it: the models are where [[tool.mlpackage.models]] puts them.",
    "AZUREML_SOURCE_DIRECTORY": "Remove it: source-directory names the folder.",
    "MLPACKAGE_PORT": f"Remove it: the image listens on {PORT}; image.port is the port on the machine that runs it.",
    "MLPACKAGE_WORKER_PYTHON": "Remove it: interpreter-path names the Python of a base image that has the packages.",
    "WORKER_COUNT": "Remove it: server.workers is the number of workers.",
}
# A variable, and the key of [tool.mlpackage.server] that sets it where it is given.
_OF_THE_SERVER = (
    ("MLPACKAGE_BATCHING", "batching"),
    ("MLPACKAGE_BATCHING_MAX_DELAY_MS", "batching"),
    ("MLPACKAGE_BATCHING_MAX_ROWS", "batching"),
    ("SCORING_TIMEOUT_MS", "scoring-timeout-ms"),
    ("MLPACKAGE_MAX_CONCURRENT_REQUESTS", "max-concurrent-requests"),
    ("MLPACKAGE_MAX_QUEUE_WAIT_MS", "max-queue-wait-ms"),
    ("MLPACKAGE_WORKER_MEMORY", "worker-memory-mb"),
    ("MLPACKAGE_WARM_UP", "warm-up"),
)
_LAST_PORT = 65535
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._\-/]*[A-Za-z0-9])?")


def check_variables(config: Config, _project: Project, problems: Problems) -> None:
    for name, value in config.environment_variables.items():
        where = f"{KEY}.environment-variables.{name}"
        if not _VARIABLE_NAME.fullmatch(name):
            problems.add(where, f"'{name}' is not a variable name.", "Use letters, digits and underscores.")
        if name in RESERVED_VARIABLES:
            problems.add(where, "is set by the context itself.", RESERVED_VARIABLES[name])
        if not is_one_line(value):
            what = f"{value!r} holds a line break or control character."
            problems.add(where, what, "Remove it: a Dockerfile cannot hold one in a value.")
    _check_twice_set(config, problems)
    _check_health_port(config, problems)


def _check_twice_set(config: Config, problems: Problems) -> None:
    """Report variables that would silently win over a key, or decide which Python runs."""
    variables = config.environment_variables
    for name, key in _OF_THE_SERVER:
        if name in variables and getattr(config.server, key.replace("-", "_")) is not None:
            problems.add(f"{KEY}.environment-variables.{name}", f"is also set by server.{key}.", "Keep one of them.")
    python = config.interpreter_path or "python"
    if "PATH" in variables and config.user_managed_dependencies and not python.startswith("/"):
        problems.add(
            f"{KEY}.environment-variables.PATH",
            f"decides which '{python}' runs, and the build has checked the one on the base image's own PATH.",
            'Name it by its whole path: interpreter-path = "/usr/bin/python3".',
        )


def _check_health_port(config: Config, problems: Problems) -> None:
    """Check the port for probes, which the image exposes and its health check asks."""
    text = config.environment_variables.get("HEALTH_PORT", "")
    if text and not (re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) <= _LAST_PORT and int(text) != PORT):
        problems.add(
            f"{KEY}.environment-variables.HEALTH_PORT",
            f"'{text}' is not a port besides {PORT}, where the image serves.",
            f"Write a number from 1 to {_LAST_PORT}.",
        )


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
        if not _LABEL_NAME.fullmatch(label) or not is_one_line(value):
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
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", secret.id, re.ASCII):
            problems.add(f"{where}[{index}].id", f"'{secret.id}' is not an id.", "Use letters, digits and dashes.")
        if not re.fullmatch(r"/[\w./-]*[\w-]", secret.target, re.ASCII):
            problems.add(
                f"{where}[{index}].target", f"'{secret.target}' is not an absolute path.", 'Write "/etc/pip.conf".'
            )
        if any(secret.id == other.id or secret.target == other.target for other in secrets[:index]):
            problems.add(f"{where}[{index}]", f"'{secret.id}' or its target is used twice.", "Remove one of them.")
