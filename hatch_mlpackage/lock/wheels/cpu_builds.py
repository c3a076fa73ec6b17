"""Find the versions of a package that an index has for CPUs alone: `2.13.0+cpu` beside a `2.13.0` with CUDA."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import Version

from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.resolve import index_settings
from hatch_mlpackage.lock.resolve.pip_tools import is_installed
from hatch_mlpackage.lock.resolve.task import Task, run
from hatch_mlpackage.lock.wheels.build import PIP
from hatch_mlpackage.lock.wheels.download import target_flags
from hatch_mlpackage.project.target import Target, is_version

_FLAGS = ("--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--implementation=cp")


def older_cpu_build(name: str, target: Target, *, report: Callable[[str], None]) -> str | None:
    """Return the newest version with a build for CPUs, without `+cpu`, if the index has a newer one without.

    The lock takes the build of the newest version by itself. Returns None also where the index cannot be asked, which
    whoever locks next is told.
    """
    if not is_installed():
        return None
    with TemporaryDirectory(prefix="mlpackage-index-") as folder:
        task = Task(folder=Path(folder), requirements=Requirements(), target=target, upgrade=False, report=report)
        command = [*PIP, "index", "versions", name, *_FLAGS, *target_flags(target)]
        outcome = run(command, index_settings.for_pip(os.environ, ()), task, doing="asking the index")
    listed = re.search(r"(?m)^Available versions: (.+)$", outcome.said) if outcome.status == 0 else None
    versions = [Version(text) for text in listed[1].split(", ") if is_version(text)] if listed else []
    for_cpus = max((version for version in versions if version.local == "cpu"), default=None)
    if for_cpus is None or for_cpus.public == max(versions).public:
        return None
    return for_cpus.public
