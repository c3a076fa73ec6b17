"""Repeat the flags that describe the project in each command that the user is advised to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hatch_mlpackage.files.quoting import shown_command

PATH_FLAGS = ("entry_script", "source_directory", "conda_file")
TEXT_FLAGS = ("python_version", "base_image", "platform")
MODEL_FLAGS = ("framework", "allow_pickle")
# The parameters of the options that describe a project, which the reference lists apart from a verb's own.
PROJECT_OPTIONS = frozenset(
    {"folder", "models", "requirements", "build_from_source", *MODEL_FLAGS, *PATH_FLAGS, *TEXT_FLAGS}
)

_ELSEWHERE = "hatch_mlpackage.elsewhere"  # the folder of the project that the advice is about, if no flag names it

# The verbs that take these options, where they are named for the user to type: in backquotes, or after a colon.
_ADVISED = re.compile(
    r"(?P<command>(?:`|: )mlpackage (?:lock|check|plan|generate|image (?:build|run|push|pull)|(?P<serve>serve)))\b(?!-)"
)


def model_text(model: Mapping[str, str]) -> str:
    """Write a model as `--model` takes it."""
    version = f":{model['version']}" if "version" in model else ""
    return f"{model['name']}{version}={model['path']}"


def with_flags(command: str, *others: str) -> str:
    """Return a command with those flags of the project, and of the parameters `others`, that this one was given."""
    return " ".join((command, *(shown_command(words) for words in _given({*PROJECT_OPTIONS, *others}))))


@contextmanager
def advising_about(project: Path) -> Iterator[None]:
    """Name this project's folder, and no flags of the running command, in the commands that texts advise meanwhile."""
    meta = click.get_current_context().meta
    meta[_ELSEWHERE] = project
    try:
        yield
    finally:
        del meta[_ELSEWHERE]


def only_script_given() -> bool:
    """Tell whether the flags name the entry script and nothing else of the project: `serve` reads no project then."""
    return [words[0] for words in _given(PROJECT_OPTIONS - {"folder"})] == ["--entry-script"]


def as_advised(text: str) -> str:
    """Add the flags of the project that this command was given to each command that a text advises.

    A command that has them already, or a folder of its own, stays as it is.
    """
    flags = with_flags("")
    is_bare_script = only_script_given()

    def repeat(found: re.Match[str]) -> str:
        done = text.startswith((flags, " --project "), found.end()) or (found["serve"] and is_bare_script)
        return found["command"] + ("" if done else flags)

    return _ADVISED.sub(repeat, text)


def _given(names: set[str] | frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Yield the words of each flag that the user typed, in the order of the command's help."""
    context = click.get_current_context(silent=True)
    if context and _ELSEWHERE in context.meta:
        yield "--project", str(context.meta[_ELSEWHERE])
        return
    for option in context.command.params if context else ():
        name = option.name or ""
        if context and name in names and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            yield from _words(option, context.params[name])


def _words(option: click.Parameter, value: Any) -> Iterator[tuple[str, ...]]:
    for one in value if option.multiple else (value,):
        text = model_text(one) if isinstance(one, dict) else str(one)
        yield (option.opts[0],) if isinstance(option, click.Option) and option.is_flag else (option.opts[0], text)
