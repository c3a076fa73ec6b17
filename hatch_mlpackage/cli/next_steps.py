"""Name the next command as the user can type it: with the flags that this one was given, and a file that exists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hatch_mlpackage.cli.output import from_here
from hatch_mlpackage.cli.project import PROJECT_OPTIONS, model_text
from hatch_mlpackage.files.quoting import shown_command
from hatch_mlpackage.project.config.keys import PORT

_SAMPLES = ("sample.json", "sample_request.json", "sample-request.json", "request.json")
LOOPBACK = "127.0.0.1"
_ANY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - compared with, not listened on


def with_flags(command: str, *others: str) -> str:
    """Return a command with those flags of the project, and of the parameters `others`, that this one was given."""
    return " ".join((command, *(shown_command(words) for words in _given({*PROJECT_OPTIONS, *others}))))


def only_script_given() -> bool:
    """Tell whether the flags name the entry script and nothing else of the project: `serve` reads no project then."""
    return [words[0] for words in _given(PROJECT_OPTIONS - {"folder"})] == ["--entry-script"]


def _given(names: set[str] | frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Yield the words of each flag that the user typed, in the order of the command's help."""
    context = click.get_current_context()
    for option in context.command.params:
        name = option.name or ""
        if name in names and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            yield from _words(option, context.params[name])


def _words(option: click.Parameter, value: Any) -> Iterator[tuple[str, ...]]:
    for one in value if option.multiple else (value,):
        text = model_text(one) if isinstance(one, dict) else str(one)
        yield (option.opts[0],) if isinstance(option, click.Option) and option.is_flag else (option.opts[0], text)


def score_step(host: str, port: int, folder: Path) -> str:
    """Return the command that sends a server the sample request in a folder, or asks its health if there is none."""
    reached = _ANY_ADDRESS.get(host, host)
    url = f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"
    sample = next((folder / name for name in _SAMPLES if (folder / name).is_file()), None)
    if sample is None:
        return shown_command(("curl", f"{url}/"))
    place = () if (host, port) == (LOOPBACK, PORT) else ("--url", url)
    return shown_command(("mlpackage", "score", *place, "--data", f"@{from_here(sample)}"))
