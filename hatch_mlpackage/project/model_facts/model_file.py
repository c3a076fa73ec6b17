"""Open a model's files: the only way in which its readers get at bytes, so that each of them pays for what it reads."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hatch_mlpackage.files.read import open_raw
from hatch_mlpackage.project.model_facts.archive import Archive
from hatch_mlpackage.project.model_facts.budget import Budget
from hatch_mlpackage.project.model_facts.stream import Stream, stream_of

_BUFFER = 1 << 16  # bytes


class ModelFile:
    """A model's file or folder, and the budget for reading it."""

    def __init__(self, path: Path, budget: Budget) -> None:
        self.budget = budget
        self._path = path

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def is_folder(self) -> bool:
        return self._path.is_dir()

    def inside(self, name: str) -> ModelFile:
        """Return a file of a folder."""
        return ModelFile(self._path / name, self.budget)

    def named(self, pattern: str) -> tuple[str, ...]:
        """Return the names in a folder that fit a pattern, sorted."""
        return tuple(sorted(path.name for path in self._path.glob(pattern)))

    def exists(self) -> bool:
        return self._path.is_file()

    @contextmanager
    def file(self) -> Iterator[IO[bytes]]:
        """Open the file to be read anywhere."""
        with io.BufferedReader(_MeteredFile(self._path, self.budget), _BUFFER) as file:
            yield file

    @contextmanager
    def stream(self) -> Iterator[Stream]:
        """Open the file to be read forwards, inflated if it is compressed."""
        with self.file() as file:
            yield stream_of(file, _size_of(file), self.budget)

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """Open the file as a zip file."""
        with self.file() as file:
            yield Archive(file, self.budget)

    def content(self, most: int) -> bytes:
        """Return the whole file, which has to be read at once."""
        with self.file() as file:
            if _size_of(file) > most:
                self.budget.refuse(f"it is larger than {most >> 20} MB, the most that mlpackage reads of such a file")
            return file.read(most)

    def head_and_tail(self, head: int, tail: int) -> tuple[bytes, bytes]:
        """Return the first and the last bytes of the file, which overlap if it is small."""
        with self.file() as file:
            first = file.read(head)
            file.seek(max(0, _size_of(file) - tail))
            return first, file.read(tail)


def _size_of(file: IO[bytes]) -> int:
    place = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(place)
    return size


class _MeteredFile(io.FileIO):
    """Pay for each piece that is read."""

    def __init__(self, path: Path, budget: Budget) -> None:
        with open_raw(path) as file:
            super().__init__(os.dup(file.fileno()))
        self._budget = budget

    def readinto(self, buffer: Any) -> int:
        size = super().readinto(buffer) or 0
        self._budget.read(size)
        return size
