"""Check the keys that hold patterns of `.gitignore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.files.patterns import wrong_pattern
from hatch_mlpackage.project.config.keys import KEY, Config

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project


def check_patterns(config: Config, _project: Project, problems: Problems) -> None:
    for key, patterns in (
        ("exclude", config.exclude),
        ("include", config.include),
        ("allowed-secrets", config.allowed_secrets),
        ("allowed-links", config.allowed_links),
    ):
        for index, pattern in enumerate(patterns):
            wrong = wrong_pattern(pattern)
            if wrong:
                what, fix = wrong
                problems.add(f"{KEY}.{key}[{index}]", f"{pattern!r} {what}", fix)
