"""What the keys of `[tool.mlpackage]` may be: every problem is reported with its key, none is raised alone."""

from __future__ import annotations

import keyword
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.check_base_image import (
    IMAGE,
    check_base_image,
    check_cuda,
    check_python,
    check_user_managed,
)
from hatch_mlpackage.project.config.check_framework import check_framework, missing_script
from hatch_mlpackage.project.config.check_path import check_path
from hatch_mlpackage.project.config.keys import (
    CONDA_MODES,
    IMAGE_BUILDERS,
    KEY,
    LOCKERS,
    MODELS_MODES,
    Config,
    leads_outside,
    parts_of_conda_file,
)
from hatch_mlpackage.project.pyproject import HATCHLING
from hatch_mlpackage.project.target import ARCHITECTURES

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

# What the image sets for the server; a second value would silently lose or break the context's own layout.
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
_MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")  # the original's rule for registered models
_MODEL_VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,127}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYSTEM_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.\-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+:~\-]+)?")  # Debian policy 5.6.1
_LAST_PORT = 65535
_LABEL_NAME = re.compile(r"[a-z0-9]([a-z0-9._\-/]*[a-z0-9])?", re.IGNORECASE)


_PYTHON_ONLY = {
    "": "Only .py entry scripts can be served.",
    ".ipynb": "Write the notebook out as one: jupyter nbconvert --to script.",
}


def _check_entry_script(config: Config, project: Project, problems: Problems) -> None:
    where = f"{KEY}.entry-script"
    script = config.entry_script
    if not script:
        if project.table.get("entry-script"):
            return  # a value of another type, reported when the table was read
        if config.no_code_model is None:
            problems.add(where, *missing_script(config))
        return
    found = check_path(project.root, script, where, problems)
    if found is None:
        return
    if not found.is_file():
        problems.add(where, f"'{script}' is not a file.")
    name = PurePosixPath(script)
    if name.suffix != ".py":
        problems.add(where, f"'{script}' is not a Python file.", _PYTHON_ONLY.get(name.suffix, _PYTHON_ONLY[""]))
    elif not name.stem.isidentifier() or keyword.iskeyword(name.stem):
        problems.add(where, f"'{script}' cannot be imported as a module.", "Rename it to a valid Python module name.")
    source = config.source_directory
    if source and source != "." and not script.startswith(f"{source}/"):
        problems.add(where, f"'{script}' is not inside source-directory '{source}'.")


def _check_dependencies(config: Config, project: Project, problems: Problems) -> None:
    if config.user_managed_dependencies:
        return
    if project.dependencies is None and not (config.dependencies or config.requirements or config.conda_file):
        problems.add(
            "project.dependencies",
            "is dynamic, and only the build backend knows it.",
            f'Name the requirements here: requirements = ["requirements.txt"] in [{KEY}].',
        )


def _check_install_project(config: Config, project: Project, problems: Problems) -> None:
    if config.install_project and project.backend != HATCHLING:
        what = f"the build backend is '{project.backend}'" if project.backend else "there is no pyproject.toml"
        problems.add(
            f"{KEY}.install-project",
            f"needs a project that hatchling builds, and {what}.",
            'Install it as a requirement instead: dependencies = ["."] lets `mlpackage lock` build its wheel.',
        )


def _check_pylock(config: Config, project: Project, problems: Problems) -> None:
    where, name = f"{KEY}.pylock", PurePosixPath(config.pylock or "").name
    if config.pylock is None:
        return
    found = check_path(project.root, config.pylock, where, problems)
    if found and not found.is_file():
        problems.add(where, f"'{config.pylock}' is not a file.")
    if not re.fullmatch(r"pylock(?:\.[^.]+)?\.toml", name):
        problems.add(where, f"'{name}' is no name of such a file.", "Call it pylock.toml or pylock.<name>.toml.")
    if config.conda_file:
        problems.add(where, "cannot be used with conda-file.", "Keep one of them.")


def _check_source_directory(config: Config, project: Project, problems: Problems) -> None:
    where = f"{KEY}.source-directory"
    if config.source_directory is None:
        return
    found = check_path(project.root, config.source_directory, where, problems)
    if found and not found.is_dir():
        problems.add(where, f"'{config.source_directory}' is not a folder.")


def _check_models(config: Config, project: Project, problems: Problems) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, model in enumerate(config.models):
        where = f"{KEY}.models[{index}]"
        if not _MODEL_NAME.fullmatch(model.name):
            problems.add(
                f"{where}.name",
                f"'{model.name}' is not a model name.",
                "Use 1 to 255 letters, digits, dashes, dots and underscores, a letter or digit first.",
            )
        if not _MODEL_VERSION.fullmatch(model.version):
            problems.add(f"{where}.version", f"'{model.version}' is not a version.", 'Use a number such as "3".')
        first = seen.setdefault((model.name, model.version), index)
        if first != index:
            problems.add(
                where,
                f"'{model.name}' version {model.version} is also models[{first}].",
                "Change one of them.",
            )
        check_framework(model, where, problems)
        if model.is_remote:
            _check_url(model.path, f"{where}.path", problems)
            continue
        found = check_path(project.root, model.path, f"{where}.path", problems)
        if found and not (found.is_file() or found.is_dir()):
            problems.add(f"{where}.path", f"'{model.path}' is neither a file nor a folder.")


def _check_url(url: str, where: str, problems: Problems) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query:
        problems.add(
            where,
            "the URL holds a password or a query, which may be a signature.",
            "Name the file alone, and give its store's own settings the credentials.",
        )
    elif not parts.path.rpartition("/")[2]:
        problems.add(where, f"'{url}' names no file.", "A model that is declared by URL is one file.")


def _check_choices(config: Config, project: Project, problems: Problems) -> None:
    for key, value, allowed in (
        ("platform", config.platform, tuple(ARCHITECTURES)),
        ("locker", config.locker, LOCKERS),
        ("image.builder", config.image.builder, IMAGE_BUILDERS),
        ("image.models", config.image.models, MODELS_MODES),
        ("conda-mode", config.conda_mode, CONDA_MODES),
    ):
        if value not in allowed:
            problems.add(f"{KEY}.{key}", f"'{value}' is not one of {', '.join(allowed)}.", did_you_mean(value, allowed))
    lock_directory = config.lock_directory
    if not lock_directory or leads_outside(lock_directory):
        problems.add(f"{KEY}.lock-directory", f"'{lock_directory}' is not a folder inside {project.root}.")


def _check_conda(config: Config, project: Project, problems: Problems) -> None:
    for key, path, is_kind, kind in (
        ("conda-file", parts_of_conda_file(config.conda_file or "")[0], Path.is_file, "a file"),
        ("conda-channel", config.conda_channel, Path.is_dir, "a folder"),
    ):
        found = check_path(project.root, path, f"{KEY}.{key}", problems) if path else None
        if found and not is_kind(found):
            problems.add(f"{KEY}.{key}", f"'{path}' is not {kind}.")
    vendored = config.conda_mode == "vendored"
    for key, value, wrong, fix in (
        ("conda-channel", config.conda_channel, not vendored, 'Set conda-mode = "vendored", or remove it.'),
        ("conda-image", config.conda_image, vendored, "The base image is used: remove it."),
    ):
        if value and wrong:
            problems.add(f"{KEY}.{key}", f"is not used in conda-mode '{config.conda_mode}'.", fix)
    if config.conda_image and not IMAGE.fullmatch(config.conda_image):
        problems.add(f"{KEY}.conda-image", f"'{config.conda_image}' is not an image reference.")
    if vendored and config.python_version in {"3.8", "3.9"}:
        problems.add(
            f"{KEY}.conda-mode",
            f"'vendored' needs a Python of 3.10 or later in the image, not {config.python_version}: "
            "what installs the packages runs on it.",
            'Use conda-mode = "micromamba".',
        )


def _check_variables(config: Config, project: Project, problems: Problems) -> None:
    del project
    for name, value in config.environment_variables.items():
        where = f"{KEY}.environment-variables.{name}"
        if not _VARIABLE_NAME.fullmatch(name):
            problems.add(where, f"'{name}' is not a variable name.", "Use letters, digits and underscores.")
        if name in RESERVED_VARIABLES:
            problems.add(where, "is set by the context itself.", "Remove it.")
        if not _is_printable(value):
            problems.add(where, f"{value!r} holds a line break or control character.", "A Dockerfile cannot carry it.")


def _is_printable(value: str) -> bool:
    return all(character.isprintable() or character == "\t" for character in value)


def _check_system_packages(config: Config, project: Project, problems: Problems) -> None:
    del project
    for index, package in enumerate(config.system_packages):
        if not _SYSTEM_PACKAGE.fullmatch(package):
            problems.add(f"{KEY}.system-packages[{index}]", f"'{package}' is not a Debian package name.")


def _check_image(config: Config, project: Project, problems: Problems) -> None:
    del project
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
            "needs a builder that takes folders by name: the classic builder and kaniko have the context alone.",
            f'Set builder = "buildkit" in [{KEY}.image], and build with BuildKit or buildah.',
        )
    for label, value in config.image.labels.items():
        if not _LABEL_NAME.fullmatch(label) or not _is_printable(value):
            problems.add(f"{KEY}.image.labels.{label}", f"{value!r} is not a label that a Dockerfile can carry.")


def _check_secrets(config: Config, project: Project, problems: Problems) -> None:
    del project
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
            problems.add(f"{where}[{index}]", f"'{secret.id}' or its target is there twice.", "Remove one of them.")


def _check_server(config: Config, project: Project, problems: Problems) -> None:
    del project
    if config.server.workers < 1:
        problems.add(f"{KEY}.server.workers", f"must be at least 1, not {config.server.workers}.")
    server, probe, port = config.server, config.image.healthcheck, config.image.port
    for key, value, least in (
        ("server.scoring-timeout-ms", server.scoring_timeout_ms, 1),
        ("server.max-concurrent-requests", server.max_concurrent_requests, 1),
        ("server.max-queue-wait-ms", server.max_queue_wait_ms, 0),
        ("image.healthcheck.interval", probe.interval, 1),
        ("image.healthcheck.timeout", probe.timeout, 1),
        ("image.healthcheck.start-period", probe.start_period, 0),
        ("image.healthcheck.retries", probe.retries, 1),
    ):
        if value is not None and value < least:
            problems.add(f"{KEY}.{key}", f"must be at least {least}, not {value}.")
    if not 1 <= port <= _LAST_PORT:
        problems.add(f"{KEY}.image.port", f"must be between 1 and {_LAST_PORT}, not {port}.")


CHECKS = (
    _check_entry_script,
    _check_dependencies,
    _check_install_project,
    _check_pylock,
    _check_source_directory,
    _check_models,
    check_python,
    check_base_image,
    check_cuda,
    check_user_managed,
    _check_choices,
    _check_conda,
    _check_variables,
    _check_system_packages,
    _check_image,
    _check_secrets,
    _check_server,
)
