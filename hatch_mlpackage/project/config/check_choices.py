"""Check the keys whose value is one of a few words, and the folder of the locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.keys import (
    CONDA_MODES,
    IMAGE_BUILDERS,
    KEY,
    LOCKERS,
    MODELS_MODES,
    Config,
    leads_outside,
)
from hatch_mlpackage.project.target import ARCHITECTURES

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project


def check_choices(config: Config, project: Project, problems: Problems) -> None:
    del project
    for key, value, allowed in (
        ("platform", config.platform, tuple(ARCHITECTURES)),
        ("locker", config.locker, LOCKERS),
        ("image.builder", config.image.builder, IMAGE_BUILDERS),
        ("image.models", config.image.models, MODELS_MODES),
        ("conda-mode", config.conda_mode, CONDA_MODES),
    ):
        if value not in allowed:
            problems.add(f"{KEY}.{key}", f"'{value}' is not one of {', '.join(allowed)}.", did_you_mean(value, allowed))


def check_lock_directory(config: Config, project: Project, problems: Problems) -> None:
    folder = config.lock_directory
    if not folder or leads_outside(folder):
        problems.add(f"{KEY}.lock-directory", f"'{folder}' is not a folder inside {project.root}.")
