"""Generate the reference of the command line, docs/command-line.md, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import click

from hatch_mlpackage.cli import check
from hatch_mlpackage.cli.program import mlpackage
from hatch_mlpackage.cli.project import PROJECT_OPTIONS
from hatch_mlpackage.cli.verbs import Verb

_COMMON = frozenset({"--quiet", "--plain", "--help"})


def reference() -> str:
    """Return a section for each verb: description, arguments, options, JSON document and examples."""
    top = _root_context()
    return "\n".join(section for name in mlpackage.list_commands(top) for section in _sections(name, top))


def common_options() -> str:
    """Return the options that every verb has."""
    return _option_table(_root_context(), lambda option: bool(_COMMON & {*option.opts}))


def project_options() -> str:
    """Return the options of every verb that works on a project."""
    context = _verb_context("check", check.command, _root_context())
    return _option_table(context, lambda option: option.name in PROJECT_OPTIONS)


def _root_context() -> click.Context:
    return click.Context(mlpackage, info_name="mlpackage", **mlpackage.context_settings)


def _verb_context(name: str, command: click.Command, parent: click.Context) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def _sections(name: str, parent: click.Context) -> Iterator[str]:
    command = parent.command.get_command(parent, name) if isinstance(parent.command, click.Group) else None
    if command is None:
        return
    context = _verb_context(name, command, parent)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _sections(below, context)
        return
    yield "\n".join(_section_lines(command, context))


def _section_lines(command: click.Command, context: click.Context) -> Iterator[str]:
    arguments = [param.make_metavar(context) for param in command.params if isinstance(param, click.Argument)]
    yield f"## {context.command_path}\n"
    yield f"```text\n{' '.join((context.command_path, '[OPTIONS]', *arguments))}\n```\n"
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        yield f"{' '.join(paragraph.split())}\n"
    elsewhere = PROJECT_OPTIONS if {param.name for param in command.params} >= PROJECT_OPTIONS else frozenset[str]()
    options = _option_table(context, lambda option: option.name not in elsewhere and not _COMMON & {*option.opts})
    if elsewhere:
        yield "Works on a project: see its options above.\n"
    if options:
        yield f"{options}\n"
    if isinstance(command, Verb) and command.document:
        yield f"With `--json`:\n\n```text\n{command.document}\n```\n"
    if isinstance(command, Verb):
        examples = "\n".join(command.examples)
        yield f"```console\n{examples}\n```\n"


def _option_table(context: click.Context, wanted: Callable[[click.Parameter], bool]) -> str:
    rows = [
        f"| `{_escaped(names)}` | {_escaped(text)} |"
        for option in context.command.get_params(context)
        if isinstance(option, click.Option) and wanted(option) and (record := option.get_help_record(context))
        for names, text in (record,)
    ]
    return "\n".join(["| option | what |", "|---|---|", *rows]) if rows else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
