"""Find the packed sources that the entry script leads to, by the names that the image's worker imports them by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.sources.read import Import, SourceFile, When, read_source_file, weaker

_MODULE_SUFFIXES = frozenset({".py", ".so", ".pyd"})


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
    `shown` maps a path in the project to the dotted name in the image.
    """

    entry: str
    reached: Mapping[str, SourceFile]
    shown: Mapping[str, str]

    @property
    def touches_path(self) -> bool:
        return any(file.touches_path for file in self.reached.values())

    def holds(self, module: str) -> bool:
        """Tell whether a dotted name belongs to the packed sources."""
        top = module.partition(".")[0]
        return any(name.partition(".")[0] == top for name in self.shown.values())


def read_tree(packed: Iterable[Packed], entry: str, source_directory: str) -> Tree:
    """Read the entry script, and follow its imports from file to file.

    The worker looks for modules below the app root, and then below `source_directory` in it, if there is one.
    """
    files = {file.path: file for file in packed if PurePosixPath(file.path).suffix in _MODULE_SUFFIXES}
    places = {name: path for path in files for name in _dotted(path, source_directory)}
    reached: dict[str, SourceFile] = {}
    pending: list[tuple[str, When]] = [(entry, "always")] if entry in files else []
    while pending:
        path, when = pending.pop(0)
        if path in reached or PurePosixPath(path).suffix != ".py":
            continue
        file = _read(files[path], when, entry=path == entry)
        if file is None:
            continue
        reached[path] = file
        led = [(place, found.when) for found in file.imports for place in _led_to(found, path, places)]
        pending += sorted(
            led, key=lambda step: step[1]
        )  # `always` sorts first: each file is read once, by its most certain import
    return Tree(entry=entry, reached=reached, shown={files[path].shown: name for name, path in places.items()})


def _read(file: Packed, when: When, *, entry: bool) -> SourceFile | None:
    try:
        content = file.source if isinstance(file.source, bytes) else file_bytes(file.source)
    except OSError:
        return None  # reported when the files were listed
    found = read_source_file(content, file.shown, entry=entry)
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


def _led_to(found: Import, path: str, places: Mapping[str, str]) -> Iterator[str]:
    """Yield the packed files that an import loads: modules, and the packages above them."""
    for name in absolute_names(found, path):
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            place = places.get(".".join(parts[:length]))
            if place:
                yield place


def absolute_names(found: Import, path: str) -> tuple[str, ...]:
    """Return the absolute names that an import takes; a relative one starts at the folder of its file."""
    if not found.level:
        return (found.module, *found.full_names)
    folders = PurePosixPath(path).parent.parts
    base = ".".join((*folders[: len(folders) - found.level + 1], *filter(None, [found.module])))
    return (base, *(f"{base}.{name}" for name in found.names))
