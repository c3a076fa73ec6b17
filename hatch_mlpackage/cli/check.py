"""`mlpackage check`: report every problem at once, or summarise what would be packaged."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.errors import print_notes
from hatch_mlpackage.cli.given_flags import with_flags
from hatch_mlpackage.cli.output import answer_json, show
from hatch_mlpackage.cli.project import strict_option, with_options, with_project
from hatch_mlpackage.cli.tables import summary
from hatch_mlpackage.cli.verbs import Verb, as_typed, json_option
from hatch_mlpackage.context.build import as_errors
from hatch_mlpackage.context.check import check_project
from hatch_mlpackage.errors import ConfigurationError
from hatch_mlpackage.lock.check_locks import check_project_images

if TYPE_CHECKING:
    from hatch_mlpackage.context.package import Package
    from hatch_mlpackage.project.config.keys import Config
    from hatch_mlpackage.project.pyproject import Project


@click.command(
    "check",
    cls=Verb,
    examples=("mlpackage check", "mlpackage check --strict", "mlpackage check --json --project app"),
    document='{"ok": BOOL, "problems": [{"where", "what", "fix", "level": "error|warning|hint", "code", "at"}]}',
)
@with_project
@strict_option
@json_option()
def command(*, project: Project, strict: bool, as_json: bool) -> int:
    """Report every problem of the configuration, the entry script, the models and the locks.

    Reads the entry script and the modules of the project that it imports, runs none of them, and needs no network. The
    exit status is 1 when there is an error. Hints leave it at 0, and so do warnings, except with --strict.
    """
    found = check_project(with_options(project, strict=strict))
    problems = as_typed(as_errors(found.problems) if strict else found.problems)
    errors = tuple(problem for problem in problems if problem.level == "error")
    if as_json:
        answer_json({"ok": not errors, "problems": [asdict(problem) for problem in problems]})
        return 1 if errors else 0
    print_notes(problem for problem in problems if problem.level != "error")
    if errors:
        raise ConfigurationError(errors)
    if found.package and found.plan:
        files = summary(found.plan.copied)
        following = f"Next: {with_flags('mlpackage generate', 'strict')}"
        show("\n".join((*described(found.package), f"ok: {files} would go into the context", following)))
    return 0


def described(package: Package) -> list[str]:
    """Describe the package, one line for each thing that the checks found out."""
    config = package.config
    styles = {"text": "takes text", "schema": "has an input schema", "rawhttp": "takes the raw request"}
    style = styles.get(package.script.call_style, "is imported")
    models = ", ".join(f"{model.name} {model.version}" for model in config.models) or "none declared"
    about = f": {package.no_code.about}" if package.no_code else ""
    return [
        f"entry script  {config.entry_script or 'generated'}: run() {style}",
        f"{'models' if len(config.models) != 1 else 'model '}        {models}{about}",
        f"image         {check_project_images(package)[0].shown}, {_pythons(config)}, {config.platform}",
        _packages_line(config),
        *(f"built         {record}" for record in package.locks.built),
        *([f"conda lock    {config.conda_lock_path}: fits"] if package.has_conda_lock else []),
    ]


def _pythons(config: Config) -> str:
    own = config.server_target.python
    return f"Python {config.python_version}" + (f" (the server: {own})" if own != config.python_version else "")


def _packages_line(config: Config) -> str:
    if config.user_managed_dependencies:
        return "packages      the base image's own; those of pyproject.toml are not installed"
    return f"lock          {config.lock_path}: fits"
