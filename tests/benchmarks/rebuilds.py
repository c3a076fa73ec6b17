"""Say what a builder with a full cache does again when a context changes, from its Dockerfile and its files."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from results import Rebuild

from hatch_mlpackage.project.dockerfiles.instructions import Instruction, instructions_of

STEPS = ("RUN", "COPY", "ADD")
INSTALLS = ("pip install", "pip sync", "_install_pyfunc_deps", "build-env.sh", "conda env create", "conda install")

Files = dict[str, tuple[str, int]]  # the hash and the size of each file of a context, by its path


def files_of(context: Path) -> Files:
    """Return the hash and the size of each file, but for caches of Python that every ignore file names."""
    paths = [path for path in context.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(context).as_posix(): (digest(path), path.stat().st_size) for path in sorted(paths)}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rebuild(dockerfile: str, before: Files, after: Files) -> Rebuild:
    """Return what a builder with a cache does again when a context changes.

    A COPY or ADD runs again if one of its files has changed, and so does every later step of its stage, and of stages
    that start from it or copy out of it.
    """
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    again, steps, copied = [], 0, 0
    for instruction, is_again in walked(dockerfile, changed, {**before, **after}):
        if instruction.name in STEPS:
            steps += 1
        if instruction.name in STEPS and is_again:
            again.append(instruction)
            copied += sum(after[name][1] for name in copied_by(instruction, after))
    return Rebuild(
        changed_files=len(changed),
        changed_bytes=sum(after[name][1] for name in changed if name in after),
        steps=len(again),
        all_steps=steps,
        copied_bytes=copied,
        installs=any(words in step.text for step in again if step.name == "RUN" for words in INSTALLS),
    )


def walked(dockerfile: str, changed: set[str], files: Files) -> Iterator[tuple[Instruction, bool]]:
    """Yield every instruction with whether it runs again."""
    stages: dict[str, bool] = {}  # whether anything runs again in a stage, by its name and its number
    stage, number = "", -1
    for instruction in instructions_of(dockerfile):
        if instruction.name == "FROM":
            number += 1
            words = instruction.rest.split()
            is_again = stages.get(words[0], False)
            stage = words[-1] if len(words) > 2 else str(number)
        else:
            source = next((flag.partition("=")[2] for flag in instruction.flags if flag.startswith("--from=")), "")
            is_again = (
                stages.get(stage, False) or stages.get(source, False) or bool(copied_by(instruction, files) & changed)
            )
        stages[stage] = stages[str(number)] = is_again
        yield instruction, is_again


def copied_by(instruction: Instruction, files: Files) -> set[str]:
    """Return the files of the context that an instruction copies."""
    if instruction.name not in {"COPY", "ADD"} or any(flag.startswith("--from=") for flag in instruction.flags):
        return set()
    rest = instruction.rest
    words = json.loads(rest) if rest.startswith("[") else rest.split()
    patterns = [word.removeprefix("./").strip("/") for word in words[:-1] if not word.startswith("--")]
    return {name for name in files for pattern in patterns if matches(name, pattern)}


def matches(name: str, pattern: str) -> bool:
    inside = pattern in {"", "."} or name.startswith(f"{pattern}/")
    return inside or fnmatch.fnmatchcase(name, pattern)
