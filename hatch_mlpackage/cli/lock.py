"""`mlpackage lock`: resolve the requirements for the image, or check that the lock still fits."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.errors import print_notes
from hatch_mlpackage.cli.given_flags import with_flags
from hatch_mlpackage.cli.output import answer_json, from_here, say, shorten, show
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.verbs import Verb, as_typed, json_option, with_advice
from hatch_mlpackage.context.check import image_problems
from hatch_mlpackage.lock.check_locks import check_project_conda, check_project_images, check_project_lock
from hatch_mlpackage.lock.compare import Compared, compare_with_index
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.pins.check import LockState
from hatch_mlpackage.lock.project_lock import LockRun, renew_locks

if TYPE_CHECKING:
    from hatch_mlpackage.lock.inputs import LockInputs
    from hatch_mlpackage.project.pyproject import Project


_DOCUMENT = """{"ok": BOOL, "written": BOOL,
   "locks": [{"path", "status", "reasons": [TEXT]}],
   "images": [{"name", "pinned": BOOL}],
   "packages": [{"name", "version", "license", "size": BYTES|null}],
   "changes": [{"name", "before": TEXT|null, "after": TEXT|null, "lock": PATH, "why": TEXT|null}],
   "notes": [{"where", "what", "fix", "level": "warning|hint", "code"}],
   "compared": {"pins": NUMBER, "wheels": NUMBER, "notes": [TEXT]}|null}"""


@click.command(
    "lock",
    cls=Verb,
    examples=(
        "mlpackage lock",
        "mlpackage lock --upgrade",
        "mlpackage lock --check",
        "mlpackage lock --check --online",
    ),
    document=_DOCUMENT,
)
@with_project
@click.option("--upgrade", is_flag=True, help="Take the newest allowed versions instead of the locked ones.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with 1 if the lock does not fit.")
@click.option("--strict", is_flag=True, help="With --check: exit with 1 if the base image is not pinned by digest.")
@click.option("--online", is_flag=True, help="With --check: compare the hashes with those that the index has now.")
@json_option()
def command(*, project: Project, upgrade: bool, only_check: bool, strict: bool, online: bool, as_json: bool) -> int:
    """Write the lock, with hashes, for the image's Python and platform, and the digest of its base image.

    Uses the network, except with --check alone. Keeps the locked versions that still fit, unless --upgrade is given.
    Commit the files that it writes.
    """
    if upgrade and only_check:
        raise click.UsageError("--upgrade writes a lock and --check writes nothing: give one of them.")
    if strict and not only_check:
        raise click.UsageError("--strict makes --check stricter: give both.")
    if online and not only_check:
        raise click.UsageError("--online is a part of --check: give both.")
    run = None if only_check else renew_locks(project, upgrade=upgrade, report=say)
    if as_json:
        inputs = inspect_requirements(project)
        document = as_document(inputs, run, strict=strict, compared=_compare(inputs, online=online))
        answer_json(document)
        return 0 if document["ok"] else 1
    if run is None:
        _require_fitting(inspect_requirements(project), strict=strict, online=online)
    else:
        _show_run(run)
    return 0


def _show_run(run: LockRun) -> None:
    print_notes(map(with_advice, run.notes))
    changes = () if run.is_new else run.changes
    following = f"Next: {with_flags('mlpackage check')}"
    show("\n".join([*shorten([str(change) for change in changes], indent=""), _outcome(run), following]))


def _outcome(run: LockRun) -> str:
    if not run.path.is_file():
        return "There is nothing to lock."
    path = from_here(run.path)
    return f"Locked in {path}. Commit it." if run.is_changed else f"Nothing has changed: {path} is up to date."


def _compare(inputs: LockInputs, *, online: bool) -> Compared | None:
    """Compare the lock with the index where that is asked for and the lock fits; raise as `compare_with_index`."""
    state = check_project_lock(inputs) if online else LockState(status="missing")
    return compare_with_index(inputs, state, report=say) if state.usable else None


def _require_fitting(inputs: LockInputs, *, strict: bool, online: bool) -> None:
    """Raise LockError if a lock does not fit, or, when `strict`, if a base image is not pinned by digest."""
    for state, path in _lock_states(inputs):
        state.require(str(from_here(path)))
    inputs.locks.require_sound()
    for image in check_project_images(inputs) if strict else ():
        image.require_pinned()
    compared = _compare(inputs, online=online)
    if compared is not None:
        for note in compared.notes:
            say(note)
        compared.state.require(str(from_here(inputs.lock_path)))
    print_notes(as_typed(tuple(image_problems(inputs))))
    fits = f"{from_here(inputs.lock_path)} fits." + (f" {compared.describe()}" if compared else "")
    own = "The base image brings its packages: there is no lock."
    show(own if inputs.config.user_managed_dependencies else fits)


def as_document(
    inputs: LockInputs, run: LockRun | None, *, strict: bool, compared: Compared | None = None
) -> dict[str, object]:
    states, images = _lock_states(inputs), check_project_images(inputs)
    if compared is not None:
        states[0] = (compared.state, states[0][1])
    pinned = [not image.describe() for image in images]
    return {
        "ok": all(state.usable for state, _ in states) and (all(pinned) or not strict),
        "written": run is not None,
        "locks": [
            {"path": str(from_here(path)), "status": state.status, "reasons": list(state.reasons)}
            for state, path in states
        ],
        "images": [{"name": image.image, "pinned": it} for image, it in zip(images, pinned, strict=True)],
        "packages": [
            {"name": it.name, "version": it.version, "license": it.license or None, "size": it.size or None}
            for it in (inputs.locks.packages if states[0][0].usable else ())
        ],
        "changes": [{**asdict(change), "why": change.why or None} for change in (run.changes if run else ())],
        "notes": [
            {key: getattr(note, key) for key in ("where", "what", "fix", "level", "code")}
            for note in map(with_advice, run.notes if run else ())
        ],
        "compared": compared and {"pins": compared.pins, "wheels": compared.wheels, "notes": list(compared.notes)},
    }


def _lock_states(inputs: LockInputs) -> list[tuple[LockState, Path]]:
    own = [(check_project_lock(inputs), inputs.lock_path)]
    return own + ([(check_project_conda(inputs), inputs.conda_lock_path)] if inputs.has_conda_lock else [])
