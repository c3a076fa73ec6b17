"""Write a context: beside its destination first, then into its place, so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hatch_mlpackage.context.manifest import Manifest
from hatch_mlpackage.context.plan import DIRECTORY_MODE, ContextFile, Hashed
from hatch_mlpackage.context.write.file import Reuse, hash_in_place, link_file, make_folders, store_once, write_file
from hatch_mlpackage.context.write.hard_links import HardLinks
from hatch_mlpackage.context.write.leftovers import REPLACED, beside, partial_folder, remove_folder
from hatch_mlpackage.context.write.read import Progress
from hatch_mlpackage.errors import ContextError, explained
from hatch_mlpackage.files.known_hashes import SMALLEST


def write_files(
    files: Sequence[ContextFile],
    destination: Path,
    *,
    finish: Callable[[Hashed], tuple[Sequence[ContextFile], Manifest]],
    reason_to_keep: Callable[[Path], str],
    timestamp: int,
    reuse: Reuse,
    links: HardLinks,
    progress: Progress,
) -> Manifest:
    """Write the files and those that `finish` makes from their hashes, and put the folder in its place.

    `reason_to_keep` tells why the folder at the destination must not be replaced, or nothing; `timestamp` is given
    to every file and folder (seconds since 1970).
    Raises ContextError; whatever was at the destination is then as it was.
    """
    refuse_foreign(destination, reason_to_keep)
    with _beside(destination, reason_to_keep) as partial:
        hashed: list[tuple[ContextFile, str]] = []
        twins: dict[tuple[str, int], Path] = {}
        make_folders(files, partial)
        for file in files:
            if file.named_context and isinstance(file.source, Path):
                hashed.append((file, hash_in_place(file, file.source, reuse, progress)))
                continue
            digest = link_file(file, partial, links, reuse, progress) or write_file(
                file, partial, timestamp, reuse, progress
            )
            hashed.append((file, digest))
            if _is_large(file):
                store_once(file, partial / file.path, digest, twins)
        last, manifest = finish(hashed)
        make_folders(last, partial)
        for file in last:
            write_file(file, partial, timestamp, reuse, progress)
        _normalise_folders(partial, timestamp)
        large = [(file.path, (partial / file.path).stat(), digest) for file, digest in hashed if _is_large(file)]
        _put_in_place(partial, destination)
    links.remember(reuse.known)
    for path, state, digest in large:
        reuse.known.remember_linked(destination / path, state, digest)
    reuse.known.save()
    return manifest


def _is_large(file: ContextFile) -> bool:
    """Tell whether the next context may take a file from this one, instead of copying it."""
    return file.size >= SMALLEST and not file.named_context


def refuse_foreign(destination: Path, reason_to_keep: Callable[[Path], str]) -> None:
    """Stop before anything that we did not make, or that the user has changed, would be replaced."""
    if not os.path.lexists(destination):
        return
    if destination.is_symlink() or not destination.is_dir():
        raise ContextError(f"{destination}: in the way and not a folder. Remove it, or choose another output.")
    reason = any(destination.iterdir()) and reason_to_keep(destination)
    if reason:
        raise ContextError(f"{destination}: {reason}. Move it away, or choose another output.")


@contextlib.contextmanager
def _beside(destination: Path, reason_to_keep: Callable[[Path], str]) -> Iterator[Path]:
    """Make a folder on the destination's own file system; remove it whatever happens."""
    with contextlib.ExitStack() as stack:
        with explained(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
            _mend_swaps(destination, reason_to_keep)
            partial = stack.enter_context(partial_folder(destination))
        yield partial


def _mend_swaps(destination: Path, reason_to_keep: Callable[[Path], str]) -> None:
    """Bring back a context whose replacement was cut short; leave what only has its name."""
    for replaced in beside(destination, REPLACED):
        if replaced.is_symlink() or not replaced.is_dir() or reason_to_keep(replaced):
            continue
        if os.path.lexists(destination):
            remove_folder(replaced)
        else:
            replaced.rename(destination)


def _normalise_folders(top: Path, timestamp: int) -> None:
    """Give folders one mode and one time, the innermost first."""
    for directory, _, _ in os.walk(top, topdown=False):
        Path(directory).chmod(DIRECTORY_MODE)
        os.utime(directory, (timestamp, timestamp))


def _put_in_place(partial: Path, destination: Path) -> None:
    """Swap the folders by renaming; the old one comes back if the new one cannot go in."""
    replaced = partial.with_suffix(REPLACED)
    with explained(destination):
        if destination.exists():
            destination.rename(replaced)
        try:
            partial.rename(destination)
        except OSError:
            if replaced.exists():
                replaced.rename(destination)
            raise
    remove_folder(replaced)
