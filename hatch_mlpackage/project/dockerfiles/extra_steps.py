"""Lines of a Dockerfile that the user adds to the image: read, and checked as far as they could break what follows."""

from __future__ import annotations

from collections.abc import Iterator

from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.project.dockerfiles.instructions import GOES_ON, KNOWN, instructions_of

# What the image says after these lines anyway.
_OURS = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK"})


def steps_text(steps: bytes | tuple[str, ...]) -> str:
    """Return the lines as text with a line end each: those of a file, or those that are given.

    Raises UnicodeDecodeError.
    """
    lines = decode(steps).splitlines() if isinstance(steps, bytes) else steps
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    return f"{text}\n" if text else ""


def wrong_steps(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, what is wrong with it and the fix."""
    for found in instructions_of(text):
        number, instruction = found.line, found.name
        if instruction == "FROM":
            what = "starts an image of its own, and these lines are added to one."
            yield number, what, "Leave FROM out, or write the lines up to there as base-dockerfile."
        elif instruction in _OURS:
            yield number, f"{instruction} has no effect: the image says its own after it.", "Remove the line."
        elif instruction not in KNOWN:
            yield number, f"'{instruction}' is no instruction of a Dockerfile.", "Start the line with RUN, COPY, ENV …"
        if found.goes_on:
            yield number, *GOES_ON


def names_in(text: str) -> frozenset[str]:
    """Return the names of the instructions."""
    return frozenset(found.name for found in instructions_of(text))
