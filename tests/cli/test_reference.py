"""Generate the reference of the command line, docs/command-line.md, from the commands themselves."""

from __future__ import annotations

import re
from pathlib import Path

import click

from hatch_mlpackage.cli import check
from hatch_mlpackage.cli.given_flags import PROJECT_OPTIONS
from hatch_mlpackage.cli.program import mlpackage
from hatch_mlpackage.cli.verbs import Verb

PAGE = Path(__file__).parents[2] / "docs/command-line.md"
COMMON = frozenset({"--quiet", "--plain", "--help"})


def reference():
    """Return a section for each verb: description, arguments, options, JSON document and examples."""
    top = root_context()
    return "\n".join(section for name in mlpackage.list_commands(top) for section in sections(name, top))


def common_options():
    """Return the options that every verb has."""
    return option_table(root_context(), lambda option: bool(COMMON & {*option.opts}))


def project_options():
    """Return the options of every verb that works on a project."""
    context = verb_context("check", check.command, root_context())
    return option_table(context, lambda option: option.name in PROJECT_OPTIONS)


def root_context():
    return click.Context(mlpackage, info_name="mlpackage", **mlpackage.context_settings)


def verb_context(name, command, parent):
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def sections(name, parent):
    command = parent.command.get_command(parent, name) if isinstance(parent.command, click.Group) else None
    if command is None:
        return
    context = verb_context(name, command, parent)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from sections(below, context)
        return
    yield "\n".join(section_lines(command, context))


def section_lines(command, context):
    arguments = [param.make_metavar(context) for param in command.params if isinstance(param, click.Argument)]
    yield f"## {context.command_path}\n"
    yield f"```text\n{' '.join((context.command_path, '[OPTIONS]', *arguments))}\n```\n"
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        yield f"{' '.join(paragraph.split())}\n"
    elsewhere = PROJECT_OPTIONS if {param.name for param in command.params} >= PROJECT_OPTIONS else frozenset()
    options = option_table(context, lambda option: option.name not in elsewhere and not COMMON & {*option.opts})
    if elsewhere:
        yield "Works on a project: see its options above.\n"
    if options:
        yield f"{options}\n"
    if isinstance(command, Verb) and command.document:
        yield f"With `--json`:\n\n```text\n{command.document}\n```\n"
    if isinstance(command, Verb):
        examples = "\n".join(command.examples)
        yield f"```console\n{examples}\n```\n"


def option_table(context, wanted):
    rows = [
        f"| `{escaped(names)}` | {escaped(text)} |"
        for option in context.command.get_params(context)
        if isinstance(option, click.Option) and wanted(option) and (record := option.get_help_record(context))
        for names, text in (record,)
    ]
    return "\n".join(["| option | what |", "|---|---|", *rows]) if rows else ""


def escaped(text):
    return text.replace("|", "\\|")


def between(text, name, new):
    """Replace the text between two comments of the page."""
    before, begin, rest = text.partition(f"<!-- {name}: begin -->\n")
    _, end, after = rest.partition(f"<!-- {name}: end -->")
    return f"{before}{begin}\n{new}\n\n{end}{after}"


def test_the_page(request):
    """The page matches the commands' own help; `pytest --update-golden` writes it."""
    text = PAGE.read_text(encoding="utf-8")
    for name, new in {"options": common_options, "project": project_options, "verbs": reference}.items():
        text = between(text, name, new().strip())
    if request.config.getoption("--update-golden"):
        PAGE.write_text(text, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == text
