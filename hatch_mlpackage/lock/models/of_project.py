"""Wire the models that are declared by URL: `mlpackage lock` fetches them, a context takes them from the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.resources import cache_directory
from hatch_mlpackage.lock.models.fetch import (
    RemoteModel,
    by_model,
    fetch_model,
    place_of,
    public,
    read_models,
    to_text,
)

if TYPE_CHECKING:
    from hatch_mlpackage.project.config.keys import Config, Model
    from hatch_mlpackage.project.pyproject import Project


def lock_models(project: Project, config: Config, *, upgrade: bool, report: Callable[[str], None]) -> dict[Path, str]:
    """Fetch what is declared by URL; return the record to write, nothing where no model is remote.

    Raises LockError or UnavailableError.
    """
    remote = [model for model in config.models if model.is_remote]
    if not remote:
        return {}
    known = {} if upgrade else by_model(read_models(_read(project, config)))
    cache = cache_directory()
    if cache is None:
        raise LockError("There is no folder to fetch models to: name one in MLPACKAGE_CACHE_DIR.")
    fetched = [
        fetch_model(
            model.path,
            name=model.name,
            version=model.version,
            locked=_locked(model, known.get((model.name, model.version))),
            cache=cache,
            report=report,
        )
        for model in remote
    ]
    return {project.root / config.models_path: to_text(fetched)}


def fetched_model(project: Project, config: Config, model: Model, record: str | None) -> Path | None:
    """Return the file of a model that was fetched, None where it is not on this machine.

    `record` is the text of a record that is not written yet.
    """
    try:
        known = by_model(read_models(record or _read(project, config)))
    except LockError:
        return None  # reported when the files are listed
    locked = _locked(model, known.get((model.name, model.version)))
    cache = cache_directory()
    if locked is None or cache is None:
        return None
    place = place_of(cache, locked.sha256)
    return place if place.is_file() else None


def _locked(model: Model, record: RemoteModel | None) -> RemoteModel | None:
    """Return the record when it is of the URL that is declared now."""
    return record if record is not None and record.url == public(model.path) else None


def _read(project: Project, config: Config) -> str | None:
    path = project.root / config.models_path
    return path.read_text(encoding="utf-8") if path.is_file() else None
