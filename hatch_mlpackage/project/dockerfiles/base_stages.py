"""Describe a Dockerfile's stages, images and copied files, and write it out with its images pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# The names of our own stages begin with this.
PREFIX = "mlpackage-"
STAGE = f"{PREFIX}stage-"  # a stage without a name gets this one and its number
SCRATCH = "scratch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """Describe a line that cannot be used: its number, what is wrong with it, and the fix."""

    line: int
    what: str
    fix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CopiedSource:
    """Name a file, folder or pattern that a line copies from the build context, relative to the project."""

    line: int
    pattern: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Hold a piece of the text, with an image between `before` and `after`, which is pinned if it is locked."""

    before: str
    image: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseDockerfile:
    """Describe a Dockerfile that ends with the base image.

    `base_image` is what its last stage builds on. `images` are all images that it names, with their lines. `place`
    names the Dockerfile in messages. `directives` are the lines that must open the file. `needs_buildkit` is the first
    line that the classic builder refuses, or 0.
    """

    place: str
    base_image: str
    last_stage: str
    images: tuple[tuple[int, str], ...]
    sources: tuple[CopiedSource, ...]
    parts: tuple[Part, ...]
    directives: tuple[str, ...]
    needs_buildkit: int
    sets_shell: bool
    wrong: tuple[Wrong, ...]

    def text(self, pinned: Mapping[str, str]) -> str:
        """Return the whole text, with each image replaced by its reference in `pinned`."""
        text = "".join(f"{part.before}{pinned.get(part.image, part.image)}{part.after}" for part in self.parts)
        return text.strip("\n") + "\n"


def expand(word: str, variables: Mapping[str, str]) -> str | None:
    """Fill in variables as FROM does; return None if one has no value."""
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        name, operator, other = match[1] or match[2], match[3], match[4]
        found = variables.get(name, "")
        if operator == "-":
            return found or other
        if operator == "+":
            return other if found else ""
        missing = missing or not found
        return found

    filled = re.sub(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})", value, word)
    return None if missing or "$" in filled else filled


def assignments(rest: str) -> Iterator[tuple[str, str]]:
    """Yield the name and default of each variable of an ARG that has a default."""
    for name, quote, quoted, plain in re.findall(r"(\w+)=(?:(['\"])(.*?)\2|(\S*))", rest):
        yield name, quoted if quote else plain


def platform_variables(platform: str) -> dict[str, str]:
    """Return the variables that BuildKit sets, as if the builder had the image's platform."""
    system, _, architecture = platform.partition("/")
    return {
        f"{side}{name}": value
        for side in ("TARGET", "BUILD")
        for name, value in (("PLATFORM", platform), ("OS", system), ("ARCH", architecture))
    }
