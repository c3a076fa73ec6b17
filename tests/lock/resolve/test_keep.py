"""Lock again with either resolver: what stays, what moves, and the reasons that are given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve.make import Made, make_lock
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    from hatch_mlpackage.lock.asked.requirements import Requirements

    PackageIndex = Any

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGET = Target(python=HERE, platform="linux/amd64", libc="manylinux_2_28")
NO_WHEEL = f"no index has a wheel of it for {TARGET}"
Lock = Callable[..., Made]


def pinned(made: Made) -> dict[str, str | None]:
    return {pin.name: pin.version for pin in read_pins(made.text)}


@pytest.fixture(params=["uv", "pip-tools"])
def lock(request: pytest.FixtureRequest, asking: Callable[..., Requirements], quiet: Callable[..., None]) -> Lock:
    """Give a function that locks requirements with each resolver in turn, after an earlier lock if one is given."""

    def make(*asked: str, after: Made | None = None) -> Made:
        previous = after.text if after else None
        return make_lock(asking(*asked), TARGET, locker=request.param, previous=previous, report=quiet)

    return make


@pytest.mark.parametrize("added", ["aaa", "zzz"])
def test_a_new_requirement_moves_no_pin_that_can_stay(index: PackageIndex, lock: Lock, added: str) -> None:
    """An older release of what is added is taken, whatever the order of the names, rather than another pin moved."""
    index.add("middle", "1.0")
    before = lock("middle")
    index.add("middle", "2.0")
    index.add(added, "1.0", "middle")
    index.add(added, "2.0", "middle>=2")

    after = lock("middle", added, after=before)

    assert (pinned(after), after.why) == ({"middle": "1.0", added: "1.0"}, {})
    assert "kept.txt" not in after.text


def test_a_lock_that_nothing_changes_keeps_its_bytes(index: PackageIndex, lock: Lock) -> None:
    """Keeping every pin leaves no trace in the comments that say what needs a package."""
    index.add("alpha", "1.0", "beta")
    index.add("beta", "1.0")
    index.add("gamma", "1.0", "beta")
    before = lock("alpha", "beta", "gamma")
    index.add("beta", "2.0")

    assert lock("alpha", "beta", "gamma", after=before) == before


def test_a_requirement_that_excludes_a_pin(index: PackageIndex, lock: Lock) -> None:
    """Only the pin that the requirement excludes moves, and the requirement is the reason."""
    for name in ("alpha", "beta"):
        index.add(name, "1.0")
    before = lock("alpha", "beta")
    for name in ("alpha", "beta"):
        index.add(name, "2.0")

    after = lock("alpha>=2", "beta", after=before)

    assert (pinned(after), after.why) == ({"alpha": "2.0", "beta": "1.0"}, {"alpha": "alpha>=2 is asked for"})


def test_a_pin_that_what_is_asked_for_excludes(index: PackageIndex, lock: Lock) -> None:
    """A pin that only other packages need moves where the new version of one of them needs it to."""
    index.add("alpha", "1.0", "beta", "gamma")
    index.add("beta", "1.0")
    index.add("gamma", "1.0")
    before = lock("alpha")
    index.add("alpha", "2.0", "beta>=2", "gamma")
    index.add("beta", "2.0")
    index.add("gamma", "2.0")

    after = lock("alpha>=2", after=before)

    assert pinned(after) == {"alpha": "2.0", "beta": "2.0", "gamma": "1.0"}
    assert after.why["alpha"] == "alpha>=2 is asked for"
    assert after.why["beta"] in {"alpha>=2.0 needs beta>=2", "alpha 2.0 needs beta>=2"}
    assert after.why.keys() == {"alpha", "beta"}


def test_a_pin_whose_own_needs_exclude_it(index: PackageIndex, lock: Lock) -> None:
    """A pin that needs an older version of something that is asked for moves, and says so."""
    index.add("alpha", "1.0", "beta<2")
    index.add("beta", "1.0")
    before = lock("alpha", "beta")
    index.add("alpha", "1.1", "beta")
    index.add("beta", "2.0")

    after = lock("alpha", "beta>=2", after=before)

    assert pinned(after) == {"alpha": "1.1", "beta": "2.0"}
    assert after.why == {
        "alpha": "it needs beta<2, which something else excludes",
        "beta": "beta>=2 is asked for",
    }


def test_pins_of_another_python(index: PackageIndex, asking: Callable[..., Requirements]) -> None:
    """Pins that were made for another Python stay where they fit, which is said, and how to get newer ones."""
    index.add("alpha", "1.0")
    before = make_lock(asking("alpha"), replace(TARGET, python="3.8"), report=lambda _: None)
    index.add("alpha", "2.0")
    said: list[str] = []

    after = make_lock(asking("alpha"), TARGET, previous=before.text, report=said.append)
    make_lock(asking("alpha"), TARGET, previous=after.text, report=said.append)

    assert pinned(after) == {"alpha": "1.0"}
    kept = f"Versions that were locked for Python 3.8 stay where they fit Python {HERE}, too"
    assert [line for line in said if "3.8" in line] == [f"{kept}: `mlpackage lock --upgrade` takes newer ones."]


@pytest.mark.parametrize("left", ["nothing", "a source archive", "another wheel"])
def test_a_pin_that_the_index_no_longer_has(index: PackageIndex, lock: Lock, left: str) -> None:
    """A pin without a wheel for the image moves, and the pins beside it stay."""
    for name in ("alpha", "beta"):
        index.add(name, "1.0")
    before = lock("alpha", "beta")
    for name in ("alpha", "beta"):
        index.add(name, "2.0")
    del index.files["alpha-1.0-py3-none-any.whl"]
    if left == "a source archive":
        index.add_source("alpha", "1.0")
    elif left == "another wheel":
        index.add("alpha", "1.0", tag="cp27-cp27m-win32")

    after = lock("alpha", "beta", after=before)

    assert (pinned(after), after.why) == ({"alpha": "2.0", "beta": "1.0"}, {"alpha": NO_WHEEL})


def test_a_yanked_pin_stays(index: PackageIndex, lock: Lock) -> None:
    """A release that its author withdrew stays locked until the lock is upgraded."""
    index.add("alpha", "1.0")
    before = lock("alpha")
    index.add("alpha", "2.0")
    index.yanked["alpha-1.0-py3-none-any.whl"] = "broken"

    assert pinned(lock("alpha", after=before)) == {"alpha": "1.0"}


def test_a_lock_of_two_halves(index: PackageIndex, lock: Lock) -> None:
    """A package that a merge pinned twice is resolved anew; the others keep their versions."""
    for name in ("alpha", "beta"):
        index.add(name, "1.0")
    before = lock("alpha", "beta")
    for name in ("alpha", "beta"):
        index.add(name, "2.0")
    merged = Made(text=f"{before.text}=======\nalpha==2.0\n>>>>>>> theirs\n")

    assert pinned(lock("alpha", "beta", after=merged))["beta"] == "1.0"
