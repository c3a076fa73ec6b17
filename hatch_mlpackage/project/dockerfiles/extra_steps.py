"""Read the lines of a Dockerfile that a user adds to the image, and find those that break what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.project.dockerfiles.instructions import GOES_ON, KNOWN, NO_TEXT, instructions_of

# The image sets these after the user's lines.
_OURS = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK"})


def steps_text(steps: bytes | tuple[str, ...]) -> str:
    """Return the lines of a file, or the given ones, as text that ends in a line end.

    Raises UnicodeDecodeError.
    """
    # Builders end a line nowhere else.
    lines = re.split(r"\r\n|\r|\n", decode(steps)) if isinstance(steps, bytes) else steps
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    return f"{text}\n" if text else ""


def wrong_steps(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number of each wrong line, what is wrong with it, and the fix."""
    for found in instructions_of(text):
        number, instruction = found.line, found.name
        if instruction == "FROM":
            what = "starts a new image, but these lines are added to an existing one."
            yield number, what, "Leave FROM out, or write the lines up to there as base-dockerfile."
        elif instruction in _OURS:
            yield number, f"{instruction} has no effect: the image sets its own afterwards.", "Remove the line."
        elif instruction not in KNOWN:
            yield number, f"'{instruction}' is not a Dockerfile instruction.", "Start the line with RUN, COPY, ENV …"
        if found.goes_on:
            yield number, *GOES_ON
        if not found.is_text:
            yield number, *NO_TEXT


def names_in(text: str) -> frozenset[str]:
    """Return the names of the instructions."""
    return frozenset(found.name for found in instructions_of(text))
