"""Know what the image installs, and how an environment of this machine differs from that."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.context.manifest import Manifest
from hatch_mlpackage.context.package import Package
from hatch_mlpackage.context.plan import PROJECT_LAYER
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.parse import text_of
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.files.run_foreground import run_in_foreground
from hatch_mlpackage.lock.check_locks import check_project_lock
from hatch_mlpackage.lock.pins.installed import other_packages
from hatch_mlpackage.lock.pins.pins import Pin, installed_pins
from hatch_mlpackage.project.target import ARCHITECTURES, SUPPORTED_PYTHONS, Target

_SHOWN = 3
# The first of two distributions with one name is the one that is imported.
# Python 3.6 and 3.7 have no importlib.metadata.
_LIST = """
import json, sys
try:
    import importlib.metadata as metadata
    found = [(it.metadata["Name"], it.version) for it in metadata.distributions() if it.metadata]
except ImportError:
    import email.parser, glob, itertools, os
    kinds = "*.dist-info/METADATA", "*.egg-info/PKG-INFO", "*.egg-info"
    pairs = itertools.product(sys.path, kinds)
    paths = [path for folder, kind in pairs for path in glob.glob(os.path.join(glob.escape(folder), kind))]
    files = [open(path, encoding="utf-8", errors="replace") for path in paths if os.path.isfile(path)]
    read = [email.parser.HeaderParser().parse(file) for file in files]
    found = [(it["Name"], it["Version"]) for it in read]
print(json.dumps(["%d.%d" % sys.version_info[:2], dict(reversed([it for it in found if it[0]]))]))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """The image's Python, its pins, and the lock file that has them; `besides` is what the image installs more."""

    python: str
    pins: tuple[Pin, ...]
    path: Path
    besides: str = ""


def locked_by_project(package: Package) -> Locked | None:
    """Return what the image of a project installs; None where the base image brings its packages, or no lock fits."""
    config = package.config
    if config.user_managed_dependencies or not check_project_lock(package).usable:
        return None
    conda = "packages of conda" if package.has_conda_lock else ""
    return Locked(
        python=config.python_version,
        pins=package.locks.pins,
        path=package.lock_path,
        besides=conda or ("the project itself" if config.install_project else ""),
    )


def locked_by_context(context: Path, manifest: Manifest) -> Locked | None:
    """Return what the image of a context installs; None where the base image brings its packages."""
    path = context.absolute() / "environment/requirements.txt"
    python, platform = (str(manifest.image.get(name)) for name in ("python", "platform"))
    if not path.is_file() or platform not in ARCHITECTURES or python not in SUPPORTED_PYTHONS:
        return None
    paths = [file.path for file in manifest.files]
    conda = "packages of conda" if any(it.startswith("environment/conda-") for it in paths) else ""
    itself = "the project itself" if any(it.startswith(f"{PROJECT_LAYER}/") for it in paths) else ""
    # No marker of a requirement depends on the C library.
    target = Target(python=python, platform=platform, libc="")
    pins = installed_pins(text_of(file_bytes(path)) or "", target)
    return Locked(python=python, pins=pins, path=path, besides=conda or itself)


def differences(locked: Locked, interpreter: str) -> str:
    """Say in one line how an interpreter's packages differ from the image's; return "" where they do not.

    Raises MLPackageError for an interpreter that does not list its packages.
    """
    python, packages = _packages_of(interpreter)
    found = [f"Python {python} instead of {locked.python}"] if python != locked.python else []
    found += other_packages(locked.pins, packages)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


def _packages_of(interpreter: str) -> tuple[str, dict[str, str]]:
    """Return an interpreter's Python, as X.Y, and the versions of its packages by their names."""
    with tempfile.TemporaryFile() as output:
        try:
            run_in_foreground([interpreter, "-c", _LIST], output=output)
            output.seek(0)
            python, packages = json.loads(output.read().splitlines()[-1])
        except (OSError, ValueError, IndexError) as error:
            raise MLPackageError(
                f"{interpreter} does not list its packages: {error}. Name another one: --python"
            ) from error
    return python, packages
