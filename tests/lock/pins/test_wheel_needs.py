from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.asked.sources import Source
from hatch_mlpackage.lock.pins.wheel_needs import unlike_the_wheels
from hatch_mlpackage.project.target import Target

TARGET = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_36")
HASH = f"--hash=sha256:{'a' * 64}"
LIB = Source(text="./lib[x]", location="./lib", digest="sha256:0", extras=("x",))
ALPHA = (
    'beta[X.y]>=2; python_version >= "3"',
    'never; sys_platform == "win32"',
    'optional; extra == "more"',
    'rarely; python_full_version < "3.12.5"',
)
BETA = ('gamma; extra == "x-y"',)
WHEELS = {"alpha": ALPHA, "beta": BETA, "gamma": ("alpha",)}
LINES = (f"alpha==1 {HASH}", f"beta==2 {HASH}", f"gamma==3 {HASH}")


@pytest.mark.parametrize(
    ("asked", "wheels", "lines", "said"),
    [
        (("alpha",), WHEELS, LINES, []),
        (("alpha[more]",), WHEELS, LINES, ["alpha 1 (line 1) needs optional, which it lacks"]),
        (
            ("alpha",),
            WHEELS,
            (LINES[0], f"beta==1 {HASH}", LINES[2]),
            ["alpha 1 (line 1) needs beta>=2, it has beta 1 (line 2)"],
        ),
        (("alpha",), WHEELS, LINES[:2], ["beta 2 (line 2) needs gamma, which it lacks"]),
        (("alpha",), {**WHEELS, "evil": ()}, (*LINES, f"evil==6 {HASH}"), ["no wheel needs evil 6 (line 4)"]),
        (("alpha",), {**WHEELS, "rarely": ()}, (*LINES, f"rarely==1 {HASH}"), []),
        (("alpha",), WHEELS, (*LINES, f"evil==6 {HASH}"), []),
        (("beta",), WHEELS, LINES, ["no wheel needs alpha 1 (line 1)", "no wheel needs gamma 3 (line 3)"]),
        (("alpha",), {**WHEELS, "beta": None}, LINES, []),
    ],
    ids=[
        "all",
        "a missing extra",
        "an older version",
        "a missing package",
        "an extra package",
        "perhaps needed",
        "not every wheel",
        "an extra that is not asked for",
        "a wheel that cannot be read",
    ],
)
def test_what_wheels_need(tmp_path: Path, asked, wheels, lines, said) -> None:
    """What the wheels need has to be in the lock; what is in it has to be needed, if every wheel can be read."""
    paths = [write(tmp_path, name, needs) for name, needs in wheels.items()]

    found = unlike_the_wheels(paths, "".join(f"{line}\n" for line in lines), Requirements(requirements=asked), TARGET)

    assert list(found) == said


def test_a_wheel_beside_the_lock(tmp_path: Path) -> None:
    """A source without a name is known by its wheel, with the extras that are asked for."""
    wheel = write(tmp_path, "lib", ('beta; extra == "x"',))
    lock = f"# vendored: {wheel.name} sha256:0 from ./lib[x]\n./wheels/{wheel.name} {HASH}\n"

    assert list(unlike_the_wheels([wheel], lock, Requirements(sources=(LIB,)), TARGET)) == [
        "lib 1 (line 2) needs beta, which it lacks"
    ]


def write(folder: Path, name: str, needs: tuple[str, ...] | None) -> Path:
    path = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        if needs is not None:
            lines = "".join(f"Requires-Dist: {need}\n" for need in needs)
            archive.writestr(f"{name}-1.dist-info/METADATA", f"Name: {name}\nVersion: 1\n{lines}")
    return path
