"""`mlpackage lock`: resolve the requirements for the image, or check that the lock still fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hatch_mlpackage.checking import image_problems
from hatch_mlpackage.cli.errors import print_notes
from hatch_mlpackage.cli.generate import shown
from hatch_mlpackage.cli.output import say, show
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.verbs import Verb, as_typed
from hatch_mlpackage.locking import check_project_conda, check_project_images, check_project_lock, lock_project
from hatch_mlpackage.package import inspect_requirements

if TYPE_CHECKING:
    from hatch_mlpackage.project import Project


@click.command("lock", cls=Verb, examples=("mlpackage lock", "mlpackage lock --upgrade", "mlpackage lock --check"))
@with_project
@click.option("--upgrade", is_flag=True, help="Take the newest versions allowed instead of keeping the locked ones.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with 1 when the lock does not fit.")
@click.option("--strict", is_flag=True, help="With --check: exit with 1 when the base image is not pinned by digest.")
def command(*, project: Project, upgrade: bool, only_check: bool, strict: bool) -> None:
    """Write the hashed lock for the image's Python and platform, and the digest of its base image, to be committed.

    Uses the network, except with --check. What is locked stays where it still fits, unless --upgrade is given.
    """
    if upgrade and only_check:
        raise click.UsageError("--upgrade writes a lock and --check does not: give one of them.")
    if strict and not only_check:
        raise click.UsageError("--strict says how to check: give it with --check.")
    if only_check:
        package = inspect_requirements(project)
        check_project_lock(package).require(str(shown(package.lock_path)))
        check_project_conda(package).require(str(shown(package.conda_lock_path)))
        for image in check_project_images(package) if strict else ():
            image.require_pinned()
        print_notes(as_typed(tuple(image_problems(package))))
        fits = f"{shown(package.lock_path)} fits."
        own = "The base image brings its packages: there is no lock."
        show(own if package.config.user_managed_dependencies else fits)
        return
    path = lock_project(project, upgrade=upgrade, report=say)
    locked = f"Locked in {shown(path)}. Commit it." if path.is_file() else "There is nothing to lock."
    show(f"{locked}\nNext: mlpackage generate")
