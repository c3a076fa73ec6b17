from __future__ import annotations

import pytest

from hatch_mlpackage.project.target import Target, libc_of, python_of


@pytest.mark.parametrize(
    ("base_image", "libc"),
    [
        ("python:3.12-slim-bookworm", "manylinux_2_36"),
        ("python:3.12-slim-bullseye@sha256:" + "0" * 64, "manylinux_2_31"),
        ("ubuntu:22.04", "manylinux_2_35"),
        ("nvidia/cuda:12.4.1-runtime-ubuntu22.04", "manylinux_2_35"),
        ("registry.example/base", "manylinux_2_28"),
        ("python:3.12-alpine3.20", "musl"),
    ],
)
def test_libc_of(base_image, libc):
    """The distribution in the image's name gives the C library, and an unknown one gets the oldest supported."""
    assert libc_of(base_image) == libc


@pytest.mark.parametrize(
    ("base_image", "python"),
    [
        ("python:3.12-slim", "3.12"),
        ("python:3.9.18", "3.9"),
        ("registry.example:5000/mirror/python:3.11", "3.11"),
        ("python", None),
        ("mypython:3.11", None),
        ("ubuntu:22.04", None),
        ("tensorflow/tensorflow:2.16.1", None),
    ],
)
def test_python_of(base_image, python):
    """Only the tag of an official python image gives the Python version."""
    assert python_of(base_image) == python


@pytest.mark.parametrize(
    ("python", "full_python", "abi"),
    [("3.6", "3.6.15", "cp36m"), ("3.7", "3.7.17", "cp37m"), ("3.8", "3.8.0", "cp38"), ("3.12", "3.12.0", "cp312")],
)
def test_patch_and_abi(python, full_python, abi):
    """Packages are chosen for the last release of an old Python and the first of another, with the ABI's own name."""
    target = Target(python=python, platform="linux/amd64", libc="manylinux_2_36")

    assert (target.full_python, target.abi) == (full_python, abi)


def test_target():
    """The text of a target names its Python, platform and C library."""
    target = Target(python="3.11", platform="linux/arm64", libc="manylinux_2_36")

    assert (str(target), target.architecture) == ("CPython 3.11 on linux/arm64 (manylinux_2_36)", "aarch64")
