"""Fetch the models that a project declares by URL, and find them again in the user's cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hatch_mlpackage.errors import LockError, Problems
from hatch_mlpackage.files.resources import cache_directory
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.lock.models import RemoteModel, by_model, is_unproven, place_of, public, to_text
from hatch_mlpackage.project.config.keys import KEY, Config, Model

UNPROVEN = (
    "is fetched over http, where anyone on the way can replace the file.",
    'Write https, or give the hash of the file in the table of the model: sha256 = "…".',
)


def lock_models(config: Config, locks: Locks, *, upgrade: bool, report: Callable[[str], None]) -> str | None:
    """Fetch the models declared by URL; return the record to write, None where no model is remote.

    Raises LockError or UnavailableError.
    """
    remote = [model for model in config.models if model.is_remote]
    if not remote:
        return None
    cache = cache_directory()
    if cache is None:
        raise LockError("There is no folder to fetch models to: name one in MLPACKAGE_CACHE_DIR.")
    known = {} if upgrade else by_model(locks.models)
    _require_proven(config, known)
    from hatch_mlpackage.lock.fetch_models import Fetch, fetch_model  # noqa: PLC0415 - only `lock` fetches

    how = Fetch(cache=cache, private_hosts=config.private_hosts, report=report)
    return to_text(fetch_model(model, locked=locked_model(model, known), how=how) for model in remote)


def _require_proven(config: Config, known: Mapping[tuple[str, str], RemoteModel]) -> None:
    """Raise ConfigurationError for each model that anyone on the way could replace, before any is fetched."""
    problems = Problems()
    for index, model in enumerate(config.models):
        if model.is_remote and is_unproven(model, locked_model(model, known)):
            problems.add(f"{KEY}.models[{index}].path", *UNPROVEN)
    problems.raise_if_any()


def fetched_model(model: Model, locks: Locks) -> Path | None:
    """Return the file of a fetched model, None where this machine does not have it."""
    try:
        locked = locked_model(model, by_model(locks.models))
    except LockError:
        return None  # reported when the files are listed
    cache = cache_directory()
    if locked is None or cache is None:
        return None
    place = place_of(cache, locked.sha256)
    return place if place.is_file() else None


def locked_model(model: Model, known: Mapping[tuple[str, str], RemoteModel]) -> RemoteModel | None:
    """Return the record of a model, None where it is of another URL or of another hash than the declared one."""
    record = known.get((model.name, model.version))
    if record is None or record.url != public(model.path):
        return None
    return record if model.sha256 in {None, record.sha256} else None
