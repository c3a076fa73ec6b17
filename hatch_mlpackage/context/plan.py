"""Decide which files make up the context, and in which layer of the image each one lands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.errors import ContextError
from hatch_mlpackage.files.context_path import wrong_path
from hatch_mlpackage.project.config.keys import Model

APP_DIRECTORY = "azureml-app"
PROJECT_LAYER = "project"
BASE_LAYER = "base"
FOR_THE_BUILDER = "build"  # the `layer` of files that the image does not carry: Dockerfile, .dockerignore, README.md
DIRECTORY_MODE = 0o755
# Lies below the path of a model that is not copied, and lists its files' hashes as `sha256sum` does.
SUMS = "SHA256SUMS"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextFile:
    """One file of the context: its path, the source of its bytes, its size in bytes, its permission bits.

    `layer` is the image layer that carries the file, or `build` for files that only the builder or a reader needs.
    `sha256`, as hex, is the hash that a lock demands, empty where no lock does. A file with a `named_context` is not
    copied into the context: the builder takes it from the folder that it is given under that name. `origin` is the
    project's file that the bytes of `source` were read from.
    """

    path: str
    layer: str
    source: Path | bytes
    size: int
    mode: int = 0o644
    sha256: str = ""
    named_context: str = ""
    origin: Path | None = None


# The files of a context with the sha256 of each, as hex.
Hashed = Sequence[tuple[ContextFile, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextPlan:
    """The files, sorted by path, and the layers in the order in which the image stacks them.

    The files that hold the hashes of all others are made when the context is written: the manifest, the bill of
    materials, and the lists of hashes of models that are not copied.
    """

    files: tuple[ContextFile, ...]
    layers: tuple[str, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def copied(self) -> tuple[ContextFile, ...]:
        """The files that lie in the context's folder."""
        return tuple(file for file in self.files if not file.named_context)

    def in_layer(self, layer: str) -> tuple[ContextFile, ...]:
        return tuple(file for file in self.files if file.layer == layer)


def text_file(path: str, text: str, *, layer: str) -> ContextFile:
    """Return a file of the context that is made from a text."""
    content = text.encode()
    return ContextFile(path=path, layer=layer, source=content, size=len(content))


def make_plan(files: Iterable[ContextFile], models: Iterable[Model]) -> ContextPlan:
    """Sort the files and name the layers, most stable first.

    Raises ContextError for a path that would lead out of the context, or that two files have.
    """
    ordered = tuple(sorted(files, key=lambda file: file.path))
    for file, following in zip(ordered, (*ordered[1:], None), strict=True):
        wrong = wrong_path(file.path) or (
            "is the place of two files" if following and following.path == file.path else ""
        )
        if wrong:
            raise ContextError(f"{ascii(file.path)[1:-1]}: the path {wrong}. Rename what is declared there.")
    # The project's own wheel changes with its code, so it has a layer of its own, where it is installed at all.
    project = tuple(sorted({file.layer for file in ordered} & {PROJECT_LAYER}))
    # Only a base Dockerfile that copies files has the first layer; an image with its own packages has no environment.
    first = [layer for layer in (BASE_LAYER, "environment") if any(file.layer == layer for file in ordered)]
    layers = (*first, "runtime", *(model.context_path for model in models), *project, "source", "manifest")
    return ContextPlan(files=ordered, layers=layers)
