"""`mlpackage check`: every problem at once, or a summary of what would be packaged."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.output import answer_json, show
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.tables import summary
from hatch_mlpackage.cli.verbs import Verb, as_typed
from hatch_mlpackage.context import Package, inspect_project, plan_context
from hatch_mlpackage.errors import ConfigurationError, MLPackageError

if TYPE_CHECKING:
    from hatch_mlpackage.project import Project


@click.command("check", cls=Verb, examples=("mlpackage check", "mlpackage check --json --project ../diabetes"))
@with_project
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def command(*, project: Project, as_json: bool) -> int:
    """Report every problem of the configuration, the entry script, the models and the lock.

    Reads the entry script without importing it; needs no network. The exit status is 1 when there is a problem.
    """
    if as_json:
        return _check_as_json(project)
    package = inspect_project(project)
    plan = plan_context(project)
    show("\n".join((*described(package), f"ok: {summary(plan.files)} would go into the context")))
    return 0


def described(package: Package) -> list[str]:
    """Say in four lines what was understood."""
    config = package.config
    styles = {"text": "takes text", "schema": "has an input schema", "rawhttp": "takes the raw request"}
    style = styles.get(package.script.call_style, "is imported")
    models = ", ".join(f"{model.name} {model.version}" for model in config.models) or "none declared"
    return [
        f"entry script  {config.entry_script}: run() {style}",
        f"{'models' if len(config.models) != 1 else 'model '}        {models}",
        f"image         {config.base_image}, Python {config.python_version}, {config.platform}",
        f"lock          {config.lock_path}: fits",
    ]


def _check_as_json(project: Project) -> int:
    """Print `{"ok": …, "problems": [{"where", "what", "fix"}]}`."""
    problems: list[dict[str, str]] = []
    try:
        plan_context(project)
    except ConfigurationError as error:
        problems = [asdict(problem) for problem in as_typed(error).problems]
    except MLPackageError as error:
        problems = [{"where": "", "what": str(error), "fix": ""}]
    answer_json({"ok": not problems, "problems": problems})
    return 1 if problems else 0
