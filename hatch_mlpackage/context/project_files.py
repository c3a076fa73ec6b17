"""Find the files of a project that go into its context: models, sources, what a base Dockerfile copies, the runtime."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.context.manifest import is_context
from hatch_mlpackage.context.plan import APP_DIRECTORY, BASE_LAYER, ContextFile
from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.context_path import wrong_path
from hatch_mlpackage.files.git_ignored import ignored_by_git
from hatch_mlpackage.files.patterns import matching
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.resources import server_lock_path
from hatch_mlpackage.files.tree import Skip, is_derived, is_litter, place_below, walk
from hatch_mlpackage.project.config.keys import Config, leads_outside
from hatch_mlpackage.project.dockerfiles.instructions import BASE_FOLDER
from hatch_mlpackage.project.pyproject import Project

if TYPE_CHECKING:
    from hatch_mlpackage.project.dockerfiles.base_stages import BaseDockerfile


def model_files(project: Project, config: Config, problems: Problems) -> Iterator[ContextFile]:
    """Yield every model's files below their own name: a file keeps its basename, a folder its name."""
    for index, model in enumerate(config.models):
        source = project.root / model.path
        if model.is_remote or leads_outside(model.path) or not source.exists():
            continue  # fetched by the lock, or reported when the configuration was read
        found = 0
        for relative, path in _walk(source, is_litter, problems):
            found += 1
            place = _joined(model.context_path, _name_of(source, project), relative)
            yield from _context_file(path, place, model.context_path, problems)
        if not found:
            problems.add(f"tool.mlpackage.models[{index}].path", f"'{model.path}' is an empty folder.")


def base_files(project: Project, dockerfile: BaseDockerfile, problems: Problems) -> Iterator[ContextFile]:
    """Yield what the user's Dockerfile copies, each file once, below a folder of its own."""
    places: dict[str, Path] = {}
    for source in dockerfile.sources:
        found = {
            _joined(BASE_FOLDER, place_below(top, project.root), relative): path
            for top in _matching(project.root, source.pattern)
            for relative, path in _walk(top, _is_derived, problems)
        }
        if not found:
            what = f"'{source.pattern}' is no file in {project.root}, nor a folder with files."
            problems.add(f"{dockerfile.place}:{source.line}", what, "Paths are relative to the project.")
        places |= found
    for place, path in places.items():
        yield from _context_file(path, place, BASE_LAYER, problems)


def _matching(root: Path, pattern: str) -> Iterator[Path]:
    """Find what a pattern of COPY names; a name that only looks like a pattern is taken as it is."""
    return iter([root / pattern]) if (root / pattern).exists() else root.glob(pattern)


def source_files(project: Project, config: Config, problems: Problems) -> Iterator[ContextFile]:
    """Yield the entry script, or the whole source tree where one is declared."""
    declared = config.source_directory or config.entry_script
    if not declared or leads_outside(declared) or not (project.root / declared).exists():
        return  # reported when the configuration was read, or generated
    if config.source_directory is None:
        script = project.root / config.entry_script
        yield from _context_file(script, _joined(APP_DIRECTORY, script.name), "source", problems)
        return
    source = project.root / config.source_directory
    place = _joined(APP_DIRECTORY, source_name(project, config))
    for relative, path in _walk(source, _left_out(project, config), problems):
        yield from _context_file(path, _joined(place, relative), "source", problems)


def ignored_files(project: Project, config: Config) -> Iterator[str]:
    """Yield the files and folders of the source tree that stay out of it only because git ignores them."""
    if not config.source_directory:
        return
    found: list[str] = []
    for _ in walk(
        project.root / config.source_directory, _left_out(project, config, found), unreadable=lambda *_: None
    ):
        pass
    yield from sorted(found)


def source_name(project: Project, config: Config) -> str:
    """Name the source tree's folder in the app root; the root goes by the project's name, not the checkout's."""
    return PurePosixPath(config.source_directory or "").name or project.name


def runtime_files(runtime: Path, python: str, problems: Problems) -> Iterator[ContextFile]:
    """Yield the runtime's program and its locked requirements for the image's Python."""
    for part in ("__main__.py", "mlpackage_runtime"):
        for relative, path in _walk(runtime / part, _is_derived, problems):
            yield from _context_file(path, _joined("runtime", part, relative), "runtime", problems)
    lock = server_lock_path(runtime, python)
    yield from _context_file(lock, "runtime/requirements.txt", "runtime", problems)


def _is_derived(place: str, path: Path) -> bool:
    return is_derived(place, path) or (path.is_dir() and is_context(path))


def _left_out(project: Project, config: Config, ignored: list[str] | None = None) -> Skip:
    """Leave out what is derived, what git ignores, what the user excludes, the locks, and the models.

    Models have layers of their own. What the user includes goes along, unless the user excludes it too. `ignored` gets
    what git ignores.
    """
    excluded, included = matching(config.exclude), matching(config.include)
    others = ("dist", config.lock_directory, *(model.path for model in config.models))
    elsewhere = {real_path(project.root / path) for path in others}
    script = project.root / config.entry_script
    names = {path.name.lower() for path in elsewhere}
    declared = {*elsewhere, real_path(script)}
    is_ignored = ignored_by_git(project.root / (config.source_directory or ""), project.root)

    def skip(relative: str, path: Path) -> bool:
        is_folder = path.is_dir()
        place = f"{relative}/" if is_folder else relative
        # Only a link has another name than what it leads to, and the real path of each file would take long to find.
        may_be_elsewhere = path.name.lower() in names or path.is_symlink()
        if (may_be_elsewhere and real_path(path) in elsewhere) or (is_folder and is_context(path)) or excluded(place):
            return True
        if included(place) or path == script:
            return False
        if is_derived(relative, path):
            return True
        if not is_ignored(path):
            return False
        # Something in an ignored folder may be included, or declared.
        if is_folder and (config.include or any(it.is_relative_to(real_path(path)) for it in declared)):
            return False
        if ignored is not None:
            ignored.append(relative)
        return True

    return skip


def _name_of(source: Path, project: Project) -> str:
    return project.name if source == project.root else source.name


def _walk(top: Path, skip: Skip, problems: Problems) -> Iterator[tuple[str, Path]]:
    """Yield every file of a tree, and report the folders that cannot be read."""

    def report(folder: Path, error: OSError) -> None:
        problems.add(str(folder), f"cannot be read: {error.strerror}.", "Give yourself permission, or exclude it.")

    return walk(top, skip, unreadable=report)


def _joined(*places: str) -> str:
    """Join places, of which an empty one stands for the one before it."""
    return "/".join(filter(None, places))


def _context_file(source: Path, place: str, layer: str, problems: Problems) -> Iterator[ContextFile]:
    """Yield the file as the context holds it, or report why it cannot be there."""
    try:
        status = source.stat()
    except OSError as error:
        problems.add(str(source), f"cannot be read: {error.strerror}.", "Restore the file, or exclude it.")
        return
    if not stat.S_ISREG(status.st_mode):
        problems.add(str(source), "is not a regular file.", "Remove it, or exclude it.")
    elif not os.access(source, os.R_OK):
        problems.add(str(source), "cannot be read: permission denied.", "Give yourself read permission for it.")
    elif wrong := wrong_path(place):
        problems.add(ascii(str(source)), f"has a name that {wrong}.", "Rename the file, or exclude it.")
    else:
        # Only the owner's x bit is the author's will; the rest depends on the umask.
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        yield ContextFile(path=place, layer=layer, source=source, size=status.st_size, mode=mode)
