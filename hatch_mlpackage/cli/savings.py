"""Say what the environment of an image could do without, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.cli.output import plural, size
from hatch_mlpackage.context.heavy import Saving, savings

if TYPE_CHECKING:
    from hatch_mlpackage.lock.locks import Locks
    from hatch_mlpackage.project.config.keys import Config


def savings_of(locks: Locks, config: Config) -> tuple[Saving, ...]:
    return savings(locks.packages, locks.requirements or "", gpu=config.cuda is not None)


def saving_line(saving: Saving) -> str:
    first, *others = saving.packages
    more = f" and {plural(len(others), 'other')}" if others else ""
    known = f" {size(saving.size)}" if saving.size else ""
    return f"{first}{more}{known}: no GPU in this image; {saving.instead}"
