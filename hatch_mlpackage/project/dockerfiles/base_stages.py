"""What a Dockerfile's stages stand on and take along, and the text of it with those images pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Names of stages that are ours.
PREFIX = "mlpackage-"
STAGE = f"{PREFIX}stage-"  # with its number: what stages without a name are called
SCRATCH = "scratch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """What cannot be taken: the line, what is wrong with it, and the fix."""

    line: int
    what: str
    fix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CopiedSource:
    """A file, a folder or a pattern that a line copies from the build context, relative to the project."""

    line: int
    pattern: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A piece of the text; an image stands between `before` and `after`, by digest where one is locked."""

    before: str
    image: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseDockerfile:
    """A Dockerfile that ends with the base image.

    `base_image` is the image that its last stage stands on, `images` are all that it names, with their lines; `place`
    is what its lines are called in messages. `directives` are the lines that have to open the file, `needs_buildkit` is
    the first line that the classic builder does not take, 0 where there is none.
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
        """Write it out with each image as `pinned` has it."""
        text = "".join(f"{part.before}{pinned.get(part.image, part.image)}{part.after}" for part in self.parts)
        return text.strip("\n") + "\n"


def expand(word: str, variables: Mapping[str, str]) -> str | None:
    """Fill in variables as FROM has them; None where one has no value."""
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
    """Yield name and default of an ARG; one without a default has none here."""
    for name, quote, quoted, plain in re.findall(r"(\w+)=(?:(['\"])(.*?)\2|(\S*))", rest):
        yield name, quoted if quote else plain


def platform_variables(platform: str) -> dict[str, str]:
    """Give the variables that BuildKit sets: the builder's platform is taken to be the image's."""
    system, _, architecture = platform.partition("/")
    return {
        f"{side}{name}": value
        for side in ("TARGET", "BUILD")
        for name, value in (("PLATFORM", platform), ("OS", system), ("ARCH", architecture))
    }
