"""Know what the image installs, and how an environment of this machine differs from that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.context.manifest import Manifest
from hatch_mlpackage.context.package import Package
from hatch_mlpackage.context.plan import PROJECT_LAYER
from hatch_mlpackage.files.parse import text_of
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.lock.check_locks import check_project_lock
from hatch_mlpackage.lock.pins.installed import other_packages
from hatch_mlpackage.lock.pins.pins import Pin, installed_pins
from hatch_mlpackage.project.target import ARCHITECTURES, SUPPORTED_PYTHONS, Target
from hatch_mlpackage.serve.interpreter import Installed

CONDA, ITSELF = "packages of conda", "the project itself"  # what an image may have besides what pip installs
_SHOWN = 3


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
    conda = CONDA if package.has_conda_lock else ""
    return Locked(
        python=config.python_version,
        pins=package.locks.pins,
        path=package.lock_path,
        besides=conda or (ITSELF if config.install_project else ""),
    )


def locked_by_context(context: Path, manifest: Manifest) -> Locked | None:
    """Return what the image of a context installs; None where the base image brings its packages."""
    path = context.absolute() / "environment/requirements.txt"
    python, platform = (str(manifest.image.get(name)) for name in ("python", "platform"))
    if not path.is_file() or platform not in ARCHITECTURES or python not in SUPPORTED_PYTHONS:
        return None
    paths = [file.path for file in manifest.files]
    conda = CONDA if any(it.startswith("environment/conda-") for it in paths) else ""
    itself = ITSELF if any(it.startswith(f"{PROJECT_LAYER}/") for it in paths) else ""
    # No marker of a requirement depends on the C library.
    target = Target(python=python, platform=platform, libc="")
    pins = installed_pins(text_of(file_bytes(path)) or "", target)
    return Locked(python=python, pins=pins, path=path, besides=conda or itself)


def differences(locked: Locked, here: Installed) -> str:
    """Say in one line how an interpreter's packages differ from the image's; return "" where they do not."""
    found = [f"Python {here.python} instead of {locked.python}"] if here.python != locked.python else []
    found += other_packages(locked.pins, here.packages)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"
