"""Define how verbs work: loaded when called, with examples, shared options and a suggestion after a typo."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hatch_mlpackage.cli.given_flags import as_advised
from hatch_mlpackage.cli.output import PLAIN, QUIET, reader_has_left
from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Returned = TypeVar("Returned")
VerbFunction = Callable[..., Returned]

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXISTING_PATH = click.Path(exists=True, path_type=Path)

# Each key that a flag gave, with the flag: errors then name what the user typed.
TYPED = "hatch_mlpackage.typed"
TEXT = "hatch_mlpackage.text"  # of the project's pyproject.toml

RUNNING: ContextVar[str] = ContextVar("running", default="mlpackage")  # outlives click's context, as PLAIN does

# The Azure ML server spells `--entry_script` what is `--entry-script` here.
_CONTEXT_SETTINGS = {
    "help_option_names": ["-h", "--help"],
    "token_normalize_func": lambda word: word.replace("_", "-"),
    "max_content_width": 100,
}

# The names of our verbs in other tools (docker, cog, bentoml, mlflow, kitops).
_OTHER_TOOLS_VERBS = {
    "build": "generate, or image build",
    "bundle": "generate",
    "containerize": "image build",
    "docker": "image",
    "dockerfile": "generate",
    "invoke": "score",
    "package": "generate",
    "pack": "generate",
    "predict": "score",
    "run": "serve, or image run",
    "start": "serve",
    "validate": "check",
    "compile": "lock",
}


def _set_quiet(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    context.meta[QUIET] = value or context.meta.get(QUIET, False)


def _set_plain(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    PLAIN.set(value or PLAIN.get())


def _flags_of_every_verb() -> list[click.Parameter]:
    quiet, plain = (
        "Print only errors and what you asked for.",
        "Print to a terminal as to a file: no colours, trees or progress.",
    )
    return [
        click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=_set_quiet, help=quiet),
        click.Option(["--plain"], is_flag=True, expose_value=False, callback=_set_plain, help=plain),
    ]


class Verb(click.Command):
    """A verb with `examples`, one shell line each, and `document`, the shape of its output with --json."""

    def __init__(self, *arguments: Any, examples: tuple[str, ...] = (), document: str = "", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.examples = examples
        self.document = document
        self.context_settings = {**_CONTEXT_SETTINGS, **self.context_settings}
        self.params += _flags_of_every_verb()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if self.document:
            with formatter.section("With --json"):
                formatter.write(f"  {self.document}\n")
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {example}\n")

    def invoke(self, ctx: click.Context) -> Any:
        RUNNING.set(ctx.command_path)
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise ConfigurationError(as_typed(error.problems)) from error
        except MLPackageError as error:
            error.args = tuple(map(as_advised, map(str, error.args)))
            raise
        except BrokenPipeError:  # caught here: click would exit with 1, which means wrong input
            ctx.exit(reader_has_left())


class Verbs(click.Group):
    """A group of verbs in their order of use.

    `verbs` maps names to short texts: each has a module of its name in `package`, which is imported when the verb is
    called. So the list of verbs, in the help and for a shell, loads none of them.
    """

    def __init__(
        self, *arguments: Any, verbs: Mapping[str, str] | None = None, package: str = "", **settings: Any
    ) -> None:
        super().__init__(*arguments, **settings)
        self.verbs, self.package = verbs or {}, package
        self.context_settings = {**_CONTEXT_SETTINGS, **self.context_settings}
        self.params += _flags_of_every_verb()

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [*self.verbs, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(f"{self.package}.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self._listed().format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        listed = self._listed()
        return listed.shell_complete(click.Context(listed, parent=ctx.parent), incomplete)

    def _listed(self) -> click.Group:
        """Return a group with the names, short texts and options of the verbs, and nothing else of them."""
        listed = _Listed(self.name, params=self.params)
        for name in self.verbs:
            listed.add_command(click.Command(name, short_help=self.verbs[name]))
        for command in self.commands.values():
            listed.add_command(command)
        return listed

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name.replace("_", "-")):
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"No such command '{name}'.{_suggest_verb(name, self.list_commands(ctx))}", ctx)


class _Listed(click.Group):
    """A group that lists its commands in the order in which it got them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)


def _suggest_verb(name: str, verbs: list[str]) -> str:
    meant = _OTHER_TOOLS_VERBS.get(name.lower()) or next(
        iter(difflib.get_close_matches(name.lower(), verbs, n=1)), None
    )
    return f" Did you mean {meant}?" if meant else f" There are: {', '.join(verbs)}."


def as_typed(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Name the flag that gave a wrong key, and for every other key its line in pyproject.toml.

    The commands that the problems advise get the flags of the project that this command was given.
    """
    from hatch_mlpackage.project.pyproject import located  # noqa: PLC0415 - not every verb has a project

    meta = click.get_current_context().meta
    found = located(problems, meta.get(TEXT, ""))
    return tuple(with_advice(_as_typed(problem, meta.get(TYPED, {}))) for problem in found)


def with_advice(problem: Problem) -> Problem:
    """Return a problem whose commands have the flags of the project that this command was given."""
    return replace(problem, what=as_advised(problem.what), fix=as_advised(problem.fix))


def _as_typed(problem: Problem, typed: dict[str, str]) -> Problem:
    for key, flag in typed.items():
        if problem.where == key or problem.where.startswith((f"{key}.", f"{key}[")):
            return replace(problem, where=flag, at="")
    return problem


def add_options(
    verb: VerbFunction[Returned], options: Sequence[Callable[[VerbFunction[Returned]], VerbFunction[Returned]]]
) -> VerbFunction[Returned]:
    """Decorate a verb with options, which `--help` then lists in the given order."""
    for option in reversed(options):
        verb = option(verb)
    return verb


def folder_option(text: str) -> Callable[[VerbFunction[Returned]], VerbFunction[Returned]]:
    return click.option(
        "--project", "folder", type=EXISTING_FOLDER, default=Path(), show_default="the current folder", help=text
    )


def json_option(text: str = "Print a JSON document.") -> Callable[[VerbFunction[Returned]], VerbFunction[Returned]]:
    return click.option("--json", "as_json", is_flag=True, help=text)
