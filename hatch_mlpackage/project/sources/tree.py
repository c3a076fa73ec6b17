"""Find the packed sources that the entry script leads to, by the names that the image's worker imports them by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from posixpath import splitext

from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.sources.read import Import, SourceFile, When, read_source_file, weaker

MODULE_SUFFIXES = frozenset({".py", ".so", ".pyd"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """Describe a packed file: its path below the app root in the image, and the path that messages show.

    `source` is the file, or its bytes if they were read already.
    """

    path: str
    shown: str
    source: Path | bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """Hold the entry script and the packed files that it imports, directly or through others.

    `reached` maps a path in the image to its file; no use in a file is more certain than the imports that lead to it.
    `packages` maps such a path to the package in which the file's relative imports start, "" for a module at the top,
    and `shown` a path in the project to the dotted name in the image. `modules` are all dotted names of packed modules,
    and `folders` maps that of each packed package to its folder in the project.
    """

    entry: str
    reached: Mapping[str, SourceFile]
    packages: Mapping[str, str]
    shown: Mapping[str, str]
    modules: frozenset[str]
    folders: Mapping[str, str]

    @property
    def touches_path(self) -> bool:
        return any(file.touches_path for file in self.reached.values())

    @property
    def script_path(self) -> str:
        """Return the entry script's path in the project, empty where there is none."""
        return self.reached[self.entry].path if self.entry in self.reached else ""

    def holds(self, module: str) -> bool:
        """Tell whether a dotted name belongs to the packed sources."""
        top = module.partition(".")[0]
        return any(name.partition(".")[0] == top for name in self.shown.values())

    def is_packed(self, module: str) -> bool:
        """Tell whether a module or package is packed under exactly this dotted name."""
        return module in self.folders or module in self.modules


def read_tree(packed: Iterable[Packed], entry: str, source_directory: str, python: str) -> Tree:
    """Read the entry script, and follow its imports from file to file, as the image's Python (X.Y) would.

    The worker looks for modules below the app root, and then below `source_directory` in it, if there is one.
    """
    files = {file.path: file for file in packed if splitext(file.path)[1] in MODULE_SUFFIXES}
    places = {name: path for path in files for name in _dotted(path, source_directory)}
    reached: dict[str, SourceFile] = {}
    packages: dict[str, str] = {}
    name = ".".join(PurePosixPath(entry).with_suffix("").parts)
    pending: list[tuple[str, str, When]] = [(entry, name, "always")] if entry in files else []
    while pending:
        path, name, when = pending.pop(0)
        if path in reached or PurePosixPath(path).suffix != ".py":
            continue
        file = _read(files[path], when, python, entry=path == entry)
        if file is None:
            continue
        reached[path], packages[path] = file, _package_of(name, path)
        led = [(*step, found.when) for found in file.imports for step in _led_to(found, packages[path], places)]
        pending += sorted(
            led, key=lambda step: step[2]
        )  # `always` sorts first: each file is read once, by its most certain import
    return Tree(
        entry=entry,
        reached=reached,
        packages=packages,
        shown={files[path].shown: name for name, path in places.items()},
        modules=frozenset(places),
        folders=dict(step for name, path in places.items() for step in _folders(name, path, files[path].shown)),
    )


def _package_of(name: str, path: str) -> str:
    return name if PurePosixPath(path).name.startswith("__init__.") else name.rpartition(".")[0]


def _folders(name: str, path: str, shown: str) -> Iterator[tuple[str, str]]:
    """Yield the dotted name of each package above a module, and of a package itself, with its project's folder."""
    folder, package = PurePosixPath(shown).parent, _package_of(name, path)
    while package:
        yield package, str(folder)
        folder, package = folder.parent, package.rpartition(".")[0]


def _read(file: Packed, when: When, python: str, *, entry: bool) -> SourceFile | None:
    try:
        content = file.source if isinstance(file.source, bytes) else file_bytes(file.source)
    except OSError:
        return None  # reported when the files were listed
    found = read_source_file(content, file.shown, python, entry=entry)
    if found is None or when == "always":
        return found
    imports = tuple(replace(one, when=weaker(one.when, when)) for one in found.imports)
    return replace(found, imports=imports, when=when)


def _dotted(path: str, source_directory: str) -> Iterator[str]:
    """Yield the dotted names by which a file can be imported."""
    place = PurePosixPath(path)
    roots = (PurePosixPath(), PurePosixPath(source_directory))
    for root in dict.fromkeys(roots):
        if place.is_relative_to(root):
            parts = place.relative_to(root).parts
            stem = parts[-1].partition(".")[0]
            names = parts[:-1] if stem == "__init__" else (*parts[:-1], stem)
            if names and all(name.isidentifier() for name in names):
                yield ".".join(names)


def _led_to(found: Import, package: str, places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the packed files that an import loads, with their dotted names: modules, and the packages above them."""
    for name in absolute_names(found, package):
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            dotted = ".".join(parts[:length])
            if dotted in places:
                yield places[dotted], dotted


def absolute_names(found: Import, package: str) -> tuple[str, ...]:
    """Return the absolute names that an import takes; a relative one starts in the package of its file."""
    if not found.level:
        return (found.module, *found.full_names)
    parts = package.split(".") if package else []
    kept = len(parts) - found.level + 1
    if kept < 0:
        return ()
    base = (*parts[:kept], *filter(None, [found.module]))
    return tuple(".".join((*base, *name)) for name in ((), *((name,) for name in found.names)) if (*base, *name))
