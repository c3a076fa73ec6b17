"""Wire the models that are not copied: the builder takes them from folders that it is given by name.

Each model has a named context of its own, `model-1` for the first. What is copied from it is compared with the hashes
of the context when the image is built, whatever folder the builder was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from hatch_mlpackage.context.manifest import NAMED_CONTEXTS, Manifest, ManifestFile
from hatch_mlpackage.context.plan import APP_DIRECTORY, SUMS, ContextFile
from hatch_mlpackage.errors import ContextError, Problems
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.files.known_hashes import KnownHashes, open_known_hashes
from hatch_mlpackage.files.quoting import paths_for_dockerfile, quote_below_variable
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.resources import cache_directory
from hatch_mlpackage.files.tree import walk
from hatch_mlpackage.lock.models import place_of, public
from hatch_mlpackage.project.config.keys import Config, Model
from hatch_mlpackage.project.pyproject import Project

# Of `azureml-models/<name>/<version>/<file or folder>/…`: a folder's files have more parts than that.
_PARTS = 4
_IGNORED = ".dockerignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedCopy:
    """How the Dockerfile copies a model: the named context, one mode for all, and the source and the place as JSON."""

    name: str
    mode: str
    paths: str


def leave_models(
    files: Iterable[ContextFile], project: Project, config: Config, problems: Problems
) -> Iterator[ContextFile]:
    """Leave the files of models where they are, and report the models that a builder would copy wrongly."""
    models = {model.context_path: (index, model) for index, model in enumerate(config.models)}
    found: dict[str, list[ContextFile]] = {}
    for file in files:
        found.setdefault(file.layer, []).append(file)
    for layer, its_files in found.items():
        index, model = models[layer]
        _report_odd_names(model, f"tool.mlpackage.models[{index}].path", problems)
        is_folder = not model.is_remote and (project.root / model.path).is_dir()
        if not model.is_remote:
            _report_strangers(project, model, index, its_files, problems)
        for file in its_files:
            # A builder gives folders and files one mode.
            yield replace(file, named_context=_name(index), mode=0o755 if is_folder else file.mode)


def _name(index: int) -> str:
    return f"model-{index + 1}"


def _report_odd_names(model: Model, where: str, problems: Problems) -> None:
    if PurePosixPath(model.path).name == SUMS:
        problems.add(where, f"'{model.path}' has the name of the list of hashes.", "Rename it.")
    if re.search(r"[*?\[\]$\"\\`]", model.path):
        problems.add(
            where,
            f"'{model.path}' has a character that builders or shells read as something else.",
            'Rename it, or leave image.models at "copied".',
        )


def _report_strangers(
    project: Project, model: Model, index: int, files: Sequence[ContextFile], problems: Problems
) -> None:
    """Report what a builder would not copy, and what it would copy besides: it knows the folder alone."""
    where = f"tool.mlpackage.models[{index}].path"
    top = real_path(project.root / model.path)
    folder = top if top.is_dir() else top.parent
    if (folder / _IGNORED).exists():
        problems.add(where, f"'{model.path}' lies beside a {_IGNORED}, which builders heed.", "Move the model away.")
    if folder != top:
        return
    listed = {top / PurePosixPath(*PurePosixPath(file.path).parts[_PARTS:]) for file in files}
    links, others = _strangers(top, listed)
    if links:
        problems.add(
            where,
            f"'{links[0]}' is a symbolic link, which builders do not follow out of a named context.",
            'Put the file itself there, or leave image.models at "copied".',
        )
    if others:
        problems.add(
            where,
            f"'{others[0]}' is no part of the model, and would be: builders copy a named context whole.",
            'Move it away, or leave image.models at "copied".',
        )


def _strangers(top: Path, listed: set[Path]) -> tuple[list[str], list[str]]:
    """Return the links below a folder, and the other files that are not listed."""
    # Folders that cannot be read were reported when the model's files were listed.
    found = sorted(walk(top, lambda *_: False, follow=False, unreadable=lambda *_: None))
    links = [place for place, path in found if path.is_symlink()]
    others = [place for place, path in found if not path.is_symlink() and path not in listed]
    return links, others


def named_copies(files: Iterable[ContextFile]) -> Mapping[str, NamedCopy]:
    """Tell by layer how the Dockerfile copies the models that are left where they are."""
    copies = {}
    for file in files:
        if file.named_context and isinstance(file.source, Path):
            place = PurePosixPath(file.path)
            is_folder = len(place.parts) > _PARTS
            target = f"/var/{APP_DIRECTORY}/{PurePosixPath(*place.parts[:_PARTS])}{'/' if is_folder else ''}"
            paths = paths_for_dockerfile(["." if is_folder else real_path(file.source).name, target])
            copies[file.layer] = NamedCopy(name=file.named_context, mode=f"{file.mode:04o}", paths=paths)
    return copies


def sums_texts(hashed: Iterable[tuple[ContextFile, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield path, layer and text of what the build compares each model with that is left where it is."""
    lines: dict[str, list[str]] = {}
    for file, sha256 in hashed:
        if file.named_context:
            relative = PurePosixPath(file.path).relative_to(file.layer)
            lines.setdefault(file.layer, []).append(f"{sha256}  {relative}\n")
    for layer, of_model in lines.items():
        yield f"{layer}/{SUMS}", layer, "".join(of_model)


def declared_places(config: Config) -> dict[str, dict[str, str]]:
    """Give what the manifest says of the named contexts, nothing where there are none."""
    if config.image.models != "named-context" or not config.models:
        return {}
    places = {_name(i): public(it.path) if it.is_remote else it.path for i, it in enumerate(config.models)}
    return {NAMED_CONTEXTS: places}


def shown_places(project: Project, config: Config) -> Mapping[str, str]:
    """Give each named context's folder as a command line has it that is right wherever the project is."""
    shown = {}
    for name, place in declared_places(config).get(NAMED_CONTEXTS, {}).items():
        path = PurePosixPath(place)
        folder = path if (project.root / place).is_dir() else path.parent
        local = quote_below_variable("PROJECT", str(folder)) if folder.name else '"$PROJECT"'
        shown[name] = '"$CACHE/models"' if "://" in place else local
    return shown


def find_models(project: Project, manifest: Manifest) -> Mapping[str, Path]:
    """Return name → folder of each named context of a manifest, the files looked for from the project's root."""
    folders = {}
    for file in manifest.not_copied:
        path = _find(project, manifest, file)
        below = len(PurePosixPath(file.path).parts) - _PARTS
        folders[file.named_context] = real_path(path).parents[max(below - 1, 0)]
    return {name: folders[name] for name in manifest.about.get(NAMED_CONTEXTS, ())}


def check_named_models(project: Project, manifest: Manifest) -> None:
    """Raise ContextError unless the models are the ones that the manifest lists, byte by byte."""
    known = open_known_hashes()
    wrong = []
    for file in manifest.not_copied:
        path = _find(project, manifest, file)
        reason = _difference(file, path, known)
        if reason:
            wrong.append(f"{path}: {reason}")
    known.save()
    if wrong:
        listed = "\n".join(wrong)
        raise ContextError(
            f"The models are not the ones that the context was made for:\n{listed}\n"
            "Make the context again: mlpackage generate. If the project is elsewhere, name its folder with --project."
        )


def _find(project: Project, manifest: Manifest, file: ManifestFile) -> Path:
    place = str(manifest.about[NAMED_CONTEXTS][file.named_context])
    if "://" in place:
        return place_of(cache_directory() or Path(), file.sha256)
    return project.root.joinpath(place, *PurePosixPath(file.path).parts[_PARTS:])


def _difference(file: ManifestFile, path: Path, known: KnownHashes) -> str:
    try:
        status = path.stat()
        if status.st_size != file.size:
            return f"{status.st_size} bytes, expected {file.size}"
        digest = known.find(path, status)
        if digest is None:
            state = known.state(path, status)
            digest = hash_file(path)
            known.remember(state, digest)
    except OSError as error:
        return error.strerror or str(error)
    return "" if digest == file.sha256 else "other contents"
