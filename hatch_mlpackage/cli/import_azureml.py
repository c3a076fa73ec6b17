"""`mlpackage import-azureml`: import Azure ML's configuration files, and report what became of every key."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hatch_mlpackage.cli.convert_azureml import convert_files
from hatch_mlpackage.cli.edit_pyproject import edited, new_pyproject
from hatch_mlpackage.cli.output import answer, answer_json, is_quiet, plural, show
from hatch_mlpackage.cli.project import ModelFlag, identity, table_from_flags
from hatch_mlpackage.cli.tables import draw_table
from hatch_mlpackage.cli.verbs import EXISTING_FILE, EXISTING_PATH, Verb, folder_option, json_option
from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problem, Problems
from hatch_mlpackage.files.quoting import shown_word
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.files.replace import replace_texts
from hatch_mlpackage.project.pyproject import PYPROJECT
from hatch_mlpackage.project.target import SUPPORTED_PYTHONS

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.report import Conversion, ReportRow

_ORDER = ("taken", "no meaning", "unknown", "repeated", "by hand")


@click.command(
    "import-azureml",
    cls=Verb,
    examples=(
        "mlpackage import-azureml inferenceconfig.json --model ridge=model.pkl",
        "mlpackage import-azureml ic.yml --deployment dc.yml --dry-run",
        "mlpackage import-azureml inferenceconfig.json --environment azureml_environment.json",
        "mlpackage import-azureml inferenceconfig.json --python-version 3.11",
    ),
)
@click.argument("config", type=EXISTING_FILE)
@click.option(
    "--deployment", type=EXISTING_FILE, metavar="FILE", help="A deployment configuration, for what an image can do."
)
@click.option(
    "--environment",
    type=EXISTING_PATH,
    metavar="PATH",
    help="The Environment that CONFIG names: its JSON, or the folder that save_to_directory made.",
)
@click.option("--model", "models", type=ModelFlag(), multiple=True, help="A model file or folder; repeatable.")
@click.option(
    "--python-version",
    "python",
    type=click.Choice(SUPPORTED_PYTHONS),
    metavar="X.Y",
    help="The image's Python, in place of the one that the conda file or the Environment pins.",
)
@folder_option("The folder of the pyproject.toml to write.")
@click.option("--force", is_flag=True, help="Replace what pyproject.toml and other files say differently.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@json_option("Print the table, the files and the report as a JSON document.")
def command(
    *,
    config: Path,
    deployment: Path | None,
    environment: Path | None,
    models: tuple[dict[str, str], ...],
    python: str | None,
    folder: Path,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write [tool.mlpackage] from CONFIG, a configuration of Azure ML in JSON or YAML.

    CONFIG is an inference configuration of v1, or an online deployment or model package of v2.

    Prints what each key of CONFIG became, and what you must decide yourself. Paths in CONFIG stay relative to the
    current folder and to its sourceDirectory, as Azure ML reads them.
    """
    problems = Problems()
    chosen = python or ("" if force else _chosen_python(folder))
    conversion = convert_files(config, deployment, environment, folder, problems, python=chosen)
    _check_model_paths(models, problems)
    problems.raise_if_any()
    table = {**conversion.table, **table_from_flags(folder, {"models": models})}
    files = _files(folder, table, conversion, force=force)
    if as_json:
        answer_json({"table": table, "files": list(files), "rows": [asdict(row) for row in conversion.rows]})
    elif dry_run:
        _print_files(folder, files)
    if not dry_run:
        replace_texts({folder / name: text for name, text in files.items()})
    if not as_json and not is_quiet():
        _print_report(conversion.rows)
        show(_closing(conversion.rows, folder, files, dry_run=dry_run))


def _chosen_python(folder: Path) -> str:
    """Return the Python that the project's table names already, or the empty string."""
    try:
        table = tomllib.loads(_text_of(folder / PYPROJECT) or "")["tool"]["mlpackage"]
    except (KeyError, TypeError, tomllib.TOMLDecodeError):
        return ""  # writing the table reports what is wrong with it
    version = table.get("python-version") if isinstance(table, Mapping) else ""
    return version if version in SUPPORTED_PYTHONS else ""


def _check_model_paths(models: tuple[dict[str, str], ...], problems: Problems) -> None:
    for model in models:
        if "://" not in model["path"] and not Path(model["path"]).exists():
            where = f"--model {model['name']}={model['path']}"
            problems.add(where, "there is no such file or folder.", "Paths are relative to the current folder.")


def _files(folder: Path, table: Mapping[str, Any], conversion: Conversion, *, force: bool) -> dict[str, str]:
    """Map the files to write, by their paths in the project, to their texts; unchanged files are left out."""
    path = folder / PYPROJECT
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
            what = "exists already and differs from what is imported."
            yield Problem(where=name, what=what, fix="Rename it, or give --force to replace it.")


def _text_of(path: Path) -> str | None:
    try:
        return file_bytes(path).decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise MLPackageError(f"{path}: {error}. Save it as UTF-8.") from None


def _print_files(folder: Path, files: Mapping[str, str]) -> None:
    """Print new files whole, and the changes of files that exist."""
    for name, text in files.items():
        before = _text_of(folder / name)
        if before is None:
            answer(f"# {name}\n{text}")
        else:
            lines = difflib.unified_diff(before.splitlines(), text.splitlines(), name, name, lineterm="", n=2)
            answer("\n".join([*lines, ""]))


def _print_report(rows: tuple[ReportRow, ...]) -> None:
    ordered = sorted(rows, key=lambda row: _ORDER.index(row.outcome))
    cells = [(row.where, row.key, row.outcome, row.said) for row in ordered]
    draw_table(("where", "key", "became", "what"), cells, sizes=None)


def _has_models(folder: Path, files: Mapping[str, str]) -> bool:
    text = files.get(PYPROJECT) or _text_of(folder / PYPROJECT) or ""
    return bool(tomllib.loads(text)["tool"]["mlpackage"].get("models"))


def _closing(rows: tuple[ReportRow, ...], folder: Path, files: Mapping[str, str], *, dry_run: bool) -> str:
    names = ", ".join(os.path.normpath(folder / name) for name in files) or "nothing: it was there already"
    decide = sum(row.outcome == "by hand" for row in rows)
    where = f" --project {shown_word(folder)}" if folder != Path() else ""
    return "\n".join(
        [
            f"\n{'Would write' if dry_run else 'Wrote'} {names}.",
            *([f"{plural(decide, 'key')} must be decided by hand: see `by hand` above."] if decide else []),
            *([] if _has_models(folder, files) else ["No model is declared: give --model NAME=PATH if there is one."]),
            f"Next: mlpackage lock{where}",
        ]
    )
