"""List the known base images, the Python in each, and the end of their support.

This is a table of facts with their sources, and nothing here reads a file or uses the network. It has no digests:
`mlpackage lock` looks them up for the platform and the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from hatch_mlpackage.project.target import python_of

MICROMAMBA = "mambaorg/micromamba:2.5.0-debian12-slim"
# These registries give most images to anybody; any other is assumed to need a login.
PUBLIC_REGISTRIES = frozenset(
    {"docker.io", "gcr.io", "ghcr.io", "mcr.microsoft.com", "nvcr.io", "public.ecr.aws", "quay.io", "registry.k8s.io"}
)
# The package that gives an Ubuntu or Debian image a Python that can make virtual environments.
PYTHON_PACKAGE = "python3-venv"

# CUDA version → the full version, the tag's spelling of cuDNN, and the Ubuntu releases that have images.
# hub.docker.com/r/nvidia/cuda; gitlab.com/nvidia/container-images/cuda, doc/supported-tags.md
_CUDA = {
    "11.8": ("11.8.0", "cudnn8", ("22.04",)),
    "12.1": ("12.1.1", "cudnn8", ("22.04",)),
    "12.2": ("12.2.2", "cudnn8", ("22.04",)),
    "12.3": ("12.3.2", "cudnn9", ("22.04",)),
    "12.4": ("12.4.1", "cudnn", ("22.04",)),
    "12.5": ("12.5.1", "cudnn", ("24.04", "22.04")),
    "12.6": ("12.6.3", "cudnn", ("24.04", "22.04")),
    "12.8": ("12.8.1", "cudnn", ("24.04", "22.04")),
    "12.9": ("12.9.1", "cudnn", ("24.04", "22.04")),
    "13.0": ("13.0.2", "cudnn", ("24.04", "22.04")),
}
CUDA_VERSIONS = tuple(_CUDA)

_DEBIAN = "bookworm"
# The newest Debian that an old Python was built on (hub.docker.com/_/python).
_LAST_DEBIAN = {"3.6": "bullseye"}
# The Python of the server, where the model has another, by the Debian that its official image has.
_SERVER_PYTHONS = {"buster": "3.11", "bullseye": "3.13", "bookworm": "3.13", "trixie": "3.13"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Describe a release of a distribution: its names in tags, the Python it packages, its last day of updates."""

    title: str
    words: tuple[str, ...]
    python: str
    end: date


# Debian: wiki.debian.org/LTS. Ubuntu: the end of standard support, ubuntu.com/about/release-cycle.
_RELEASES = (
    Release(title="Debian 9", words=("stretch", "debian9"), python="3.5", end=date(2022, 6, 30)),
    Release(title="Debian 10", words=("buster", "debian10"), python="3.7", end=date(2024, 6, 30)),
    Release(title="Debian 11", words=("bullseye", "debian11"), python="3.9", end=date(2026, 8, 31)),
    Release(title="Debian 12", words=("bookworm", "debian12"), python="3.11", end=date(2028, 6, 30)),
    Release(title="Debian 13", words=("trixie", "debian13"), python="3.13", end=date(2030, 6, 30)),
    Release(title="Ubuntu 16.04", words=("xenial", "16.04"), python="3.5", end=date(2021, 4, 30)),
    Release(title="Ubuntu 18.04", words=("bionic", "18.04"), python="3.6", end=date(2023, 5, 31)),
    Release(title="Ubuntu 20.04", words=("focal", "20.04"), python="3.8", end=date(2025, 5, 31)),
    Release(title="Ubuntu 22.04", words=("jammy", "22.04"), python="3.10", end=date(2027, 4, 30)),
    Release(title="Ubuntu 24.04", words=("noble", "24.04"), python="3.12", end=date(2029, 4, 30)),
)
# devguide.python.org/versions: the official images of a version are no longer built after its end.
_PYTHON_ENDS = {
    "3.6": date(2021, 12, 23),
    "3.7": date(2023, 6, 27),
    "3.8": date(2024, 10, 7),
    "3.9": date(2025, 10, 31),
    "3.10": date(2026, 10, 31),
    "3.11": date(2027, 10, 31),
    "3.12": date(2028, 10, 31),
    "3.13": date(2029, 10, 31),
    "3.14": date(2030, 10, 31),
}

# What Azure ML required of an image or a configuration, and why it is not needed here.
NOT_NEEDED = {
    "azureml-defaults": "the server in the image replaces it",
    "conda": "no conda is needed in the base image: conda's packages are locked, and a stage of its own installs them",
    "inferencing-stack-version": (
        "it made the original install its server into the base image; the context brings its own"
    ),
}


def official_image(python: str) -> str:
    """Return the official image of a Python that a project gets where it names none."""
    return f"python:{python}-slim-{_LAST_DEBIAN.get(python, _DEBIAN)}"


def server_image(base_image: str) -> str:
    """Return the official image that has a Python for the server, and the same Debian as a base image.

    Returns an empty string where the base image has another system, or where its name does not say which.
    """
    release = _release_of(base_image)
    debian = release.words[0] if release else ""
    if re.search(r"(?:^|/)python:[\d.]+(?:-slim)?(?:@|$)", base_image):
        debian = _LAST_DEBIAN.get(python_of(base_image) or "", _DEBIAN)
    return f"python:{_SERVER_PYTHONS[debian]}-slim-{debian}" if debian in _SERVER_PYTHONS else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaImage:
    reference: str
    python: str


def cuda_images(cuda: str) -> tuple[CudaImage, ...]:
    """Return NVIDIA's images with the libraries of a CUDA version, newest system first; () for an unknown one."""
    if cuda not in _CUDA:
        return ()
    full, cudnn, releases = _CUDA[cuda]
    references = [f"nvidia/cuda:{full}-{cudnn}-runtime-ubuntu{release}" for release in releases]
    return tuple(CudaImage(reference=it, python=packaged_python(it) or "") for it in references)


def cuda_of(image: str) -> str:
    """Return the CUDA version that an image's name and tag give, or ""."""
    found = re.search(r"cuda[:-]?(\d+\.\d+)", image.lower())
    return found[1] if found else ""


def is_nvidia(image: str) -> bool:
    """Tell whether an image is NVIDIA's own, or a mirror's copy, which has CUDA and no Python."""
    return re.search(r"(?:^|/)nvidia/cuda(?=$|[:@])", image) is not None


def packaged_python(image: str) -> str | None:
    """Return the Python that apt installs in an image of Debian, Ubuntu or NVIDIA, and None for any other."""
    release = _release_of(image)
    bare = is_nvidia(image) or re.search(r"(?:^|/)(?:debian|ubuntu)(?=$|[:@])", image)
    return release.python if release and bare else None


def ended_support(image: str, today: date, known: str = "") -> str:
    """Say whose support has ended, by an image's name and tag: its system's, its Python's or its own; "" for none.

    What also holds for the image `known` is left out.
    """
    others = (*_ended(known, today),)
    said = " and ".join(one for one in _ended(image, today) if one not in others).removesuffix(",")
    return f"{image} {said}." if said else ""


def _ended(image: str, today: date) -> Iterator[str]:
    release = _release_of(image)
    if release and release.end < today:
        yield f"is built on {release.title}, which had its last updates on {release.end},"
    python = python_of(image) or ""
    end = _PYTHON_ENDS.get(python)
    if end and end < today:
        yield f"has Python {python}, which had its last updates on {end}"
    cuda = cuda_of(image) if is_nvidia(image) else ""
    # github.com/NVIDIA/nvidia-docker/issues/1768
    if cuda and int(cuda.partition(".")[0]) <= 10:  # noqa: PLR2004 - the version
        yield "is gone: NVIDIA deletes images some months after their end, and those of CUDA 10 went in 2023"


def what_old_means(python: str) -> str:
    """Say what it means that the image has an old Python, as the rest of a sentence about it."""
    return f"had its last updates on {_PYTHON_ENDS[python]}: only the model runs on it, and the server on a newer one"


def _release_of(image: str) -> Release | None:
    # Only the last part counts: a registry or a team may have any name.
    last = image.partition("@")[0].rpartition("/")[2].lower().replace("debian:", "debian")
    for release in _RELEASES:
        if any(re.search(rf"(?<![\d.]){re.escape(word)}(?!\d)", last) for word in release.words):
            return release
    return None
