"""Lock with uv, and say what can be done about requirements that it cannot lock."""

from __future__ import annotations

from packaging.requirements import Requirement

from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve import uv
from hatch_mlpackage.lock.resolve.advice import in_place_of, known_fix, may_change, without_limit
from hatch_mlpackage.lock.resolve.only_sources import how_to_build
from hatch_mlpackage.lock.resolve.task import INPUT, OUTPUT, Outcome, Task, fail


def resolve(task: Task, unbuilt: uv.Unbuilt = uv.NOTHING) -> None:
    """Write the resolved requirements into the task's folder, or raise LockError or UnavailableError.

    The packages of `unbuilt` get the newest versions that have a source archive, and none of these is built for it.
    """
    outcome = uv.compile_requirements(task, "--quiet", unbuilt=unbuilt)
    if outcome.status:
        fail(task, outcome, uv.reason_of(outcome), lambda: fix_of(task, outcome, unbuilt))


def resolve_as_of(day: str, task: Task) -> None:
    """Write what the requirements were resolved to on a day (`2019-12-31`); raise as `resolve`."""
    outcome = uv.compile_requirements(task, "--quiet", f"--exclude-newer={day}")
    if outcome.status:
        fail(task, outcome, uv.reason_of(outcome))


def fix_of(task: Task, outcome: Outcome, unbuilt: uv.Unbuilt = uv.NOTHING) -> str:
    """Say what to do about a failure; "" where nothing is known."""
    known = known_fix(task, outcome.said)
    if known or task.is_check:
        return known
    ways = (how_to_build(task, outcome, unbuilt), _other_versions(task, outcome, unbuilt))
    return "\n".join(filter(None, reversed(ways)))


def _other_versions(task: Task, outcome: Outcome, unbuilt: uv.Unbuilt) -> str:
    """Name versions that can be locked in place of those that are asked for: the nearest ones, if uv finds any."""
    path = task.folder / INPUT
    asked = [Requirement(line) for line in file_text(path).splitlines()]
    loosened = {it.name: it for it in asked if may_change(it, outcome.said)}
    if not loosened or uv.NOT_FOUND in outcome.said:
        return ""
    task.report("These versions cannot be locked: looking for others.")
    lines = (str(without_limit(it) if it.name in loosened else it) for it in asked)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    (task.folder / OUTPUT).unlink(missing_ok=True)
    orders = ("--resolution=lowest-direct", "--resolution=highest")
    if all(uv.compile_requirements(task, "--quiet", order, unbuilt=unbuilt).status for order in orders):
        return ""
    found = {pin.name: pin.version or "" for pin in read_pins(file_text(task.folder / OUTPUT))}
    return in_place_of(loosened.values(), found)
