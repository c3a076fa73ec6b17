"""Open the project on which a verb works, with flags in place of keys or of the whole pyproject.toml."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from hatch_mlpackage.cli.given_flags import MODEL_FLAGS, PATH_FLAGS, PROJECT_OPTIONS, TEXT_FLAGS, model_text
from hatch_mlpackage.cli.verbs import TEXT, TYPED, Returned, VerbFunction, add_options, folder_option
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.quoting import shown_word
from hatch_mlpackage.project.config.hatch_tables import misspelt_tables
from hatch_mlpackage.project.config.keys import FRAMEWORKS, KEY
from hatch_mlpackage.project.identity import is_identity
from hatch_mlpackage.project.pyproject import FALLBACK_VERSION, PYPROJECT, Project, load_project, plain_name
from hatch_mlpackage.project.target import ARCHITECTURES, SUPPORTED_PYTHONS

_SHOWN = 3  # folders


class ModelFlag(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.5
    """Read `NAME[:VERSION]=PATH` as a table of `[[tool.mlpackage.models]]`."""

    name = "NAME[:VERSION]=PATH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        named, equals, path = str(value).partition("=")
        name, colon, version = named.partition(":")
        if not (name and equals and path) or (colon and not version) or "/" in named:
            self.fail(f"'{value}' is not NAME=PATH or NAME:VERSION=PATH, such as ridge:3=models/ridge.pkl.", param, ctx)
        return {"name": name, "path": path} | ({"version": version} if version else {})


def _completing(words: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Let a shell complete one of some words; the configuration's checks decide whether a word is allowed."""
    return lambda _context, _parameter, begun: [word for word in words if word.startswith(begun)]


# No `exists`: a wrong path is reported together with all other problems. The types make shells complete paths.
_PATH, _FOLDER = click.Path(), click.Path(file_okay=False)
_OPTIONS = (
    folder_option("The project's folder, with its pyproject.toml."),
    click.option("--entry-script", type=_PATH, metavar="FILE", help="The script with init() and run()."),
    click.option("--source-directory", type=_FOLDER, metavar="DIR", help="The folder to package with the script."),
    click.option("--model", "models", type=ModelFlag(), multiple=True, help="A model file or folder; repeatable."),
    click.option(
        "--framework",
        shell_complete=_completing(FRAMEWORKS),
        metavar="NAME",
        help="The framework of the model, instead of an entry script: sklearn, skops, onnx, …",
    ),
    click.option("--allow-pickle", is_flag=True, help="Trust a model whose loading runs code."),
    click.option(
        "--requirement",
        "requirements",
        type=_PATH,
        metavar="FILE",
        multiple=True,
        help="A requirements file; repeatable.",
    ),
    click.option(
        "--build-from-source",
        metavar="NAME",
        multiple=True,
        help="A package without a wheel, whose code `mlpackage lock` runs to build one; repeatable.",
    ),
    click.option("--conda-file", type=_PATH, metavar="FILE", help="A conda environment file, or a conda lock file."),
    click.option(
        "--python-version", metavar="X.Y", shell_complete=_completing(SUPPORTED_PYTHONS), help="The image's Python."
    ),
    click.option("--base-image", metavar="IMAGE", help="The image to build on."),
    click.option(
        "--platform",
        metavar="OS/ARCH",
        shell_complete=_completing(ARCHITECTURES),
        help="The platform of the image: linux/amd64 or linux/arm64.",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A project as `--project` and the flags for its keys describe it: `typed` are these flags, as they were typed."""

    folder: Path
    typed: Mapping[str, Any]

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(f"--{_key_of_flag(name).removesuffix('s')}" for name in self.typed)

    def load(self, *, may_be_empty: bool = False) -> Project:
        """Read the project from its files, with the flags in place of keys; raise as `open_project`."""
        table = table_from_flags(self.folder, self.typed)
        click.get_current_context().meta[TYPED] = _typed_flags(table, self.typed.get("models", ()))
        return open_project(self.folder, table, may_be_empty=may_be_empty)


def with_described(verb: VerbFunction[Returned]) -> VerbFunction[Returned]:
    """Give a verb `--project` and a flag for each key, and call it with what they describe, which is `described`."""

    @functools.wraps(verb)
    def called(folder: Path, **given: Any) -> Returned:
        flags = {name: given.pop(name) for name in sorted(PROJECT_OPTIONS - {"folder"})}
        typed = {name: value for name, value in flags.items() if value}
        return verb(described=Described(folder=folder, typed=typed), **given)

    return add_options(called, _OPTIONS)


def with_project(verb: VerbFunction[Returned]) -> VerbFunction[Returned]:
    """Give a verb `--project` and a flag for each key, and call it with the `project` that they describe."""

    @functools.wraps(verb)
    def opened(described: Described, **given: Any) -> Returned:
        needs_none = bool(given.get("context") or given.get("tag"))  # these name a finished context or image
        return verb(project=described.load(may_be_empty=needs_none), **given)

    return with_described(opened)


strict_option = click.option("--strict", is_flag=True, help="Treat warnings as errors.")


check_option = click.option(
    "--no-check",
    "check",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Warn of what is wrong in the sources, and go on.",
)


def with_options(project: Project, *, strict: bool, check: bool = True) -> Project:
    """Return the project with the keys that the options `--strict` and `--no-check` set."""
    return replace(
        project, table={**project.table, **({"strict": True} if strict else {}), **({} if check else {"check": False})}
    )


def table_from_flags(folder: Path, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Convert flags to a `[tool.mlpackage]` table, with their paths made relative to the project."""
    table = {_key_of_flag(name): flags[name] for name in TEXT_FLAGS if flags.get(name)}
    table |= {_key_of_flag(name): _from_project(flags[name], folder) for name in PATH_FLAGS if flags.get(name)}
    about = {_key_of_flag(name): flags[name] for name in MODEL_FLAGS if flags.get(name)}
    if about and not flags.get("models"):
        raise click.UsageError(f"--{next(iter(about))} describes a model: give it together with --model.")
    if flags.get("models"):
        table["models"] = [
            {**model, "path": _from_project(model["path"], folder), **about} for model in flags["models"]
        ]
    if flags.get("requirements"):
        table["requirements"] = [_from_project(path, folder) for path in flags["requirements"]]
    if flags.get("build_from_source"):
        table["build-from-source"] = list(flags["build_from_source"])
    return table


def open_project(folder: Path, flags: Mapping[str, Any], *, may_be_empty: bool = False) -> Project:
    """Return the project, in which the flags replace keys; without a pyproject.toml the flags are the whole project.

    Raises MLPackageError when pyproject.toml cannot be read, and when neither it nor a flag says what to package,
    unless the project `may_be_empty`.
    """
    root = folder.absolute()
    project = load_project(root)
    context = click.get_current_context(silent=True)
    if context:
        context.meta[TEXT] = project.text
    if not os.path.lexists(root / PYPROJECT):
        name, version = identity(flags)
        project = replace(project, name=name, version=version)
    if not (project.table or flags or may_be_empty):
        raise MLPackageError(_nothing_to_package(folder, project))
    return replace(project, table={**project.table, **flags})


def _nothing_to_package(folder: Path, project: Project) -> str:
    """Say what the folder lacks, and which folder above or below it the user may mean."""
    path = folder.absolute() / PYPROJECT
    lacks = f"{path}: has nothing in [{KEY}]" if path.is_file() else f"{path}: there is no such file"
    if misspelt := misspelt_tables(project.tool):
        return f"{lacks}, but has [tool.{misspelt[0]}], which nothing reads. Did you mean [{KEY}]?"
    above = next(filter(_declares, path.parent.parents), None)
    below = sorted(filter(_declares, path.parent.iterdir()))
    if below:
        of, more = [f"--project {shown_word(folder / it.name)}" for it in below], len(below) - _SHOWN
        others = f" and {more} more" if more > 0 else ""
        has = f"{', '.join(it.name for it in below[:_SHOWN])}{others} {'has' if len(below) == 1 else 'have'}"
        return f"{lacks}, but {has} a {PYPROJECT} with [{KEY}]. Give {' or '.join(of[:_SHOWN])}"
    if above:
        return f"{lacks}, but {above / PYPROJECT} has [{KEY}]. Go there, or give --project {shown_word(above)}"
    return (
        f"{lacks}. Declare there what to package, or give --entry-script and --model; `mlpackage new` makes a project, "
        "and `mlpackage import-azureml` writes the table from a configuration of Azure ML."
    )


def _declares(folder: Path) -> bool:
    """Tell whether a folder's pyproject.toml declares what to package; one that cannot be read declares nothing."""
    try:
        return (folder / PYPROJECT).is_file() and bool(load_project(folder).table)
    except (MLPackageError, OSError):
        return False


def identity(flags: Mapping[str, Any]) -> tuple[str, str]:
    """Name a project after its first model or its script, never after its folder, on which no context may depend."""
    for model in flags.get("models", ()):
        name, version = plain_name(model["name"]), model.get("version", "1")
        return name, version if is_identity(name, version) else FALLBACK_VERSION  # the checks report a wrong version
    return plain_name(Path(flags.get("entry-script", "")).stem), FALLBACK_VERSION


def _typed_flags(table: Mapping[str, Any], models: tuple[dict[str, str], ...]) -> dict[str, str]:
    typed = {f"{KEY}.{key}": f"--{key.removesuffix('s')}" for key in table if key != "models"}
    return typed | {f"{KEY}.models[{index}]": f"--model {model_text(model)}" for index, model in enumerate(models)}


def _from_project(path: str, folder: Path) -> str:
    """Make a path relative to the project; a URL stays as it is."""
    return path if "://" in path else Path(os.path.relpath(path, folder)).as_posix()


def _key_of_flag(name: str) -> str:
    return name.replace("_", "-")
