"""What the image is to be, as the values that its templates are filled with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from hatch_mlpackage.context.locked_files import ENVIRONMENT_WHEELS, SERVER_WHEELS, has_wheels
from hatch_mlpackage.context.named_contexts import named_copies, shown_places
from hatch_mlpackage.context.package import SAMPLE, Package
from hatch_mlpackage.context.plan import APP_DIRECTORY, PROJECT_LAYER, ContextFile
from hatch_mlpackage.context.project_files import source_name
from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.files.quoting import code_line, quote_for_dockerfile, quote_for_shell, word_for_dockerfile
from hatch_mlpackage.lock.images.base_image import BaseImageState
from hatch_mlpackage.lock.images.reference import parse_reference
from hatch_mlpackage.lock.inputs import images_of
from hatch_mlpackage.lock.project_conda import conda_values
from hatch_mlpackage.project.config.keys import GENERATED_SCRIPT, MODELS_DIRECTORY, PORT, Config, Server
from hatch_mlpackage.project.dockerfiles.extra_steps import names_in
from hatch_mlpackage.project.known_images import PUBLIC_REGISTRIES, PYTHON_PACKAGE, is_nvidia
from hatch_mlpackage.project.target import OLD_PYTHONS

# Any user id works; 1000 is what the original's images ran as, group 0 is what OpenShift gives to random ids.
USER = "1000:0"
HEALTH_PORT = "5000"  # the server's default
APP_ROOT = f"/var/{APP_DIRECTORY}"
WORKER_PYTHON = "/opt/mlpackage/environment/bin/python"


def server_environment(package: Package) -> Mapping[str, str]:
    """Give the variables that the image sets, in one order; its manifest lists them.

    They say what the server serves and how, and what the container toolkit shows it.
    """
    config = package.config
    values = {**_gpu_environment(config), "AML_APP_ROOT": APP_ROOT}
    script = config.entry_script or GENERATED_SCRIPT
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
        values["AZUREML_MODEL_DIR"] = f"{APP_ROOT}/{MODELS_DIRECTORY}"
    values["MLPACKAGE_WORKER_PYTHON"] = interpreter_of(config) if config.user_managed_dependencies else WORKER_PYTHON
    values["WORKER_COUNT"] = str(config.server.workers)
    values.update({name: str(value) for name, value in _settings(config.server).items() if value is not None})
    return {**values, **config.environment_variables}


_SWITCHED = {True: "on", False: "off"}


def _settings(server: Server) -> Mapping[str, int | str | None]:
    memory, batching, warm_up = server.worker_memory_mb, server.batching, server.warm_up
    return {
        "MLPACKAGE_BATCHING": "on" if batching else None,
        "MLPACKAGE_BATCHING_MAX_DELAY_MS": batching.max_delay_ms if batching else None,
        "MLPACKAGE_BATCHING_MAX_ROWS": batching.max_rows if batching else None,
        "SCORING_TIMEOUT_MS": server.scoring_timeout_ms,
        "MLPACKAGE_MAX_CONCURRENT_REQUESTS": server.max_concurrent_requests,
        "MLPACKAGE_MAX_QUEUE_WAIT_MS": server.max_queue_wait_ms,
        "MLPACKAGE_WORKER_MEMORY": None if memory is None else memory * 1_000_000,
        "MLPACKAGE_WARM_UP": None if warm_up is None else _SWITCHED[warm_up],
    }


def interpreter_of(config: Config) -> str:
    """Name the base image's Python: it makes environments, and runs the worker where it has the model's packages."""
    return (config.interpreter_path or "python") if config.user_managed_dependencies else "python3"


def dockerfile_values(
    package: Package, images: Sequence[BaseImageState], files: Sequence[ContextFile]
) -> dict[str, Any]:
    """Give what the Dockerfile is filled with; stages start from `images`, the environment is made of `files`."""
    config = package.config
    pinned = dict(zip(images_of(package), (state.image for state in images), strict=True))
    base_image = pinned[config.base_image]
    dockerfile = package.base_dockerfile
    conda = conda_values(config, package.conda)
    if conda:
        conda["image"] = pinned.get(conda["image"], "")
    server_image = config.server.base_image
    own, servers = (has_wheels(files, place) for place in (ENVIRONMENT_WHEELS, SERVER_WHEELS))
    return {
        "app_directory": APP_DIRECTORY,
        "architecture": config.target.architecture,
        "base_dockerfile": dockerfile.text(pinned) if dockerfile else "",
        "base_is_old": config.base_python in OLD_PYTHONS,
        "base_python": config.base_python,
        "base_image": word_for_dockerfile(dockerfile.last_stage if dockerfile else base_image),
        "conda": conda,
        "directives": dockerfile.directives if dockerfile else (),
        "environment": _quoted(server_environment(package)),
        "environment_wheels": own,
        "extra_steps": _extra_steps(package),
        "healthcheck": config.image.healthcheck,
        "interpreter": word_for_dockerfile(interpreter_of(config)),
        "labels": _quoted({**_standard_labels(package, base_image), **config.image.labels}),
        "models": config.models,
        "named_copies": named_copies(package.files),
        "old_pip": package.has_old_pip,
        "port": PORT,
        "health_port": _health_port(config),
        "project_wheel": next((word_for_dockerfile(file.path) for file in files if file.layer == PROJECT_LAYER), ""),
        "python_version": config.python_version,
        "source_date_epoch": TIMESTAMP,
        "secrets": config.image.secrets,
        "server_image": word_for_dockerfile(pinned[server_image]) if server_image else "",
        "server_python": config.server_target.python,
        "server_wheels": servers,
        "sets_shell": dockerfile is not None and dockerfile.sets_shell,
        "stage": f"conda-{config.conda_mode}" if conda else "wheels" if own or (servers and not server_image) else "",
        "system_packages": tuple(map(_word_of_apt, _system_packages(package))),
        "user": USER,
        "user_managed": config.user_managed_dependencies,
        "wheelhouse": config.wheelhouse,
    }


def _health_port(config: Config) -> str:
    """Return the port that is open for probes alone; nothing where probes use that of the server."""
    variables = config.environment_variables
    return (variables.get("HEALTH_PORT") or HEALTH_PORT) if variables.get("SEPERATE_HEALTH_ENDPOINT") == "true" else ""


def _gpu_environment(config: Config) -> Mapping[str, str]:
    """Give the variables by which NVIDIA's container toolkit knows what to show; its own images have them."""
    if not config.cuda or is_nvidia(config.base_image):
        return {}
    return {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}


def _word_of_apt(package: str) -> str:
    """Quote the star with which apt-get takes any version that begins so, before the shell reads it as a pattern."""
    return f"'{word_for_dockerfile(package[:-1])}*'" if package.endswith("*") else word_for_dockerfile(package)


def _system_packages(package: Package) -> tuple[str, ...]:
    config = package.config
    own_python = config.user_managed_dependencies or config.base_dockerfile is not None
    python = (PYTHON_PACKAGE,) if is_nvidia(config.base_image) and not own_python else ()
    generated = package.no_code.system_packages if package.no_code else ()
    return tuple(sorted({*config.system_packages, *python, *generated}))


def _extra_steps(package: Package) -> str:
    """Give the user's lines, and after them what makes those that follow run as before."""
    text = package.extra_steps
    after = {"USER": "USER 0:0\n", "SHELL": 'SHELL ["/bin/sh", "-c"]\n'}
    return text + "".join(line for instruction, line in after.items() if instruction in names_in(text))


def about_run(package: Package) -> Mapping[str, Any]:
    """Tell what differs from most images: the port to publish, and the digest of the user's lines of the Dockerfile."""
    port, steps = package.config.image.port, _extra_steps(package)
    digest = hashlib.sha256(steps.encode()).hexdigest()
    return {
        **({"port": port} if port != PORT else {}),
        **({"extra-dockerfile-steps": f"sha256:{digest}"} if steps else {}),
    }


def _standard_labels(package: Package, base_image: str) -> Mapping[str, str]:
    """Give the labels that registries and scanners read (opencontainers/image-spec, annotations.md)."""
    name, _, digest = base_image.partition("@")
    labels = {
        "org.opencontainers.image.title": package.project.name,
        "org.opencontainers.image.version": package.project.version,
        "org.opencontainers.image.base.name": name,
    }
    return {**labels, "org.opencontainers.image.base.digest": digest} if digest else labels


def readme_values(package: Package, files: list[ContextFile]) -> dict[str, Any]:
    return {
        "conda": conda_values(package.config, package.conda),
        "gpu": bool(package.config.cuda),
        "image_name": quote_for_shell(package.image_name),
        "logins": [quote_for_shell(registry) for registry in _logins(package)],
        "named_contexts": shown_places(package.project, package.config),
        "port": PORT,
        "published": package.config.image.port,
        "sample": SAMPLE if package.no_code else None,
        "secrets": [quote_for_shell(secret.id) for secret in package.config.image.secrets],
        "user_managed": package.config.user_managed_dependencies,
        "tree": [
            code_line(path)
            for path in sorted({file.path for file in files if file.layer != "runtime" and not file.named_context})
        ],
    }


def _logins(package: Package) -> list[str]:
    """List the registries that may ask for a login."""
    return sorted({parse_reference(image).registry for image in images_of(package)} - PUBLIC_REGISTRIES)


def _quoted(values: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(word_for_dockerfile(name), quote_for_dockerfile(value)) for name, value in values.items()]
