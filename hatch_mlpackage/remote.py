"""Wire the models that are declared by URL: `mlpackage lock` fetches them, a context takes them from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.remote_models import (
    RemoteModel,
    by_model,
    fetch_model,
    file_name,
    place_of,
    public,
    read_models,
    to_text,
)
from hatch_mlpackage.plan import ContextFile
from hatch_mlpackage.resources import cache_directory

if TYPE_CHECKING:
    from hatch_mlpackage.config import Config, Model
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project import Project

_FETCH = "Run `mlpackage lock`, which fetches it."


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


def remote_model_files(project: Project, config: Config, problems: Problems) -> Iterator[ContextFile]:
    """Yield the fetched models, and report those that are not here; opens no socket."""
    remote = [(index, model) for index, model in enumerate(config.models) if model.is_remote]
    if not remote:
        return
    try:
        known = by_model(read_models(_read(project, config)))
    except LockError as error:
        problems.add(config.models_path, str(error))
        return
    cache = cache_directory()
    for index, model in remote:
        where = f"tool.mlpackage.models[{index}].path"
        locked = _locked(model, known.get((model.name, model.version)))
        if locked is None:
            problems.add(where, f"{public(model.path)} is not locked.", _FETCH)
        elif cache is None or not (place := place_of(cache, locked.sha256)).is_file():
            problems.add(where, f"{public(model.path)} is locked, but not on this machine.", _FETCH)
        else:
            yield _file(model, locked, place)


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


def _file(model: Model, locked: RemoteModel, place: Path) -> ContextFile:
    return ContextFile(
        path=str(PurePosixPath(model.context_path, file_name(model.path))),
        layer=model.context_path,
        source=place,
        size=locked.size,
        sha256=locked.sha256,
    )


def _locked(model: Model, record: RemoteModel | None) -> RemoteModel | None:
    """Return the record when it is of the URL that is declared now."""
    return record if record is not None and record.url == public(model.path) else None


def _read(project: Project, config: Config) -> str | None:
    path = project.root / config.models_path
    return path.read_text(encoding="utf-8") if path.is_file() else None
