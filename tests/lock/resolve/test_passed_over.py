"""Lock older versions than the requirements allow, with either resolver, and see what is said about each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve.make import Made, make_lock
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    from hatch_mlpackage.lock.asked.requirements import Requirements

    PackageIndex = Any

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGET = Target(python=HERE, platform="linux/amd64", libc="manylinux_2_28")
Lock = Callable[..., Made]


@pytest.fixture(params=["uv", "pip-tools"])
def lock(request: pytest.FixtureRequest, asking: Callable[..., Requirements], quiet: Callable[..., None]) -> Lock:
    """Give a function that locks requirements with each resolver in turn, after an earlier lock if one is given."""

    def make(*asked: str, after: Made | None = None, upgrade: bool = False) -> Made:
        previous = after.text if after else None
        return make_lock(asking(*asked), TARGET, locker=request.param, previous=previous, upgrade=upgrade, report=quiet)

    return make


def pinned(made: Made) -> dict[str, str | None]:
    return {pin.name: pin.version for pin in read_pins(made.text)}


@pytest.mark.parametrize("there", ["nothing", "a source archive", "another wheel"])
@pytest.mark.parametrize("wanted", ["fuse", "fuse>=1"])
def test_a_package_without_a_wheel(index: PackageIndex, lock: Lock, there: str, wanted: str) -> None:
    """A warning names the package that has no wheel, deep below the requirement, and the ways out."""
    index.add("meta", "1.0")
    index.add("meta", "2.0", "runtime")
    index.add("runtime", "1.0", wanted)
    if there == "a source archive":
        index.add_source("fuse", "1.0")
    elif there == "another wheel":
        index.add("fuse", "1.0", tag="cp27-cp27m-win32")

    made = lock("meta")

    assert pinned(made) == {"meta": "1.0"}
    assert made.notes == (
        Problem(
            where="meta",
            what=f"1.0 is locked and not 2.0, which needs fuse, of which no index has a wheel for {TARGET}.",
            fix=(
                "If there is a source archive of fuse, add it to build-from-source, and run `mlpackage lock "
                "--upgrade`, which builds the wheel. Or pin meta to the version that you want. Or leave it out, and "
                "name those of its packages that the script imports."
            ),
            level="warning",
            code="older-version",
        ),
    )


def test_requirements_that_limit_each_other(index: PackageIndex, lock: Lock) -> None:
    """One hint names the older versions that other requirements led to, and the newest ones."""
    index.add("alpha", "1.0")
    index.add("alpha", "2.0")
    index.add("beta", "1.0", "alpha<2")

    made = lock("alpha", "beta")

    assert pinned(made) == {"alpha": "1.0", "beta": "1.0"}
    (note,) = made.notes
    assert str(note) == (
        "older versions than the newest were locked because of the other requirements: alpha 1.0 (2.0 is there). "
        "Loosen those for newer versions."
    )
    assert note.level == "hint"


def test_versions_that_stay_locked(index: PackageIndex, lock: Lock) -> None:
    """Where kept versions lead to an older one of what is added, the hint names the command that moves them."""
    index.add("alpha", "1.0")
    before = lock("alpha")
    index.add("alpha", "2.0")
    index.add("beta", "1.0", "alpha")
    index.add("beta", "2.0", "alpha>=2")

    after = lock("alpha", "beta", after=before)
    upgraded = lock("alpha", "beta", after=before, upgrade=True)

    assert (pinned(after), pinned(upgraded)) == (
        {"alpha": "1.0", "beta": "1.0"},
        {"alpha": "2.0", "beta": "2.0"},
    )
    (note,) = after.notes
    assert str(note) == (
        "older versions than the newest were locked because of the other requirements, or the versions that stay "
        "locked: beta 1.0 (2.0 is there). `mlpackage lock --upgrade` lets them all move."
    )
    assert upgraded.notes == ()


def test_nothing_is_said_of_versions_that_were_chosen(index: PackageIndex, lock: Lock) -> None:
    """The newest versions, those that a requirement allows and those that were kept are nobody's surprise."""
    index.add("alpha", "1.0")
    index.add("beta", "1.0")
    index.add("gamma", "1.0")
    before = lock("alpha", "beta<2", "gamma==1.0")
    for name in ("alpha", "beta", "gamma"):
        index.add(name, "2.0")

    assert (before.notes, lock("alpha", "beta<2", "gamma==1.0", after=before).notes) == ((), ())


def test_nothing_is_said_of_versions_for_other_pythons(index: PackageIndex, lock: Lock) -> None:
    """A newer version for a later Python is not passed over, even where the index does not say whom it is for."""
    index.add("alpha", "1.0")
    index.add("alpha", "2.0", python=">=3.99")
    index.pythons.clear()

    made = lock("alpha")

    assert (pinned(made), made.notes) == ({"alpha": "1.0"}, ())


def test_without_uv(index: PackageIndex, asking: Callable[..., Requirements], monkeypatch: pytest.MonkeyPatch) -> None:
    """pip-tools alone locks as before, and says that nobody looked for newer versions."""
    index.add("alpha", "1.0")
    monkeypatch.setattr("hatch_mlpackage.lock.resolve.uv.find_uv", lambda: None)
    reported: list[str] = []

    made = make_lock(asking("alpha"), TARGET, locker="pip-tools", report=reported.append)

    assert (pinned(made), made.notes) == ({"alpha": "1.0"}, ())
    assert reported[-1] == (
        "Whether newer versions were passed over, and why, only uv can find out: it is not installed."
    )
