"""The public Python API, as docs/python-api.md describes it; every other module may change without notice."""

from __future__ import annotations

from hatch_mlpackage.context.build import build_context, build_tar, plan_context
from hatch_mlpackage.context.manifest import Manifest
from hatch_mlpackage.context.package import Package, inspect_project
from hatch_mlpackage.context.plan import ContextFile, ContextPlan
from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.pyproject import Project, load_project

__all__ = [
    "ContextFile",
    "ContextPlan",
    "MLPackageError",
    "Manifest",
    "Package",
    "Project",
    "build_context",
    "build_tar",
    "inspect_project",
    "load_project",
    "lock_project",
    "plan_context",
    "verify_context",
]
