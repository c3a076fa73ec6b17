"""Find the packages that have only source archives, and say how to let their wheels be built.

A resolver stops at the first of them. Here it goes on as if the packages were built and needed nothing, which runs no
code of theirs, until it finds versions of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from tempfile import TemporaryDirectory

from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.lock.pins.pins import Pin, read_pins
from hatch_mlpackage.lock.resolve import uv
from hatch_mlpackage.lock.resolve.task import OUTPUT, Outcome, Task
from hatch_mlpackage.project.config.keys import KEY

_WITHOUT_WHEEL = re.compile(r"Wheels are required for `([^`]+)`")
_WITHOUT_ARCHIVE = re.compile(r"source distribution is required for `([^`]+)`")
_MOST_ROUNDS = 8


def how_to_build(task: Task, outcome: Outcome, unbuilt: uv.Unbuilt) -> str:
    """Say what `build-from-source` has to name, or must not name, for a failure of uv; "" where it does not help."""
    without = _names(_WITHOUT_ARCHIVE, outcome)
    if without:
        names = " and ".join(without)
        return f"{names}: no version that fits has a source archive. Take {names} out of build-from-source."
    pins = sorted(_only_sources(task, outcome, unbuilt), key=lambda pin: pin.name)
    if not pins:
        return ""
    all_named = sorted({*task.requirements.built, *(pin.name for pin in pins)})
    listed = ", ".join(map(toml_string, all_named))
    options = " ".join(f"--build-from-source {name}" for name in all_named)
    if len(pins) == 1:
        what, them, wheels = f"{pins[0]} has no wheel for the image, only a source archive", "it", "its wheel"
    else:
        *others, last = map(str, pins)
        what = f"{', '.join(others)} and {last} have no wheels for the image, only source archives"
        them, wheels = "them", "their wheels"
    return (
        f"{what}. If you trust {them}, add {them} to build-from-source in [{KEY}], and `mlpackage lock` builds "
        f"{wheels}, which runs code of {them}: build-from-source = [{listed}], or {options}"
    )


def _only_sources(task: Task, outcome: Outcome, unbuilt: uv.Unbuilt) -> tuple[Pin, ...]:
    """Return the pins with nothing but a source archive with which the requirements could be locked, or nothing."""
    tried = _names(_WITHOUT_WHEEL, outcome)
    pins = _pins(task, tried, unbuilt)
    built = [pin.name for pin in pins if not _is_compiled(pin, task)]
    # Others may not have to be built at all: versions of them with a wheel may do.
    if len(built) < len(pins):
        pins = _pins(task, built, unbuilt)
    return pins if {pin.name for pin in pins} <= {*built} else ()


def _is_compiled(pin: Pin, task: Task) -> bool:
    """Tell whether a version has wheels for other images with Linux: as a rule, it cannot do without a compiler."""
    if len(pin.hashes) == 1:  # the hashes are those of all its files
        return False
    with TemporaryDirectory(dir=task.folder) as folder:
        there = uv.wheels_elsewhere(uv.asking_for(task, [pin], folder=f"{folder}/pin")).get(pin.name, ())
    return not there or any("linux" in file.rpartition("-")[2] for file in there)


def _pins(task: Task, names: Iterable[str], unbuilt: uv.Unbuilt) -> tuple[Pin, ...]:
    """Return the pins of packages that are taken from source, and of those that have to be besides."""
    tried: tuple[str, ...] = tuple(names)
    for _ in range(_MOST_ROUNDS if tried else 0):
        more = uv.Unbuilt(names=tuple(dict.fromkeys((*unbuilt.names, *tried))), needs=unbuilt.needs)
        (task.folder / OUTPUT).unlink(missing_ok=True)
        outcome = uv.compile_requirements(task, "--quiet", unbuilt=more)
        if outcome.status == 0:
            return tuple(pin for pin in read_pins(file_text(task.folder / OUTPUT)) if pin.name in tried)
        others = [name for name in _names(_WITHOUT_WHEEL, outcome) if name not in tried]
        if not others:
            break
        tried = (*tried, *others)
    return ()


def _names(pattern: re.Pattern[str], outcome: Outcome) -> tuple[str, ...]:
    return tuple(sorted(set(pattern.findall(outcome.said))))
