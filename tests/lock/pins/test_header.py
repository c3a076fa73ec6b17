from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.header import Header, digest, inputs_digest, split_header, with_header
from hatch_mlpackage.project.target import Target

TARGET = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_36")
ASKED = Requirements(
    requirements=("a[x,y]", 'a[z]; python_version >= "3"', "b", 'c[w]; python_version < "3"', "d[v]"),
    constraints=("b<2",),
    options=("--pre",),
    notes=("said",),
)
# If this digest changes, every existing lock looks changed.
INPUTS = "sha256:94a4f758a7ce83bec543546d2fe66cb2c4717e30a3d9258d5ee7141630b4c28c"

BODY_DIGEST = digest("body\n")


def test_there_and_back() -> None:
    """The header records the target and the inputs of the lock, and is read back whole."""
    text = with_header("body\n", ASKED, TARGET)

    assert text == (
        "# Locked for CPython 3.12 on linux/amd64 by hatch-mlpackage; renew with: mlpackage lock\n"
        "# mlpackage-lock: schema=1 python=3.12 platform=linux/amd64 libc=manylinux_2_36 "
        f"inputs={INPUTS} body={BODY_DIGEST} extras=a[x+y+z],d[v]\n"
        "body\n"
    )
    assert split_header(text) == (
        Header(
            schema="1",
            python="3.12",
            platform="linux/amd64",
            libc="manylinux_2_36",
            inputs=INPUTS,
            body=digest("body\n"),
            extras={"a": frozenset("xyz"), "d": frozenset("v")},
        ),
        "body\n",
    )


def test_notes_are_no_input() -> None:
    """Notes do not change the digest of the inputs."""
    assert inputs_digest(replace(ASKED, notes=()), TARGET) == INPUTS


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        (replace(ASKED, requirements=()), TARGET),
        (replace(ASKED, constraints=()), TARGET),
        (replace(ASKED, options=()), TARGET),
        (ASKED, replace(TARGET, python="3.11")),
        (ASKED, replace(TARGET, platform="linux/arm64")),
        (ASKED, replace(TARGET, libc="musl")),
    ],
)
def test_inputs(asked: Requirements, target: Target) -> None:
    """A change of any input changes the digest."""
    assert inputs_digest(asked, target) != INPUTS


@pytest.mark.parametrize("text", ["", "a==1\n", "a==1\n# mlpackage-lock: schema=1\n", "# mlpackage-lock: schema=1\n"])
def test_no_header(text: str) -> None:
    """A header that is missing, incomplete or not at the top is read as None."""
    assert split_header(text)[0] is None
