"""Lines of a Dockerfile that the user adds to the image: read, and checked as far as they could break what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hatch_mlpackage.decoding import decode

# docs.docker.com/reference/dockerfile
_INSTRUCTIONS = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})  # fmt: skip
# What the image says after these lines anyway.
_OURS = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK"})
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_]\w*)[\"']?")


def read_steps(root: Path, steps: str | tuple[str, ...] | None) -> str:
    """Return the lines as text with a line end each: those of the file, or those that are given.

    Raises OSError, or UnicodeDecodeError.
    """
    lines = decode((root / steps).read_bytes()).splitlines() if isinstance(steps, str) else list(steps or ())
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    return f"{text}\n" if text else ""


def wrong_steps(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, what is wrong with it and the fix."""
    for number, instruction in _instructions(text):
        if instruction == "FROM":
            what = "starts an image of its own, and these lines are added to one."
            yield number, what, "Leave FROM out, or build that image first and name it with base-image."
        elif instruction in _OURS:
            yield number, f"{instruction} has no effect: the image says its own after it.", "Remove the line."
        elif instruction not in _INSTRUCTIONS:
            yield number, f"'{instruction}' is no instruction of a Dockerfile.", "Start the line with RUN, COPY, ENV …"
    lines = text.splitlines()
    if lines and lines[-1].endswith("\\"):
        yield len(lines), "the last line ends in a backslash: what follows it would be part of it.", "Remove it."


def instructions_of(text: str) -> frozenset[str]:
    return frozenset(instruction for _, instruction in _instructions(text))


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Yield every instruction in capitals with its line; lines that are continued, or a heredoc's, are none."""
    continued, ends = False, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if ends:
            ends = ends[1:] if said == ends[0] else ends
        elif not said or said.startswith("#"):
            continue
        else:
            if not continued:
                yield number, said.split(maxsplit=1)[0].upper()
            continued, ends = said.endswith("\\"), _HEREDOC.findall(said)
