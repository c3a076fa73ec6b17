"""Make the projects of the images, and their contexts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from .engine import run

PROJECTS = Path(__file__).resolve().parents[1] / "projects"


def mlpackage(project: Path, *arguments: str) -> None:
    verb, *rest = arguments
    # -P: the package under test is the installed one, not the one in the current folder.
    run([sys.executable, "-P", "-m", "hatch_mlpackage", verb, "--project", str(project), *rest])


def generate(project: Path, destination: Path) -> Path:
    mlpackage(project, "generate", "--output", str(destination))
    return destination


@dataclass(frozen=True, kw_only=True, slots=True)
class Diabetes:
    """Hold the contexts of one project: the original, one with an edited script, and one with a retrained model."""

    original: Path
    edited: Path
    retrained: Path
    request: dict[str, list[list[float]]]
    predictions: list[float]
