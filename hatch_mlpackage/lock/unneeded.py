"""Hint at entries of `build-from-source` that nothing needs: each lets code run that nobody looks at any more."""

from __future__ import annotations

from collections.abc import Iterator

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.lock.inputs import LockInputs
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.project.config.keys import KEY

CODE = "unneeded-build"


def unneeded_builds(inputs: LockInputs, lock: str) -> Iterator[Problem]:
    """Yield a hint for the named packages that a new lock does not have."""
    locked = {pin.name for pin in read_pins(lock)}
    unneeded = [name for name in inputs.requirements.built if name not in locked]
    if unneeded:
        yield Problem(
            where=f"{KEY}.build-from-source",
            what=f"nothing needs {' and '.join(unneeded)}.",
            fix=f"Remove {'it' if len(unneeded) == 1 else 'them'}.",
            level="hint",
            code=CODE,
        )
