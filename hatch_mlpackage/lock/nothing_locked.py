"""Explain an empty lock: nobody sees from it whether the project needs no package or mlpackage found no requirement."""

from __future__ import annotations

from collections.abc import Iterator

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.lock.inputs import LockInputs
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.project.config.keys import KEY

CODE = "nothing-locked"


def nothing_locked(inputs: LockInputs, lock: str) -> Iterator[Problem]:
    """Say where requirements were looked for, when none were found; it is a warning where a file may name some."""
    if read_pins(lock) or inputs.has_conda_lock or inputs.config.user_managed_dependencies:
        return
    named = inputs.named
    others = (
        f" {' and '.join(named.unnamed)} may name some, and no key names {'it' if len(named.unnamed) == 1 else 'them'}."
        if named.unnamed
        else ""
    )
    yield Problem(
        where="",
        what=f"no package is locked: no requirement was found in {', '.join(named.looked_at)}.{others}",
        fix=f'If the script needs any, name them in [{KEY}]: requirements = ["requirements.txt"].',
        level="warning" if named.unnamed else "hint",
        code=CODE,
    )
