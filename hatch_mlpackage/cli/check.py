"""`mlpackage check`: every problem at once, or a summary of what would be packaged."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.bases import outlived
from hatch_mlpackage.cli.output import answer_json, say, show
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.tables import summary
from hatch_mlpackage.cli.verbs import Verb, as_typed
from hatch_mlpackage.context import plan_context
from hatch_mlpackage.errors import ConfigurationError, MLPackageError
from hatch_mlpackage.locking import check_project_images, images_of
from hatch_mlpackage.package import LockInputs, Package, inspect_project, inspect_requirements

if TYPE_CHECKING:
    from hatch_mlpackage.config import Config
    from hatch_mlpackage.project import Project


@click.command("check", cls=Verb, examples=("mlpackage check", "mlpackage check --json --project ../diabetes"))
@with_project
@click.option("--strict", is_flag=True, help="Take a base image that is not pinned by digest for a problem.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def command(*, project: Project, strict: bool, as_json: bool) -> int:
    """Report every problem of the configuration, the entry script, the models and the locks.

    Reads the entry script without importing it; needs no network. The exit status is 1 when there is a problem.
    """
    if as_json:
        return _check_as_json(project, strict=strict)
    package = inspect_project(project)
    plan = plan_context(project)
    warn_of_base_image(package, strict=strict)
    show("\n".join((*described(package), f"ok: {summary(plan.files)} would go into the context")))
    return 0


def warn_of_base_image(inputs: LockInputs, *, strict: bool) -> None:
    """Warn of a base image that is not pinned, or has ended; raise LockError for the former when strict."""
    for warning in _warnings(inputs, strict=strict):
        say(f"Warning: {warning}")


def _warnings(inputs: LockInputs, *, strict: bool) -> list[str]:
    states, today = check_project_images(inputs), date.today()  # noqa: DTZ011 - the ends are no more exact
    if strict:
        for state in states:
            state.require_pinned()
    ended = [said for image in images_of(inputs) for said in outlived(image, today)]
    unpinned = [state.describe() for state in states if state.describe()]
    return unpinned + [f"{said} Choose another base-image." for said in ended]


def described(package: Package) -> list[str]:
    """Say line by line what was understood."""
    config = package.config
    styles = {"text": "takes text", "schema": "has an input schema", "rawhttp": "takes the raw request"}
    style = styles.get(package.script.call_style, "is imported")
    models = ", ".join(f"{model.name} {model.version}" for model in config.models) or "none declared"
    about = f": {package.no_code.about}" if package.no_code else ""
    return [
        f"entry script  {config.entry_script or 'generated'}: run() {style}",
        f"{'models' if len(config.models) != 1 else 'model '}        {models}{about}",
        f"image         {check_project_images(package)[0].shown}, Python {config.python_version}, {config.platform}",
        _packages_line(config),
        *([f"conda lock    {config.conda_lock_path}: fits"] if package.has_conda_lock else []),
        *(f"note          {note}" for note in (package.no_code.notes if package.no_code else ())),
    ]


def _packages_line(config: Config) -> str:
    if config.user_managed_dependencies:
        return "packages      the base image's own; those of pyproject.toml are not installed"
    return f"lock          {config.lock_path}: fits"


def _check_as_json(project: Project, *, strict: bool) -> int:
    """Print `{"ok": …, "problems": [{"where", "what", "fix"}], "warnings": […]}`."""
    problems: list[dict[str, str]] = []
    warnings: list[str] = []
    try:
        plan_context(project)
        warnings = _warnings(inspect_requirements(project), strict=strict)
    except ConfigurationError as error:
        problems = [asdict(problem) for problem in as_typed(error).problems]
    except MLPackageError as error:
        problems = [{"where": "", "what": str(error), "fix": ""}]
    answer_json({"ok": not problems, "problems": problems, "warnings": warnings})
    return 1 if problems else 0
