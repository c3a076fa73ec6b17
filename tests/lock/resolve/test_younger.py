"""Lock packages for an old Python of which some are pinned and others are years younger."""

from __future__ import annotations

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

Lock = Callable[..., Made]


@pytest.fixture
def lock(asking: Callable[..., Requirements], quiet: Callable[..., None]) -> Lock:
    """Give a function that locks requirements for a Python, 3.7 where none is given."""

    def make(*asked: str, python: str = "3.7", after: Made | None = None) -> Made:
        target = Target(python=python, platform="linux/amd64", libc="manylinux_2_36")
        return make_lock(asking(*asked), target, previous=after.text if after else None, report=quiet)

    return make


@pytest.fixture
def dated(index: PackageIndex) -> Callable[..., None]:
    """Give a function that adds a wheel with the day on which it was uploaded."""
    index.as_json = True

    def add(name: str, version: str, day: str, *requires: str) -> None:
        index.add(name, version, *requires)
        index.uploaded[f"{name}-{version}-py3-none-any.whl"] = day

    return add


@pytest.fixture
def flask(dated: Callable[..., None]) -> None:
    """Serve a package of 2018 that goes with those of 2018, and whose requirements have no upper limit."""
    dated("flask", "1.0", "2018-05-02", "jinja2>=2.10", "click>=5", "werkzeug")
    dated("jinja2", "2.10", "2017-11-08")
    dated("jinja2", "3.1", "2025-03-05")
    dated("click", "7.0", "2019-09-26")
    dated("click", "8.1", "2024-12-21")
    dated("werkzeug", "0.16", "2019-09-19", "certifi")
    dated("certifi", "2017.11", "2017-11-05")
    dated("certifi", "2026.1", "2026-01-05")


def pinned(made: Made) -> dict[str, str | None]:
    return {pin.name: pin.version for pin in read_pins(made.text)}


def hint(what: str, day: str) -> Problem:
    return Problem(
        where="",
        what=f"{what} of 2018, the youngest package that is pinned, and may not go with it.",
        fix=f"For the versions of that time: UV_EXCLUDE_NEWER={day} mlpackage lock --upgrade",
        level="hint",
        code="younger-version",
    )


@pytest.mark.usefixtures("flask")
def test_what_is_years_younger(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint names the code that is years younger than the pin, and a day whose versions can be locked."""
    made = lock("flask==1.0")
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2019-12-31")
    then = lock("flask==1.0")

    said = "jinja2 3.1 of 2025, click 8.1 of 2024 are years younger than flask 1.0"
    assert made.notes == (hint(said, "2019-12-31"),)
    assert (then.notes, pinned(then)) == (
        (),
        {"click": "7.0", "flask": "1.0", "jinja2": "2.10", "werkzeug": "0.16", "certifi": "2017.11"},
    )


@pytest.mark.usefixtures("flask")
@pytest.mark.parametrize(
    ("asked", "python"),
    [
        (["flask>=1.0"], "3.7"),
        (["flask==1.0"], "3.8"),
        (["flask==1.0", "jinja2==3.1"], "3.7"),
        (["flask==1.0", "jinja2==2.10", "click<8"], "3.7"),
    ],
    ids=["nothing is pinned", "a Python of today", "a younger pin", "all of that time"],
)
def test_nothing_to_say(lock: Lock, asked: list[str], python: str) -> None:
    """There is no hint for a newer Python, without pins, or where the newest pin is as young as the rest."""
    assert [note for note in lock(*asked, python=python).notes if note.code == "younger-version"] == []


@pytest.mark.usefixtures("flask")
def test_what_was_locked_before(lock: Lock) -> None:
    """Versions that stay locked are not mentioned again."""
    assert lock("flask==1.0", after=lock("flask==1.0")).notes == ()


@pytest.mark.usefixtures("flask")
def test_an_index_without_days(index: PackageIndex, lock: Lock) -> None:
    """Where the index does not say when files were uploaded, there is no hint."""
    index.uploaded.clear()

    assert lock("flask==1.0").notes == ()


def test_no_day_that_can_be_locked(dated: Callable[..., None], lock: Lock) -> None:
    """Where only the youngest versions can be locked, no day is suggested."""
    dated("flask", "1.0", "2018-05-02", "jinja2")
    dated("jinja2", "3.1", "2025-03-05")

    assert lock("flask==1.0").notes == ()
