"""Hostile text in every key that reaches a context is refused, or changes nothing but the value that it stands for.

The Dockerfile is read back with BuildKit's own parser, command lines with `shlex`, and JSON with `json`.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.errors import MLPackageError, Problems
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.project.read_config import read_declaration

dockerfile = pytest.importorskip("dockerfile", reason="BuildKit's parser has no wheel for this platform")

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
BUILDKIT = {"builder": "buildkit"}


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key: how it is set, a harmless value of it, and the project's files that its value names."""

    table: object
    plain: str
    file: str = ""
    content: str = SCRIPT


def model(**values):
    return {"models": [{"name": "ridge", "path": "models/ridge.pkl", **values}]}


KEYS = {
    "model name": Key(table=lambda text: model(name=text), plain="a"),
    "model version": Key(table=lambda text: model(version=text), plain="2"),
    "model path": Key(table=lambda text: model(path=text), plain="a.pkl", file="{}"),
    "model path below": Key(table=lambda _: model(path="models"), plain="a.pkl", file="models/{}"),
    "model left where it is": Key(
        table=lambda text: {**model(path=f"sub/{text}"), "image": {**BUILDKIT, "models": "named-context"}},
        plain="a.pkl",
        file="sub/{}",
    ),
    "model URL": Key(table=lambda text: model(path=f"https://store.example/{text}"), plain="a.onnx"),
    "entry script": Key(table=lambda text: {"entry-script": text}, plain="a.py", file="{}"),
    "entry script's folder": Key(
        table=lambda text: {"entry-script": f"{text}/score.py", "source-directory": text}, plain="a", file="{}/score.py"
    ),
    "source file": Key(table=lambda _: {"source-directory": "src"}, plain="a.txt", file="src/{}"),
    "label": Key(table=lambda text: {"image": {"labels": {text: "1"}}}, plain="a"),
    "label's value": Key(table=lambda text: {"image": {"labels": {"a": text}}}, plain="a"),
    "variable": Key(table=lambda text: {"environment-variables": {text: "1"}}, plain="A"),
    "variable's value": Key(table=lambda text: {"environment-variables": {"A": text}}, plain="a"),
    "system package": Key(table=lambda text: {"system-packages": [text]}, plain="libgomp1"),
    "image name": Key(table=lambda text: {"image": {"name": text}}, plain="a"),
    "base image": Key(table=lambda text: {"base-image": text, "python-version": "3.12"}, plain="debian:12"),
    "base Dockerfile": Key(
        table=lambda text: {
            "base-dockerfile": f"FROM debian:12\nLABEL a={json.dumps(text, ensure_ascii=False)}\n",
            "python-version": "3.12",
        },
        plain="a",
    ),
    "step": Key(
        table=lambda text: {"extra-dockerfile-steps": [f"LABEL a={json.dumps(text, ensure_ascii=False)}"]}, plain="a"
    ),
    "file of steps": Key(
        table=lambda text: {"extra-dockerfile-steps": text}, plain="a.txt", file="{}", content="LABEL a=b\n"
    ),
    "interpreter": Key(
        table=lambda text: {
            "user-managed-dependencies": True,
            "interpreter-path": text,
            "base-image": "debian:12",
            "python-version": "3.12",
        },
        plain="python3",
    ),
    "secret": Key(table=lambda text: {"image": {**BUILDKIT, "secrets": [{"id": text, "target": "/a"}]}}, plain="a"),
    "secret's target": Key(
        table=lambda text: {"image": {**BUILDKIT, "secrets": [{"id": "a", "target": text}]}}, plain="/a"
    ),
    "python version": Key(table=lambda text: {"python-version": text}, plain="3.12"),
    "platform": Key(table=lambda text: {"platform": text}, plain="linux/amd64"),
    "lock folder": Key(table=lambda text: {"lock-directory": text}, plain="locks"),
    "requirement": Key(table=lambda text: {"dependencies": [text]}, plain="idna"),
    "exclude": Key(table=lambda text: {"source-directory": "src", "exclude": [text]}, plain="a"),
    "include": Key(table=lambda text: {"source-directory": "src", "include": [text]}, plain="a"),
}
ATTACKS = [
    "a\nRUN touch /pwned",
    "a\\\nRUN touch /pwned",
    "a\r\nRUN touch /pwned",
    'a" \nUSER root\n#',
    "a\u2028RUN touch /pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "a && touch pwned",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "$HOME",
    "../../escaped",
    "/escaped",
    "..",
    ".",
    "",
    "a\0b",
    "a\\..\\b",
    "<<EOF",
    "# syntax=evil/frontend",
    "--privileged",
    "a b",
    "a\\",
    "*",
    "[a",
    "{{ a }}",
    "{% raw %}",
    "```\n# a",
    "\x1b[2J",
    "\ud800",
]
TEXT = st.sampled_from(ATTACKS) | st.text(
    st.characters() | st.sampled_from("\n\r\t\\\"'$`;&|#*?[]{}()<>~!/. a"), max_size=12
)


def make_project(root, key, text):
    """Write a project in which one key has the text; return None where the file system has no such name."""
    (root / "models").mkdir(parents=True)
    (root / "src").mkdir()
    (root / "src/score.py").write_text(SCRIPT)
    (root / "models/ridge.pkl").write_bytes(b"ridge")
    if key.file:
        try:
            place = Path(f"{root}/{key.file.format(text)}")
            if not place.resolve().is_relative_to(root.resolve()) or place.exists():
                return None
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(key.content)
        except (OSError, ValueError):
            return None
    table = {"entry-script": "src/score.py", **model(), "pin-base-image": False, **key.table(text)}
    return Project(root=root, name="diabetes", version="1.0", table=table)


def made(project, folder):
    """Write the context below a folder and return it; None where the text was refused with a known error."""
    problems = Problems()
    config = read_declaration(project, problems).config
    if problems.found:
        return None
    try:
        lock = project.root / config.lock_path
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(with_header("", Requirements(), config.target))
        build_context(project, folder / "context")
    except MLPackageError:
        return None
    return folder / "context"


def instructions(context):
    return dockerfile.parse_string((context / "Dockerfile").read_text())


def commands(context):
    """Return the words of each command line in the README."""
    lines = [line.strip() for line in (context / "README.md").read_text().splitlines() if line.startswith("    ")]
    return [
        shlex.split(line) for line in lines if re.match(r"(?:DOCKER_BUILDKIT|docker|buildah|curl|mlpackage) ", line)
    ]


def pairs(context, name):
    """Return what the image sets with an instruction, without the escapes of the builder."""
    values = [found.value for found in instructions(context) if found.cmd == name]
    return {
        one[0]: re.sub(r'\\(["\\$])', r"\1", one[1].strip('"') if len(one[1]) < 2 else one[1][1:-1]) for one in values
    }


def shape(context):
    """Return what must not depend on any text: the instructions, and the programs that command lines start."""
    said = [
        (found.cmd, found.json, found.flags if found.cmd in {"FROM", "COPY"} else ()) for found in instructions(context)
    ]
    return said, [words[:2] for words in commands(context)]


@pytest.fixture(scope="module")
def plain_shapes(tmp_path_factory):
    """Give the shape of the context of each key's harmless value."""
    shapes = {}
    for name, key in KEYS.items():
        folder = tmp_path_factory.mktemp("plain")
        context = made(make_project(folder / "project", key, key.plain), folder)
        shapes[name] = shape(context) if context else None
    return shapes


def test_harmless_values_are_taken(plain_shapes):
    """Every key but a URL that is not locked, and a requirement, makes a context with its harmless value."""
    assert {name for name, found in plain_shapes.items() if found is None} == {"model URL", "requirement"}


@pytest.mark.parametrize("name", KEYS)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=TEXT)
def test_any_text_in_a_key(name, text, plain_shapes, tmp_path_factory):
    """The text is refused, or the context has the same instructions and commands, is proven, and lies in its place."""
    folder = tmp_path_factory.mktemp("any")
    project = make_project(folder / "project", KEYS[name], text)
    context = made(project, folder) if project else None

    assert {path.name for path in folder.iterdir()} <= {"project", "context"}
    if context is not None:
        assert shape(context) == plain_shapes[name]
        assert verify_context(context) == ()
        assert all(line.isprintable() for line in (context / "README.md").read_text().split("\n"))
        assert json.loads((context / "manifest.json").read_text())["project"] == {"name": "diabetes", "version": "1.0"}
        if name == "label's value":
            assert pairs(context, "LABEL")["a"] == text
        if name == "variable's value":
            assert pairs(context, "ENV")["A"] == text


@pytest.mark.parametrize("text", [*ATTACKS, "1.0\n", "1.0 "])
@pytest.mark.parametrize("part", ["name", "version"])
def test_a_project_of_that_name(part, text, tmp_path):
    """No project has a hostile name or version, so that none reaches a path, a tag or a command line."""
    with pytest.raises(MLPackageError):
        Project(root=tmp_path, **{part: text})
