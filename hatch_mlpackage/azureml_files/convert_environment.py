"""Turns an Environment, or the flat keys that say the same, into keys of `[tool.mlpackage]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.bases import NOT_NEEDED, cuda_of
from hatch_mlpackage.config import DEFAULT_PYTHON
from hatch_mlpackage.config_checks import RESERVED_VARIABLES
from hatch_mlpackage.decoding import decode

from .conda_text import as_environment_file, conda_items, odd_keys
from .environment import Docker, Environment, Platform, Python, Registry
from .places import Found, Places, take_path
from .python_pin import items_of, pin_of, python_for
from .shapes import Given

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

    from .nodes import Node
    from .report import Draft

ENVIRONMENT_FILE = "environment.yml"
DOCKERFILE = "base.Dockerfile"
_ORIGINALS = re.compile(r"(?:mcr\.microsoft\.com/)?azureml/", re.IGNORECASE)
_PLATFORMS = {"amd64": "linux/amd64", "x86_64": "linux/amd64", "arm64": "linux/arm64", "aarch64": "linux/arm64"}
_AT_START = "installed packages when the container started: name them in the conda file or in requirements"
# Variables of the original's images that mean something else here than a variable of the image.
_OTHERWISE = {
    "AZUREML_EXTRA_CONDA_YAML": _AT_START,
    "AZUREML_EXTRA_CONDA_YAML_ABS_PATH": _AT_START,
    "AZUREML_EXTRA_PYTHON_LIB_PATH": _AT_START,
    "AZUREML_EXTRA_REQUIREMENTS_TXT": _AT_START,
    "EXAMPLE_ENV_VAR": "the original's placeholder, which it left in every image",
    "SVDIR": "the original's process supervisor is not in the image",
    "WORKER_TIMEOUT": "a worker is stopped by server.scoring-timeout-ms alone",
}


def convert_environment(
    environment: Environment,
    places: Places,
    problems: Problems,
    draft: Draft,
    *,
    in_place: bool,
    source: Path | None,
) -> None:
    """Convert an Environment that was read without a problem."""
    name = environment.name
    if environment.is_reference:
        what = f"'{name.value if name else ''}' is kept in a workspace: save it there (save_to_directory), and give it"
        draft.by_hand(
            name, f"{what} with --environment, or name its packages", "conda-file", "requirements", "dependencies"
        )
    else:
        draft.drop(name, "the lock says what is in the image, not a name")
    draft.drop(environment.version, "the lock says what is in the image, not a version")
    draft.drop(environment.asset_id, "a name in a workspace")
    _take_variables(environment.environment_variables, draft)
    python, docker = environment.python or Python(), environment.docker or Docker()
    _convert_python(python, places, problems, draft, in_place=in_place, source=source)
    _convert_docker(docker, places, problems, draft, in_place=in_place, has_packages=is_user_managed(python))
    draft.drop(environment.inferencing_stack_version, NOT_NEEDED["inferencing-stack-version"])
    for given in (environment.spark, environment.databricks, environment.r):
        _drop_section(given, draft)
    platform, registry = docker.platform, docker.base_image_registry
    draft.name_unknown(environment, python, docker, platform, registry, docker.build_context)


def _drop_section(given: Given[Node] | None, draft: Draft) -> None:
    if given and any(not item.is_empty for key, item in _members(given.value).items() if key != _SPARK_DEFAULT):
        draft.by_hand(given, "only Python is installed: nothing of this is in the image")
    else:
        draft.drop(given, "only Python is installed")


def _members(node: Node) -> Mapping[str, Node]:
    return node.value if isinstance(node.value, Mapping) else {}


def _take_variables(given: Given[Node] | None, draft: Draft) -> None:
    for name, node in _members(given.value).items() if given else ():
        one = Given(key=f"{given.key if given else ''}.{name}", value=node.text, where=node.where)
        if name == "WORKER_COUNT" and node.text.isdecimal():
            draft.take(one, "server.workers", int(node.text))
        elif name in RESERVED_VARIABLES:
            draft.drop(one, "the image sets it")
        elif name in _OTHERWISE:
            draft.drop(one, _OTHERWISE[name])
        else:
            text = "" if node.value is None else _shell_text(node)
            draft.take(one, f"environment-variables.{name}", text)


def _shell_text(node: Node) -> str:
    """Write a value as the original's image had it: its JSON booleans were Python's."""
    return str(node.value) if isinstance(node.value, bool) else node.text


def _convert_python(
    python: Python, places: Places, problems: Problems, draft: Draft, *, in_place: bool, source: Path | None
) -> None:
    if is_user_managed(python):
        draft.take(python.user_managed_dependencies, "user-managed-dependencies", value=True)
        unread = "the original did not read it where userManagedDependencies is true"
        draft.drop(python.conda_dependencies, unread)
        draft.drop(python.conda_dependencies_file, unread)
        path = python.interpreter_path
        draft.take(path, "interpreter-path", path.value if path else "")
    else:
        draft.drop(python.user_managed_dependencies, "the packages are locked and installed")
        _take_conda(python.conda_dependencies, draft, in_place=in_place)
        take_conda_file(python.conda_dependencies_file, places, problems, draft, source=source)
        draft.drop(python.interpreter_path, "the image has one Python")
    base = python.base_conda_environment
    if base and base.value:
        what = f"'{base.value}' is an environment of the base image: name its packages, or take its Python as it is"
        draft.by_hand(base, what, "conda-file", "requirements", "dependencies", "interpreter-path")


_SPARK_DEFAULT = "precachePackages"  # true in every Environment, with nothing to cache


def is_user_managed(python: Python) -> bool:
    return bool(python.user_managed_dependencies and python.user_managed_dependencies.value)


def _take_conda(given: Given[Node] | None, draft: Draft, *, in_place: bool) -> None:
    if given is None or given.value.is_empty:
        return
    for key, node in odd_keys(given.value):
        odd = Given(key=f"{given.key}.dependencies.{key}", value=None, where=node.where)
        draft.drop(odd, "a mapping among the dependencies has pip, or conda, and nothing else")
    listed, pip = conda_items(given.value)
    if in_place:
        path = f"{given.value.path}#{given.key}"
    else:
        path = ENVIRONMENT_FILE
        draft.files[path] = as_environment_file(given.value)
    draft.take(given, "conda-file", path)
    _say_defaults(given, [item.text for item in pip], draft)
    members = _members(given.value)
    for key, what in (
        ("prefix", "a folder of another machine"),
        ("variables", "set those that matter in environment-variables"),
    ):
        if members.get(key) and not members[key].is_empty:
            one = Given(key=f"{given.key}.{key}", value=None, where=members[key].where)
            draft.drop(one, what) if key == "prefix" else draft.by_hand(one, what)
    _take_python([item.text for item in listed], given, draft)


def take_conda_file(
    given: Given[str] | None, places: Places, problems: Problems, draft: Draft, *, source: Path | None
) -> None:
    """Name the conda file, and the Python that it asks for."""
    found = take_path(given, "conda-file", places, problems, draft, source=source)
    if given is None or found is None:
        return
    items = _items_of_file(found)
    _say_defaults(given, items, draft)
    _take_python(items, given, draft)


def _items_of_file(found: Found) -> list[str]:
    try:
        return items_of(decode(found.place.read_bytes()))
    except (OSError, UnicodeDecodeError):
        return []  # told by whoever reads the conda file itself


def _say_defaults(given: Given[Any], items: list[str], draft: Draft) -> None:
    named = next((item for item in items if re.match(r"azureml[-_.]defaults\b", item, re.IGNORECASE)), "")
    if named:
        one = Given(key=f"{given.key} ({named})", value=named, where=given.where)
        draft.drop(one, f"left out of the lock: {NOT_NEEDED['azureml-defaults']}")


def _take_python(items: list[str], given: Given[Any], draft: Draft) -> None:
    pin = pin_of(items)
    python = python_for(pin) if pin else DEFAULT_PYTHON
    one = Given(key=f"{given.key} (python)", value=pin, where=given.where)
    if pin and python:
        draft.take(one, "python-version", python, f"as {pin} asks")
    elif pin:
        draft.by_hand(one, f"{pin} cannot be served: ask for Python 3.8 or later in the conda file")
    else:
        note = "none is asked for; the original's default changed (3.6.2, 3.8.13, 3.10.18)"
        draft.take(one, "python-version", python, note)


def _convert_docker(
    docker: Docker, places: Places, problems: Problems, draft: Draft, *, in_place: bool, has_packages: bool
) -> None:
    draft.drop(docker.enabled, "an image is always made")
    registry = docker.base_image_registry
    take_base_image(docker.base_image, registry, draft, problems, has_packages=has_packages)
    _take_dockerfile(docker.base_dockerfile, places, problems, draft, in_place=in_place)
    if docker.build_context:
        context = docker.build_context
        place = context.location.value if context.location else "elsewhere"
        one = Given(key="environment.docker.buildContext", value=place, where=context.where)
        draft.by_hand(one, f"fetch {place}, and name its Dockerfile or its image", "base-dockerfile", "base-image")
    platform = docker.platform or Platform()
    draft.drop(platform.os, "images are for Linux")
    if platform.architecture:
        known = _PLATFORMS.get(platform.architecture.value.lower(), "")
        if known:
            draft.take(platform.architecture, "platform", known)
        else:
            draft.by_hand(platform.architecture, f"no image is made for {platform.architecture.value}", "platform")
    draft.drop(docker.shm_size, "for those who run the image: mlpackage image run -- --shm-size …")
    draft.drop(docker.shared_volumes, "the image needs no volume")
    if docker.arguments and not docker.arguments.value.is_empty:
        draft.by_hand(docker.arguments, "for those who run the image: give them after mlpackage image run --")
    else:
        draft.drop(docker.arguments, "for those who run the image")


def _take_dockerfile(
    given: Given[str] | None, places: Places, problems: Problems, draft: Draft, *, in_place: bool
) -> None:
    """Name the Dockerfile of the base image: a file of that name, or a file for its text."""
    if given is None or not given.value.strip():
        return
    if "\n" not in given.value.strip() and not given.value.lstrip().upper().startswith("FROM "):
        take_path(given, "base-dockerfile", places, problems, draft)
        return
    text = "\n".join([*given.value.splitlines(), ""])
    if not in_place:
        draft.files[DOCKERFILE] = text
    draft.take(given, "base-dockerfile", text if in_place else DOCKERFILE)


def take_base_image(
    given: Given[str] | None, registry: Registry | None, draft: Draft, problems: Problems, *, has_packages: bool = False
) -> None:
    """Name the base image with its registry; the original's own are left out unless the packages are in them."""
    address = (registry.address.value if registry and registry.address else "").strip().rstrip("/")
    address = re.sub(r"^https?://", "", address)
    if given and re.search(r"\s", given.value.strip()):
        fix = "Write the image's name and tag without spaces: they would break the Dockerfile."
        problems.add(given.where, f"{given.key} '{given.value}' holds spaces.", fix)
    elif given and given.value.strip():
        name = given.value.strip()
        image = name if not address or name.startswith(f"{address}/") else f"{address}/{name}"
        _take_image(given, image, draft, is_needed=has_packages or not _ORIGINALS.match(image))
    if registry:
        _say_login(registry, address, draft)


def _take_image(given: Given[str], image: str, draft: Draft, *, is_needed: bool) -> None:
    cuda = cuda_of(image)
    if is_needed:
        draft.take(given, "base-image", image)
    elif cuda:
        what = f"'{image}' has CUDA {cuda}: choose one with cuda = \"12.4\", or name a base image"
        draft.by_hand(given, what, "cuda", "base-image")
    else:
        said = f"'{image}' is not needed, and the image stands on python:X.Y-slim. {_sentence(NOT_NEEDED['conda'])}"
        draft.drop(given, said)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _say_login(registry: Registry, address: str, draft: Draft) -> None:
    user = f" --username {registry.username.value}" if registry.username and registry.username.value else ""
    draft.drop(registry.address, "part of the base image's name")
    draft.drop(registry.username, f"never written; before locking and building: docker login{user} {address}")
    draft.drop(registry.password, f"never written, nor needed in this file: docker login {address} asks for it")
    draft.drop(registry.registry_identity, f"an identity of the cloud: docker login {address} instead")
