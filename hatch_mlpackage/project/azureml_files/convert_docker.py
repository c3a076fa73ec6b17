"""Convert the base image and the docker section to keys of `[tool.mlpackage]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hatch_mlpackage.project.azureml_files.environment import BuildContext, Docker, Platform, Registry
from hatch_mlpackage.project.known_images import NOT_NEEDED, cuda_of

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.report import Draft
    from hatch_mlpackage.project.azureml_files.shapes import Given

DOCKERFILE = "base.Dockerfile"
_ORIGINALS = re.compile(r"(?:mcr\.microsoft\.com/)?azureml/", re.IGNORECASE)
_PLATFORMS = {"amd64": "linux/amd64", "x86_64": "linux/amd64", "arm64": "linux/arm64", "aarch64": "linux/arm64"}


def convert_docker(docker: Docker, draft: Draft, *, has_packages: bool) -> None:
    draft.drop(docker.enabled, "an image is always made")
    take_base_image(docker.base_image, docker.base_image_registry, draft, has_packages=has_packages)
    _take_dockerfile(docker.base_dockerfile, draft)
    context = docker.build_context or BuildContext()
    fetch = "fetch that folder, and name its Dockerfile or its image"
    draft.by_hand(context.location, fetch, "base-dockerfile", "base-image")
    for given in (context.location_type, context.dockerfile_path):
        draft.drop(given, "part of the location")
    platform = docker.platform or Platform()
    draft.drop(platform.os, "images are for Linux")
    if platform.architecture:
        known = _PLATFORMS.get(platform.architecture.value.lower(), "")
        if known:
            draft.take(platform.architecture, "platform", known)
        else:
            draft.by_hand(platform.architecture, f"no image is made for {platform.architecture.value}", "platform")
    draft.drop(docker.shm_size, "set it when you run the image: mlpackage image run -- --shm-size …")
    draft.drop(docker.shared_volumes, "the image needs no volume")
    if docker.arguments and not docker.arguments.value.is_empty:
        draft.by_hand(docker.arguments, "give them when you run the image: mlpackage image run -- …")
    else:
        draft.drop(docker.arguments, "they are given when the image is run")


def _take_dockerfile(given: Given[str] | None, draft: Draft) -> None:
    """Set the base image's Dockerfile: a file of that name, or a new file for its text."""
    if given is None or not given.value.strip():
        return
    if "\n" not in given.value.strip() and not given.value.lstrip().upper().startswith("FROM "):
        draft.take_path(given, "base-dockerfile")
        return
    text = "\n".join([*given.value.splitlines(), ""])
    if not draft.in_place:
        draft.files[DOCKERFILE] = text
    draft.take(given, "base-dockerfile", text if draft.in_place else DOCKERFILE)


def take_base_image(
    given: Given[str] | None, registry: Registry | None, draft: Draft, *, has_packages: bool = False
) -> None:
    """Set the base image with its registry; leave out the original's images unless the packages are in them."""
    address = (registry.address.value if registry and registry.address else "").strip().rstrip("/")
    address = re.sub(r"^https?://", "", address)
    if given and re.search(r"\s", given.value.strip()):
        fix = "Write the image's name and tag without spaces: they would break the Dockerfile."
        draft.problems.add(given.where, f"{given.key} '{given.value}' holds spaces.", fix)
    elif given and given.value.strip():
        name = given.value.strip()
        image = name if not address or _has_host(name) else f"{address}/{name}"
        _take_image(given, image, draft, is_needed=has_packages or not _ORIGINALS.match(image))
    if registry:
        elsewhere = given is not None and _has_host(given.value) and not given.value.strip().startswith(f"{address}/")
        why = (
            "the base image's name begins with another registry" if elsewhere else "it is part of the base image's name"
        )
        draft.drop(registry.address, why)
        _report_login(registry, address, draft)


def _has_host(name: str) -> bool:
    """Tell whether an image's name begins with a registry (github.com/distribution/reference)."""
    first, slash, _ = name.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def _take_image(given: Given[str], image: str, draft: Draft, *, is_needed: bool) -> None:
    cuda = cuda_of(image)
    if is_needed:
        draft.take(given, "base-image", image)
    elif cuda:
        what = f"'{image}' has CUDA {cuda}: choose one with cuda = \"12.4\", or name a base image"
        draft.by_hand(given, what, "cuda", "base-image")
    else:
        reason = NOT_NEEDED["conda"]
        why = f"'{image}' is not needed: the image is built on python:X.Y-slim. {reason[0].upper()}{reason[1:]}"
        draft.drop(given, why)


def _report_login(registry: Registry, address: str, draft: Draft) -> None:
    user = f" --username {registry.username.value}" if registry.username and registry.username.value else ""
    draft.drop(registry.username, f"never written; log in before you lock and build: docker login{user} {address}")
    draft.drop(registry.password, f"never written, and not needed here: docker login {address} asks for it")
    draft.drop(registry.registry_identity, f"an identity of the cloud: use docker login {address} instead")
