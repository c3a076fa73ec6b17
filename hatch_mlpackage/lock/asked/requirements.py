"""Read what a project asks pip for: requirement files as people write them, and requirements given inline."""

from __future__ import annotations

import difflib
import os
import re
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.lock.asked.pip_file import Line, Option, logical_lines, options_of, split_options
from hatch_mlpackage.lock.asked.requirement_line import CREDENTIALS_FIX, RefusedRequirementError, canonical
from hatch_mlpackage.lock.asked.sources import Source, read_source
from hatch_mlpackage.redaction import has_credentials, redact

# Options that choose which files the resolver may consider: they belong to the project, and go into the lock.
_INDEX_FLAGS = frozenset({"--no-index", "--pre"})
_INDEX_OPTIONS = frozenset({"--index-url", "--extra-index-url", "--find-links"})
# These ask for what is always done: only wheels are locked, and always with hashes.
_ALREADY_SO = frozenset({"--prefer-binary", "--require-hashes"})
_LONGEST_SHOWN = 120
_NO_URLS = "Only files are read, no URLs: download it, commit it, and name it here."
_WHEELS_ONLY = "Only wheels are locked and installed: the image has no compiler."
_BUILD = (
    "If it only has sources, name it in build-from-source in place of this line: `mlpackage lock` builds its wheel."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedHashes:
    """The `sha256:…` that the line at `where` gives for its `requirement`, a canonical PEP 508 string."""

    requirement: str
    hashes: tuple[str, ...]
    where: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """The requirements that a lock is made for.

    `requirements` and `constraints` are canonical PEP 508 strings, sorted, without duplicates; `options` are pip's
    index options as `--name value` in the order given, without credentials; `notes` say what was read but not used.
    `sources` are the requirements that must be built, sorted by their text; `pylock` is the path and the digest of
    the `pylock.toml` from which the pins are selected, or None where a resolver finds them; `hashes` are those that
    the files give, of which each locked package must have one. `built` are the canonical names of the packages that
    are built from their source archives.
    """

    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    pylock: tuple[str, str] | None = None
    hashes: tuple[AskedHashes, ...] = ()
    built: tuple[str, ...] = ()


def read_requirements(
    root: Path,
    files: Sequence[str],
    inline: Sequence[str],
    problems: Problems,
    inline_where: str | Sequence[str],
    *,
    left_out: Collection[Path] = (),
    listed: tuple[str, Sequence[Line]] = ("", ()),
) -> Requirements:
    """Read requirement files (paths relative to `root`) and inline requirements; add every problem, raise none.

    `inline_where` is the place of each inline requirement, or the key of the array that holds them all. `left_out` are
    the resolved paths of files and folders that do not belong to a local project's sources; `listed` is the path of a
    file of another kind, with the lines for pip that it holds.
    """
    reader = _RequirementsReader(root=root, problems=problems, left_out=left_out)
    for file in files:
        reader.read_file(root / file, wanted_by="", into=reader.requirements)
    key = inline_where
    places = [f"{key}[{index}]" for index in range(len(inline))] if isinstance(key, str) else key
    for text, place in zip(inline, places, strict=True):
        reader.take_requirement(text.strip(), root, place, reader.requirements)
    holder, lines = listed
    for line in lines:
        reader.take_line(line, root / holder, f"{holder}:{line.number}", reader.requirements)
    return Requirements(
        requirements=tuple(sorted(set(reader.requirements))),
        constraints=tuple(sorted(set(reader.constraints))),
        options=tuple(dict.fromkeys(reader.options)),
        notes=tuple(dict.fromkeys(reader.notes)),
        sources=tuple(sorted(set(reader.sources), key=lambda source: source.text)),
        hashes=tuple(reader.hashes),
    )


@dataclass(kw_only=True, slots=True)
class _RequirementsReader:
    root: Path
    problems: Problems
    left_out: Collection[Path] = ()
    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    hashes: list[AskedHashes] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _read: set[tuple[str, bool]] = field(default_factory=set)

    def read_file(self, path: Path, *, wanted_by: str, into: list[str]) -> None:
        """Read one file and those it names; `wanted_by` is the `file:line` that names it, or empty."""
        shown = self._shown(path)
        real = os.path.realpath(path) if "\0" not in str(path) else str(path)
        if real in self._open:
            self.problems.add(wanted_by, f"{shown} includes itself in a circle.", "Remove this line.")
            return
        if (real, into is self.constraints) in self._read:
            return
        self._read.add((real, into is self.constraints))
        text = self._text_of(path, shown, wanted_by or shown)
        self._open.append(real)
        for line in logical_lines(text):
            self.take_line(line, path, f"{shown}:{line.number}", into)
        self._open.pop()

    def _shown(self, path: Path) -> str:
        try:
            return Path(os.path.relpath(path, self.root)).as_posix()
        except ValueError:  # another drive of Windows, or a NUL in the name
            return str(path)

    def _text_of(self, path: Path, shown: str, where: str) -> str:
        content = b""
        try:
            content = file_bytes(path)
            return decode(content)
        except FileNotFoundError:
            fix = _NO_URLS if re.match(r"(?i)[a-z][a-z0-9+.-]+:/", shown) else _similar(path)
            self.problems.add(where, f"the file {shown} does not exist.", fix)
        except UnicodeDecodeError as error:
            number = content[: error.start].count(b"\n") + 1
            self.problems.add(f"{shown}:{number}", "this line is not UTF-8 text.", "Save the file as UTF-8.")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self.problems.add(where, f"the file {shown} cannot be read: {reason}.", "Give a readable text file.")
        return ""

    def take_line(self, line: Line, path: Path, where: str, into: list[str]) -> None:
        requirement, after = split_options(line.text)
        try:
            options = options_of(after)
        except ValueError as error:
            self._refuse(where, line.text, f"{error}.", "Write it as pip's documentation does.")
            return
        if requirement:
            hashes = self._hashes_of(options, line.text, where)
            taken = self.take_requirement(requirement, path.parent, where, into)
            if taken and hashes:
                self.hashes.append(AskedHashes(requirement=taken, hashes=hashes, where=where))
            return
        for option in options:
            self._take_option(option, path, where, into)

    def take_requirement(self, text: str, folder: Path, where: str, into: list[str]) -> str:
        """Take a requirement; return its canonical string, or nothing where it must be built or is refused."""
        try:
            # A constraint limits what is asked for elsewhere: it names versions, and nothing is built for it.
            source = None if into is self.constraints else read_source(text, self.root, folder, self.left_out)
            if source is None:
                into.append(canonical(text))
                return into[-1]
            self.sources.append(source)
        except RefusedRequirementError as refused:
            self._refuse(where, text, refused.what, refused.fix)
        return ""

    def _hashes_of(self, options: tuple[Option, ...], text: str, where: str) -> tuple[str, ...]:
        for option in options:
            if option.name != "--hash":
                self._refuse(where, text, f"{option.name} is for building from source.", _WHEELS_ONLY)
                continue
            # A pin's hashes may cover only the files for its author's platform: the lock keeps the pin, and takes the
            # hashes of every file from the index, of which one must be among these.
            file = where.rpartition(":")[0]
            self.notes.append(f"{file}: its pins are kept, and its hashes are replaced by those of the index.")
        given = (option.value.lower() for option in options if option.name == "--hash")
        return tuple(one for one in given if one.startswith("sha256:"))

    def _take_option(self, option: Option, path: Path, where: str, into: list[str]) -> None:
        name, value = option
        if name in {"--requirement", "--constraint"}:
            self._include(value, path, where, self.constraints if name == "--constraint" else into)
        elif name in _INDEX_FLAGS:
            self.options.append(name)
        elif name in _INDEX_OPTIONS:
            self._take_index(name, value, where)
        elif name == "--trusted-host":
            self._take_host(name, value, where)
        elif name == "--editable":
            self.take_requirement(value, path.parent, where, into)
        elif name not in _ALREADY_SO and option != ("--only-binary", ":all:"):
            self._refuse_option(option, where)

    def _include(self, value: str, path: Path, where: str, into: list[str]) -> None:
        if re.match(r"(?i)[a-z][a-z0-9+.-]+:", value):
            self._refuse(
                where,
                value,
                "only files are read, no URLs: its content could change unnoticed.",
                "Download the file, commit it, and name it here.",
            )
            return
        self.read_file(path.parent / value, wanted_by=where, into=into)

    def _take_index(self, name: str, value: str, where: str) -> None:
        line = f"{name} {value}"
        others = [option for option in self.options if option.startswith("--index-url ") and option != line]
        if has_credentials(value, is_index=True) or "${" in value:
            self._refuse(where, line, "the URL of an index holds credentials.", CREDENTIALS_FIX)
        elif not re.fullmatch(r"(?i)https?://[^\s/]\S*", value):
            self._refuse(
                where,
                line,
                "this is not an http(s) URL, so the image cannot install from it.",
                "Give a URL, or set PIP_FIND_LINKS or UV_FIND_LINKS on the machine that locks.",
            )
        elif name == "--index-url" and others:
            self._refuse(where, line, f"a second index, after {others[0]}.", "Write --extra-index-url here.")
        else:
            self.options.append(line)

    def _take_host(self, name: str, value: str, where: str) -> None:
        if re.fullmatch(r"[\w.:\[\]-]+", value):
            self.options.append(f"{name} {value}")
        else:
            self._refuse(where, f"{name} {value}", "this is not a host name.", "Write `host` or `host:port`.")

    def _refuse_option(self, option: Option, where: str) -> None:
        text = f"{option.name} {option.value}".strip()
        if option.name in {"--no-binary", "--only-binary"}:
            is_named = option.name == "--no-binary" and option.value != ":all:"
            fix = f"{_WHEELS_ONLY} {_BUILD}" if is_named else _WHEELS_ONLY
            self._refuse(where, text, "a project cannot choose which packages come as wheels.", fix)
        else:
            self._refuse(
                where,
                text,
                "this option is unknown here.",
                "Known are -r, -c, -i, -f, --index-url, --extra-index-url, --find-links, --no-index, --pre "
                "and --trusted-host.",
            )

    def _refuse(self, where: str, text: str, what: str, fix: str) -> None:
        shown = textwrap.shorten(redact(text, is_index=fix == CREDENTIALS_FIX), _LONGEST_SHOWN, placeholder="…")
        self.problems.add(where, f"`{shown}`: {what}", fix)


def _similar(path: Path) -> str:
    try:
        siblings = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return "Create it, or correct the path."
    close = difflib.get_close_matches(path.name, siblings, n=1)
    return f"Did you mean {close[0]}?" if close else "Create it, or correct the path."
