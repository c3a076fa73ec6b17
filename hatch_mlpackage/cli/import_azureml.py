"""`mlpackage import-azureml`: take over the original's configuration files, and say what became of every key."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hatch_mlpackage.cli.edit_pyproject import edited, new_pyproject
from hatch_mlpackage.cli.output import answer, answer_json, is_quiet, plural, show
from hatch_mlpackage.cli.project import ModelFlag, identity, table_from_flags
from hatch_mlpackage.cli.tables import draw_table
from hatch_mlpackage.cli.verbs import Verb
from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problem, Problems
from hatch_mlpackage.files.replace import replace_text
from hatch_mlpackage.project.azureml_files import (
    Conversion,
    Places,
    Row,
    convert,
    read_deployment,
    read_document,
    read_environment_file,
    read_inference,
    with_saved_files,
)
from hatch_mlpackage.project.sources.entry_script import read_entry_script

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files import InferenceConfiguration, Node

_PYPROJECT = "pyproject.toml"
_ORDER = ("taken", "no meaning", "unknown", "by hand")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "import-azureml",
    cls=Verb,
    examples=(
        "mlpackage import-azureml inferenceconfig.json --model ridge=model.pkl",
        "mlpackage import-azureml ic.yml --deployment dc.yml --dry-run",
        "mlpackage import-azureml inferenceconfig.json --environment azureml_environment.json",
    ),
)
@click.argument("config", type=_FILE)
@click.option("--deployment", type=_FILE, metavar="FILE", help="A deployment configuration, for what an image can do.")
@click.option(
    "--environment",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="The Environment that CONFIG refers to by its name: its JSON, or the folder of save_to_directory.",
)
@click.option("--model", "models", type=ModelFlag(), multiple=True, help="A model file or folder; repeatable.")
@click.option(
    "--project",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current folder",
    help="The folder of the pyproject.toml that is written.",
)
@click.option("--force", is_flag=True, help="Replace what pyproject.toml and other files say otherwise.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the table, the files and the report as a JSON document.")
def command(
    *,
    config: Path,
    deployment: Path | None,
    environment: Path | None,
    models: tuple[dict[str, str], ...],
    folder: Path,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write [tool.mlpackage] from CONFIG, an inference configuration of Azure ML v1 in JSON or YAML.

    Prints what each of its keys became, and what somebody must decide. Paths in it are relative to the current folder
    and its sourceDirectory, as they were.
    """
    problems = Problems()
    conversion = _convert_files(config, deployment, environment, folder, problems)
    _check_script(conversion, folder, problems)
    _check_model_paths(models, problems)
    problems.raise_if_any()
    table = {**conversion.table, **table_from_flags(folder, {"models": models})}
    files = _files(folder, table, conversion, force=force)
    if as_json:
        answer_json({"table": table, "files": list(files), "rows": [asdict(row) for row in conversion.rows]})
    elif dry_run:
        _print_files(folder, files)
    if not dry_run:
        for name, text in files.items():
            replace_text(folder / name, text)
    if not as_json and not is_quiet():
        _print_report(conversion.rows)
        show(_closing_lines(conversion.rows, folder, files, dry_run=dry_run))


def _convert_files(
    config: Path, deployment: Path | None, environment: Path | None, folder: Path, problems: Problems
) -> Conversion:
    node = _read_document(config, problems)
    inference = read_inference(node, problems) if node else None
    if inference and environment:
        inference = _with_environment(inference, environment, problems)
    node = _read_document(deployment, problems) if deployment else None
    deploying = read_deployment(node, problems) if node else None
    problems.raise_if_any()
    assert inference is not None  # noqa: S101 - what could not be read is a problem
    places = Places(root=folder.absolute(), here=Path.cwd(), beside=config.absolute().parent)
    return convert(inference, deploying, places, problems)


def _read_document(path: Path, problems: Problems) -> Node | None:
    return read_document(path.read_bytes(), path.as_posix(), problems)


def _with_environment(inference: InferenceConfiguration, path: Path, problems: Problems) -> InferenceConfiguration:
    if inference.environment and not inference.environment.is_reference:
        what = "has an environment of its own, and --environment gives another."
        problems.add(inference.environment.where, what, "Leave one of them out.")
        return inference
    for given in inference.flat:
        problems.add(given.where, f"{given.key} cannot be given beside an environment.", "Leave one of them out.")
    definition = path / "azureml_environment.json" if path.is_dir() else path
    if not definition.is_file():
        problems.add(path.as_posix(), f"there is no {definition.name} in it.", "Name the file that holds the JSON.")
        return inference
    node = _read_document(definition, problems)
    if node is None:
        return inference
    environment = with_saved_files(read_environment_file(node, problems), definition.parent)
    return replace(inference, environment=environment)


def _check_script(conversion: Conversion, folder: Path, problems: Problems) -> None:
    script = conversion.table.get("entry-script")
    if script:
        read_entry_script((folder / script).read_bytes(), script, problems)


def _check_model_paths(models: tuple[dict[str, str], ...], problems: Problems) -> None:
    for model in models:
        if "://" not in model["path"] and not Path(model["path"]).exists():
            where = f"--model {model['name']}={model['path']}"
            problems.add(where, "there is no such file or folder.", "Paths are relative to the current folder.")


def _files(folder: Path, table: Mapping[str, Any], conversion: Conversion, *, force: bool) -> dict[str, str]:
    """Give the files to write, by their path in the project; those that would stay the same are left out."""
    path = folder / _PYPROJECT
    before = _text_of(path)
    started = new_pyproject(*identity(table)) if before is None else before
    texts = {**conversion.files, path.name: edited(started, table, path=path, force=force)}
    different = tuple(_files_in_the_way(folder, conversion.files)) if not force else ()
    if different:
        raise ConfigurationError(different)
    return {name: text for name, text in texts.items() if text != _text_of(folder / name)}


def _files_in_the_way(folder: Path, files: Mapping[str, str]) -> Iterator[Problem]:
    for name, text in files.items():
        present = _text_of(folder / name)
        if present is not None and present != text:
            what = "is there already, and says something else than what is imported."
            yield Problem(where=name, what=what, fix="Rename it, or give --force to replace it.")


def _text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise MLPackageError(f"{path}: {error}. Save it as UTF-8.") from None


def _print_files(folder: Path, files: Mapping[str, str]) -> None:
    """Print new files whole, and what changes in those that are there."""
    for name, text in files.items():
        before = _text_of(folder / name)
        if before is None:
            answer(f"# {name}\n{text}")
        else:
            lines = difflib.unified_diff(before.splitlines(), text.splitlines(), name, name, lineterm="", n=2)
            answer("\n".join([*lines, ""]))


def _print_report(rows: tuple[Row, ...]) -> None:
    ordered = sorted(rows, key=lambda row: _ORDER.index(row.outcome))
    cells = [(row.where, row.key, row.outcome, row.said) for row in ordered]
    draw_table(("where", "key", "became", "what"), cells, sizes=None)


def _has_models(folder: Path, files: Mapping[str, str]) -> bool:
    text = files.get(_PYPROJECT) or _text_of(folder / _PYPROJECT) or ""
    return bool(tomllib.loads(text)["tool"]["mlpackage"].get("models"))


def _closing_lines(rows: tuple[Row, ...], folder: Path, files: Mapping[str, str], *, dry_run: bool) -> str:
    names = ", ".join(os.path.normpath(folder / name) for name in files) or "nothing: it was there already"
    decide = sum(row.outcome == "by hand" for row in rows)
    where = f" --project {folder}" if folder != Path() else ""
    return "\n".join(
        [
            f"\n{'Would write' if dry_run else 'Wrote'} {names}.",
            *([f"{plural(decide, 'key')} must be decided by hand: see `by hand` above."] if decide else []),
            *([] if _has_models(folder, files) else ["No model is declared: give --model NAME=PATH, if there is one."]),
            f"Next: mlpackage lock{where}",
        ]
    )
