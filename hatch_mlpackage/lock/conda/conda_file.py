"""Read what an environment file asks conda for, in any way that people write one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.files.yaml_lines import broken_lines, entries, get, is_list, is_mapping, line_of, read_yaml, scalar
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.asked.requirement_line import RefusedRequirementError
from hatch_mlpackage.lock.conda.spec import canonical_spec, package_name
from hatch_mlpackage.project.config.keys import parts_of_conda_file
from hatch_mlpackage.redaction import has_credentials, redact

Kind = Literal["environment", "pip", "locked"]
DEFAULT_CHANNEL = "conda-forge"
# Anaconda's `defaults` is not a channel but a name for these two, which the server keeps apart.
_DEFAULTS = ("main", "r")
_KEYS = frozenset({"name", "channels", "dependencies", "prefix", "variables", "platforms"})
# Every Python environment has these packages, so a file with no others needs nothing from conda.
_ONLY_PYTHON = frozenset({"python", "pip"})
_CREDENTIALS_FIX = (
    "Take them out of the file, and give them to the solver in ~/.netrc or a file that RATTLER_AUTH_FILE names."
)
_SELECTOR = re.compile(r"\s#\s*\[([^\]]*)\]\s*$")
_CHOSEN = frozenset({"linux", "unix", "linux64", "linux-64", "not win", "not osx", "not win and not osx"})
_LEFT_OUT = frozenset(
    {"win", "win32", "win64", "win-64", "osx", "osx64", "osx-64", "osx-arm64", "not linux", "not unix"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaFile:
    """Hold what a conda file asks for.

    `specs` are canonical match specs, or `url#sha256:…` lines if `kind` is `locked`. `pip` are the lines for pip as
    written. `notes` say what is ignored and what is assumed.
    """

    path: str
    kind: Kind
    channels: tuple[str, ...] = ()
    specs: tuple[Line, ...] = ()
    pip: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[object, ...]:
        """Return what decides the packages, wherever in the file it stands."""
        texts = (tuple(line.text for line in lines) for lines in (self.specs, self.pip))
        return (self.kind, self.channels, *texts)

    def where(self, line: Line) -> str:
        return f"{self.path}:{line.number}"


def read_text(content: bytes, path: str, problems: Problems) -> str | None:
    """Decode a conda file, with the line ends that its messages count; None when it was reported."""
    file, inside = parts_of_conda_file(path)
    try:
        if inside:
            from hatch_mlpackage.project.azureml_files.conda_text import dependencies_in_place  # noqa: PLC0415 - rarely needed

            return dependencies_in_place(content, file, inside, problems)
        return decode(content)
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        problems.add(f"{path}:{number}", "this line is not UTF-8 text.", "Save the file as UTF-8.")
    return None


def read_conda_environment(text: str, path: str, problems: Problems) -> CondaFile | None:
    """Read the text of an `environment.yml` and add every problem; return None if nothing can be read."""
    if broken_lines(text, path, problems):
        return None
    node = read_yaml(text, path, problems)
    if node is None:
        return None
    if not is_mapping(node):
        problems.add(f"{path}:{line_of(node)}", "this is not a conda file.", "List the packages below `dependencies:`.")
        return None
    reader = _EnvironmentFileReader(path=path, problems=problems, selectors=dict(_selectors(text)))
    reader.read(node)
    return reader.result()


def _selectors(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each comment such as `# [linux]`, which YAML drops and some tools obey."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        found = _SELECTOR.search(line)
        if found:
            yield number, " ".join(found[1].split())


@dataclass(kw_only=True, slots=True)
class _EnvironmentFileReader:
    path: str
    problems: Problems
    selectors: dict[int, str]
    channels: list[str] = field(default_factory=list)
    specs: list[Line] = field(default_factory=list)
    pip: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read(self, node: Any) -> None:
        self._check_keys(node)
        self._read_channels(get(node, "channels"))
        dependencies = get(node, "dependencies")
        if dependencies is None or (scalar(dependencies) is None and not is_list(dependencies)):
            where = f"{self.path}:{line_of(dependencies or node)}"
            self.problems.add(where, "`dependencies:` lists nothing.", "List the packages below it, one `- ` each.")
        elif not is_list(dependencies):
            self._refuse(line_of(dependencies), f"`dependencies: {scalar(dependencies)}` is not a list.", "Write `- `.")
        else:
            for item in dependencies.value:
                self._take_dependency(item)

    def result(self) -> CondaFile:
        names = {package_name(spec.text) for spec in self.specs}
        only_pip = names <= _ONLY_PYTHON
        if only_pip:
            self.notes.append(f"{self.path}: it asks conda only for Python, so pip locks and installs everything.")
        elif self.pip and "pip" not in names:
            self.notes.append(f"{self.path}: pip is not among the dependencies: the image's build provides its own.")
        return CondaFile(
            path=self.path,
            kind="pip" if only_pip else "environment",
            channels=() if only_pip else self._used_channels(),
            specs=tuple(self.specs),
            pip=tuple(self.pip),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _used_channels(self) -> tuple[str, ...]:
        if self.channels:
            return tuple(dict.fromkeys(self.channels))
        self.notes.append(
            f"{self.path}: no channels are named: {DEFAULT_CHANNEL} is used. "
            "For Anaconda's own, whose terms you then accept, write `channels: [defaults]`."
        )
        return (DEFAULT_CHANNEL,)

    def _check_keys(self, node: Any) -> None:
        seen: dict[str, int] = {}
        for key, value in entries(node):
            if key.text in seen:
                self._refuse(key.number, f"`{key.text}:` is also on line {seen[key.text]}.", "Join the two.")
            seen[key.text] = key.number
            if key.text not in _KEYS:
                hint = did_you_mean(key.text, _KEYS) or "Known are name, channels, dependencies, prefix and variables."
                self._refuse(key.number, f"`{key.text}:` is not a key of a conda file.", hint)
            elif key.text == "prefix" and scalar(value):
                self.notes.append(f"{self.path}: prefix is ignored: it is a folder of another machine.")
            elif key.text == "name" and re.search(r"[/\\]", scalar(value) or ""):
                self.notes.append(f"{self.path}: name is ignored: it is a path of another machine.")
            elif key.text == "variables" and is_mapping(value) and value.value:
                self.notes.append(
                    f"{self.path}: variables are not set in the image: "
                    "set those that matter in environment-variables of [tool.mlpackage]."
                )

    def _read_channels(self, node: Any) -> None:
        items = node.value if is_list(node) else [node] if node is not None and scalar(node) else []
        for item in items:
            channel = scalar(item)
            if channel is None:
                self._refuse(line_of(item), "a channel is blank.", "Remove the item.")
            else:
                self._take_channel(channel, line_of(item))

    def _take_channel(self, channel: str, line: int) -> None:
        if has_credentials(channel, is_index=True) or "${" in channel:
            self._refuse(line, f"the channel {redact(channel, is_index=True)} holds credentials.", _CREDENTIALS_FIX)
        elif re.match(r"(?i)file:|[./~\\]|[a-z]:\\", channel) or channel == "local":
            self._refuse(
                line,
                f"the channel {channel} is a folder of this machine.",
                'Copy it into the project, and set conda-mode = "vendored" and conda-channel to it.',
            )
        elif channel == "defaults":
            self.channels.extend(_DEFAULTS)
        elif not re.fullmatch(r"(?i)https?://[^\s/]\S*|[a-z0-9_][\w.-]*(?:/[\w.-]+)*", channel):
            self._refuse(line, f"`{channel}` is not a channel.", "Write its name or its URL.")
        elif channel != "nodefaults":
            self.channels.append(channel.rstrip("/"))

    def _take_dependency(self, item: Any) -> None:
        line, text = line_of(item), scalar(item)
        if is_mapping(item):
            self._take_mapping(item)
        elif is_list(item):
            self._refuse(line, "a list stands inside the list of dependencies.", "Write one package on each line.")
        elif text is None:
            self._refuse(line, "a dependency is blank.", "Remove the item.")
        elif self._is_chosen(line):
            self._take_spec(Line(line, text))

    def _is_chosen(self, line: int) -> bool:
        selector = self.selectors.get(line, "linux")
        if selector in _LEFT_OUT:
            self.notes.append(f"{self.path}:{line}: left out: `# [{selector}]` does not match the image.")
        elif selector not in _CHOSEN:
            self.notes.append(f"{self.path}:{line}: kept: the comment `# [{selector}]` is not a known selector.")
        return selector not in _LEFT_OUT

    def _take_spec(self, line: Line) -> None:
        try:
            spec = canonical_spec(line.text)
        except RefusedRequirementError as refused:
            self._refuse(line.number, f"`{redact(line.text)[:120]}` {refused.what}", refused.fix)
            return
        if re.search(r"[A-Z]", line.text.partition("=")[0].rpartition("::")[2]):
            self.notes.append(f"{self.path}:{line.number}: `{line.text}` is read in lower case, as conda does.")
        earlier = next((other for other in self.specs if package_name(other.text) == package_name(spec)), None)
        if earlier is not None:
            self.notes.append(
                f"{self.path}:{line.number}: {package_name(spec)} is also on line {earlier.number}: both count."
            )
        if earlier is None or earlier.text != spec:
            self.specs.append(Line(line.number, spec))

    def _take_mapping(self, item: Any) -> None:
        for key, value in entries(item):
            if key.text != "pip":
                shown = f"{key.text}:"
                fix = f"Write `{key.text}=version`, or `- pip:` for a list of pip's." if key.text else "Write a name."
                self._refuse(key.number, f"`{shown}` is neither a package nor `pip:`.", fix)
                continue
            if is_mapping(value):
                self._refuse(line_of(value), "`pip:` holds a mapping.", "Write a `- ` before each entry.")
                continue
            for entry in value.value if is_list(value) else [value]:
                self._take_pip(entry, is_alone=not is_list(value))

    def _take_pip(self, entry: Any, *, is_alone: bool) -> None:
        line, text = line_of(entry), scalar(entry)
        if text is not None:
            self.pip.append(Line(line, " ".join(text.split())))
        elif is_mapping(entry) or is_list(entry):
            self._refuse(line, "this entry of the pip list is not a string.", 'Write it in quotes: `- "name==1.0"`.')
        elif not is_alone:  # an emptied list leaves `- pip:` with nothing below it
            self._refuse(line, "an item of the pip list is blank.", "Remove the item.")

    def _refuse(self, line: int, what: str, fix: str) -> None:
        self.problems.add(f"{self.path}:{line}", what, fix)
