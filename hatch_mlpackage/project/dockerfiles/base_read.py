"""Read a Dockerfile's stages, their images and what cannot be taken by hand: a bare `hatch build` has no parser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hatch_mlpackage.files.parse import decode, parse_json
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.dockerfiles.base_stages import (
    PREFIX,
    SCRATCH,
    STAGE,
    BaseDockerfile,
    CopiedSource,
    Part,
    Wrong,
    assignments,
    expand,
    platform_variables,
)
from hatch_mlpackage.project.dockerfiles.instructions import (
    BASE_FOLDER,
    GOES_ON,
    KNOWN,
    NO_TEXT,
    Instruction,
    directives_of,
    instructions_of,
)

KEY = "tool.mlpackage.base-dockerfile"
_FROM = re.compile(r"(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_BUILDKIT_FLAGS = ("--chmod", "--exclude", "--link", "--mount", "--network", "--parents", "--security")
# The context's own files go here, and a volume would lose them.
_OUR_FOLDERS = ("/opt/mlpackage", "/var/azureml-app")
_WRITE_OUT = "Write the path out: the files must be found without a build."


def parse_base_dockerfile(root: Path, value: str, platform: str) -> BaseDockerfile:
    """Read a Dockerfile's text, or the file below `root` that `value` names.

    Raises OSError, or UnicodeDecodeError.
    """
    is_text = "\n" in value or re.match(r"\s*FROM\s", value, re.IGNORECASE) is not None
    text = value if is_text else decode(file_bytes(root / value))
    directives, text = directives_of(text.replace("\r\n", "\n"))
    reader = _DockerfileReader(variables=platform_variables(platform), platform=platform)
    if "escape" in directives and directives["escape"][1] != "\\":
        reader.refuse(directives["escape"][0], "changes the escape character.", "Write \\ instead, and drop the line.")
    for instruction in instructions_of(text):
        reader.read(instruction)
    return reader.result(
        place=KEY if is_text else value,
        directives=tuple(f"# {name}={directives[name][1]}" for name in ("syntax", "check") if name in directives),
    )


@dataclass(kw_only=True, slots=True)
class _Stage:
    line: int
    name: str
    image: str  # what it builds on, through other stages


@dataclass(kw_only=True, slots=True)
class _DockerfileReader:
    variables: dict[str, str]
    platform: str
    stages: list[_Stage] = field(default_factory=list)
    images: list[tuple[int, str]] = field(default_factory=list)
    sources: list[CopiedSource] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    needs_buildkit: int = 0
    sets_shell: bool = False

    def refuse(self, line: int, what: str, fix: str) -> None:
        self.wrong.append(Wrong(line=line, what=what, fix=fix))

    def read(self, found: Instruction) -> None:
        """Take one instruction, unchanged or rewritten."""
        if not self.stages and found.name in KNOWN - {"ARG", "FROM"}:
            self.refuse(found.line, f"{found.name} stands before the first FROM.", "Begin with FROM.")
        if found.body or any(flag.startswith(_BUILDKIT_FLAGS) for flag in found.flags):
            self.needs_buildkit = self.needs_buildkit or found.line
        self.parts.append(Part(before=found.above))
        taken = _TAKEN.get(found.name)
        parts = list(taken(self, found)) if taken else [Part(before=found.text)]
        self.parts += [*parts, Part(before=found.body)]
        if found.name not in KNOWN:
            self.refuse(found.line, f"'{found.name}' is not a Dockerfile instruction.", "Correct it.")
        if found.goes_on:
            self.refuse(found.line, *GOES_ON)
        if not found.is_text:
            self.refuse(found.line, *NO_TEXT)

    def result(self, *, place: str, directives: tuple[str, ...]) -> BaseDockerfile:
        if not self.stages and not self.wrong:
            self.refuse(1, "there is no FROM.", "Begin with FROM and the image that yours builds on.")
        last = self.stages[-1] if self.stages else _Stage(line=1, name="", image="")
        if last.image == SCRATCH:
            self.refuse(
                last.line, "the last stage builds on scratch, which has no Python.", "Build on an image that has."
            )
        return BaseDockerfile(
            place=place,
            base_image=last.image if last.image != SCRATCH else "",
            last_stage=last.name,
            images=tuple(self.images),
            sources=tuple(self.sources),
            parts=tuple(self.parts),
            directives=directives,
            needs_buildkit=self.needs_buildkit,
            sets_shell=self.sets_shell,
            wrong=tuple(self.wrong),
        )

    def argument(self, found: Instruction) -> Iterator[Part]:
        if not self.stages:
            for name, default in assignments(found.rest):
                self.variables[name] = expand(default, self.variables) or ""
        yield Part(before=found.text)

    def start(self, found: Instruction) -> Iterator[Part]:
        """Take a FROM: pin its image, drop the platform, and name the stage."""
        match = _FROM.fullmatch(found.rest)
        if match is None:
            self.refuse(found.line, f"'FROM {found.rest}' is not FROM image [AS name].", "Correct it.")
            return
        self._check_platform(found)
        image, name = expand(match[1], self.variables), match[2] or f"{STAGE}{len(self.stages) + 1}"
        if image is None:
            self.refuse(found.line, f"'{match[1]}' has a variable without a default.", "Give it one: ARG NAME=value.")
            image = ""
        if match[2] and name.lower().startswith(PREFIX):
            self.refuse(found.line, f"'{name}' is a name of the context's own stages.", "Choose another.")
        earlier = self._stage(image)
        self.stages.append(_Stage(line=found.line, name=name, image=earlier.image if earlier else image))
        if earlier is None:
            self._name_image(found.line, image)
        place = f"FROM {image}" if earlier else "FROM "
        yield Part(before=place, image="" if earlier else image, after=f" AS {name}\n")

    def copy(self, found: Instruction) -> Iterator[Part]:
        """Take a COPY or ADD: pin the image it copies from, or copy from the context's folder for such files."""
        if any(flag.startswith("--from=") for flag in found.flags):
            yield from self.run(found)
            return
        if any(flag.startswith("--parents") for flag in found.flags):
            self.refuse(found.line, "--parents would copy the context's folder for these files too.", "Leave it out.")
        words = _words(found.rest)
        if words is None or len(words) < 2:  # noqa: PLR2004 - a source and where it goes
            self.refuse(found.line, f"{found.name} has no source and destination.", "Correct it.")
            return
        *sources, destination = words
        taken = [self._source(found, source) for source in sources]
        if taken == sources:
            yield Part(before=found.text)
            return
        said = [*taken, destination]
        line = json.dumps(said) if found.rest.startswith("[") else " ".join(said)
        yield Part(before=f"{' '.join((found.name, *found.flags, line))}\n")

    def run(self, found: Instruction) -> Iterator[Part]:
        """Take a line that may name other images; refuse one that mounts the build context."""
        text = found.text
        for flag in found.flags:
            name = (re.findall(r"(?:^--|,|=)from=([^,\s]+)", flag) or [""])[0]
            if flag.startswith("--mount") and not name and not re.search(r"type=(?!bind)", flag):
                fix = "Copy the files with COPY, which adds them to the context."
                self.refuse(found.line, "mounts the build context, which is not this folder.", fix)
            if "$" in name:
                self.refuse(found.line, f"'{name}' has a variable.", "Name the image.")
            elif name and not name.isdigit() and self._stage(name) is None:
                self._name_image(found.line, name)
                if f"from={name}" not in text:  # continued within the word
                    text = f"{' '.join((found.name, *found.flags, found.rest))}\n"
                before, after = text.split(f"from={name}", 1)
                yield Part(before=f"{before}from=", image=name)
                text = after
        yield Part(before=text)

    def shell(self, found: Instruction) -> Iterator[Part]:
        self.sets_shell = True
        yield Part(before=found.text)

    def trigger(self, found: Instruction) -> Iterator[Part]:
        what = "ONBUILD would run in the stages that follow, on another context."
        self.refuse(found.line, what, "Write the instruction itself.")
        yield Part(before=found.text)

    def volume(self, found: Instruction) -> Iterator[Part]:
        for path in _words(found.rest) or ():
            if any(f"{folder}/".startswith(f"{path.rstrip('/')}/") for folder in _OUR_FOLDERS):
                self.refuse(found.line, f"a volume at {path} would lose what the image has there.", "Choose another.")
        yield Part(before=found.text)

    def _check_platform(self, found: Instruction) -> None:
        for flag in found.flags:
            platform = expand(flag.partition("=")[2], self.variables)
            if platform != self.platform:
                what = f"'{flag}' is not the image's platform, {self.platform}."
                self.refuse(found.line, what, "Leave it out, or change platform.")

    def _stage(self, name: str) -> _Stage | None:
        return next((stage for stage in self.stages if stage.name.lower() == name.lower()), None)

    def _name_image(self, line: int, image: str) -> None:
        if image and image != SCRATCH:
            self.images.append((line, image))

    def _source(self, found: Instruction, source: str) -> str:
        """Return what the line copies instead: a file of its own context lies in a folder of ours."""
        if source.startswith("<<") or (found.name == "ADD" and re.match(r"[a-z]+://|git@", source)):
            return source
        path = source.removeprefix("/").removeprefix("./").rstrip("/")
        if not source.isprintable():
            self.refuse(found.line, f"{source!a} holds a character that cannot be printed.", "Rename the file.")
        elif re.search(r"[$\\'\"]", source):
            self.refuse(found.line, f"'{source}' has a variable or a quote.", _WRITE_OUT)
        elif path in {"", ".", "*", "**"}:
            what = f"'{source}' would copy the whole project, including what git ignores."
            self.refuse(found.line, what, "Name the files or the folder.")
        elif "**" in path:
            self.refuse(found.line, f"'{source}' is not a pattern that COPY knows.", "Name the folder.")
        elif ".." in path.split("/"):
            self.refuse(found.line, f"'{source}' is outside the project.", "Copy it into the project.")
        else:
            self.sources.append(CopiedSource(line=found.line, pattern=path))
        return f"{BASE_FOLDER}/{path}"


_TAKEN: dict[str, Callable[[_DockerfileReader, Instruction], Iterator[Part]]] = {
    "ADD": _DockerfileReader.copy,
    "ARG": _DockerfileReader.argument,
    "COPY": _DockerfileReader.copy,
    "FROM": _DockerfileReader.start,
    "ONBUILD": _DockerfileReader.trigger,
    "RUN": _DockerfileReader.run,
    "SHELL": _DockerfileReader.shell,
    "VOLUME": _DockerfileReader.volume,
}


def _words(rest: str) -> list[str] | None:
    """Split a line into the items of its JSON array or into words; return None for a broken array."""
    if not rest.startswith("["):
        return rest.split()
    try:
        words = parse_json(rest)
    except ValueError:
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None
