from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from hatch_mlpackage.project.known_images import (
    CUDA_VERSIONS,
    CudaImage,
    cuda_images,
    cuda_of,
    ended_support,
    is_nvidia,
    packaged_python,
    server_image,
)
from hatch_mlpackage.project.target import SUPPORTED_PYTHONS, libc_of

DOCS = Path(__file__).parents[2] / "docs/base-images.md"
TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("base_image", "cuda"),
    [
        ("python:3.12-slim-bookworm", ""),
        ("nvidia/cuda:12.4.1-runtime-ubuntu22.04", "12.4"),
        ("registry.example/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04", "11.8"),
    ],
)
def test_cuda_of(base_image, cuda):
    """The base image's name gives the CUDA version."""
    assert cuda_of(base_image) == cuda


def test_cuda_images():
    """Each CUDA version has the images of its Ubuntu releases, the newest first."""
    assert cuda_images("12.8") == (
        CudaImage(reference="nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04", python="3.12"),
        CudaImage(reference="nvidia/cuda:12.8.1-cudnn-runtime-ubuntu22.04", python="3.10"),
    )
    assert cuda_images("9.0") == ()


@pytest.mark.parametrize("cuda", CUDA_VERSIONS)
def test_every_cuda_image_can_be_locked_for(cuda):
    """Each CUDA image is still supported, and its name gives its CUDA version and C library."""
    for image in cuda_images(cuda):
        assert cuda_of(image.reference) == cuda
        assert image.python in SUPPORTED_PYTHONS
        assert libc_of(image.reference) in {"manylinux_2_35", "manylinux_2_39"}
        assert ended_support(image.reference, TODAY) == ""


@pytest.mark.parametrize(
    ("image", "nvidia", "python"),
    [
        ("nvidia/cuda:12.4.1-base-ubuntu22.04", True, "3.10"),
        ("mirror.example:5000/nvidia/cuda:12.8.1-base-ubuntu24.04@sha256:" + "0" * 64, True, "3.12"),
        ("nvidia/cuda:12.4.1-base-rockylinux9", True, None),
        ("not-nvidia/cuda:12.4.1-base-ubuntu22.04", False, None),
        ("debian:12-slim", False, "3.11"),
        ("debian:bookworm-slim", False, "3.11"),
        ("mirror.example/library/ubuntu:24.04", False, "3.12"),
        ("ubuntu", False, None),
        ("python:3.12-slim-bookworm", False, None),
        ("team/ubuntu-22.04:1", False, None),
    ],
)
def test_what_is_known_of_an_image(image, nvidia, python):
    """A distribution's own image, and NVIDIA's on it, has the distribution's Python; another may have any."""
    assert (is_nvidia(image), packaged_python(image)) == (nvidia, python)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("python:3.12-slim-bookworm", ""),
        ("python:3.12", ""),
        ("python:3.9", "has Python 3.9, which had its last updates on 2025-10-31."),
        (
            "python:3.9-slim-bullseye",
            (
                "is built on Debian 11, which had its last updates on 2026-08-31, and has Python 3.9, which had its "
                "last updates on 2025-10-31."
            ),
        ),
        (
            "mcr.microsoft.com/azureml/intelmpi2018.3-ubuntu16.04",
            "is built on Ubuntu 16.04, which had its last updates on 2021-04-30.",
        ),
        (
            "nvidia/cuda:10.0-cudnn7-runtime-ubuntu18.04",
            (
                "is built on Ubuntu 18.04, which had its last updates on 2023-05-31, and is gone: NVIDIA deletes "
                "images some months after their end, and those of CUDA 10 went in 2023."
            ),
        ),
        ("registry.example/16.04/base:122.04", ""),
    ],
)
def test_what_has_ended(image, said):
    """Systems, Pythons and images past their last day are reported in one sentence, and similar names are not."""
    assert ended_support(image, TODAY) == (f"{image} {said}" if said else "")


@pytest.mark.parametrize(
    ("image", "known", "said"),
    [
        ("python:3.6-slim-bullseye", "python:3.6-slim-bullseye", ""),
        ("python:3.13-slim-bullseye", "python:3.6-slim-bullseye", ""),
        ("python:3.7", "python:3.7-slim-bookworm", ""),
        (
            "python:3.7-buster",
            "python:3.7-slim-bookworm",
            "is built on Debian 10, which had its last updates on 2024-06-30.",
        ),
    ],
)
def test_what_is_known_is_not_repeated(image, known, said):
    """What has ended for the best image that there is, is no reason to choose another one."""
    assert ended_support(image, TODAY, known) == (f"{image} {said}" if said else "")


def test_the_last_day_counts():
    """A release is still supported on its last day, and no longer on the next."""
    assert ended_support("debian:bookworm", date(2028, 6, 30)) == ""
    assert ended_support("debian:bookworm", date(2028, 7, 1)) != ""


@pytest.mark.parametrize(
    ("base_image", "image"),
    [
        ("python:3.7-slim-bookworm", "python:3.13-slim-bookworm"),
        ("python:3.6-slim-bullseye@sha256:" + "0" * 64, "python:3.13-slim-bullseye"),
        ("registry.example/team/python:3.7-buster", "python:3.11-slim-buster"),
        ("python:3.7-slim", "python:3.13-slim-bookworm"),
        ("python:3.6", "python:3.13-slim-bullseye"),
        ("python:3.6-slim-stretch", ""),
        ("python:3.7-alpine3.17", ""),
        ("team/base:1", ""),
        ("mcr.microsoft.com/azureml/openmpi3.1.2-ubuntu18.04:latest", ""),
    ],
)
def test_where_the_server_s_python_comes_from(base_image, image):
    """The server's Python comes from the official image with the same Debian, where the name says which that is."""
    assert server_image(base_image) == image


def test_the_documented_images():
    """The documentation's table of CUDA versions and Pythons is the table in use."""
    documented = {}
    for versions, pythons in re.findall(r"(?m)^\| ((?:\d+\.\d+(?:, )?)+) \| ([^|]+) \|$", DOCS.read_text()):
        found = re.findall(r"(3\.\d+) \(Ubuntu (\S+?)[,)]", pythons)
        documented |= dict.fromkeys(versions.split(", "), found)

    assert documented == {
        cuda: [(image.python, image.reference.rpartition("ubuntu")[2]) for image in cuda_images(cuda)]
        for cuda in CUDA_VERSIONS
    }
