"""Fetch the models that a project declares by URL, and find them again in the user's cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.resources import cache_directory
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.lock.models import RemoteModel, by_model, fetch_model, place_of, public, to_text
from hatch_mlpackage.project.config.keys import Config, Model


def lock_models(config: Config, locks: Locks, *, upgrade: bool, report: Callable[[str], None]) -> str | None:
    """Fetch the models declared by URL; return the record to write, None where no model is remote.

    Raises LockError or UnavailableError.
    """
    remote = [model for model in config.models if model.is_remote]
    if not remote:
        return None
    known = {} if upgrade else by_model(locks.models)
    cache = cache_directory()
    if cache is None:
        raise LockError("There is no folder to fetch models to: name one in MLPACKAGE_CACHE_DIR.")
    fetched = [fetch_model(model, locked=locked_model(model, known), cache=cache, report=report) for model in remote]
    return to_text(fetched)


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
    """Return the record of a model, None where the record is of another URL than the declared one."""
    record = known.get((model.name, model.version))
    return record if record is not None and record.url == public(model.path) else None
