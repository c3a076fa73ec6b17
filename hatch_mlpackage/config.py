"""`[tool.mlpackage]` as values: what each key means is said here, what it may be in `config_checks`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, get_args

from hatch_mlpackage.target import SUBDIRS, Target, libc_of

KEY = "tool.mlpackage"
DEFAULT_PYTHON = "3.12"
Locker = Literal["uv", "pip-tools"]
LOCKERS: tuple[Locker, ...] = get_args(Locker)
ImageBuilder = Literal["classic", "buildkit"]
IMAGE_BUILDERS: tuple[ImageBuilder, ...] = get_args(ImageBuilder)
CondaMode = Literal["micromamba", "vendored"]
CONDA_MODES: tuple[CondaMode, ...] = get_args(CondaMode)
MICROMAMBA = "mambaorg/micromamba:2.5.0-debian12-slim"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model as declared; `path` is relative to the project's root."""

    name: str
    path: str
    version: str = "1"

    @property
    def is_remote(self) -> bool:
        return "://" in self.path

    @property
    def context_path(self) -> str:
        """Where the model's file or folder is put: `azureml-models/<name>/<version>`."""
        return f"azureml-models/{self.name}/{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """How the image serves; milliseconds for `scoring_timeout_ms`, None for the server's own default."""

    workers: int = 1
    scoring_timeout_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A file that the builder shows to the steps which install packages, at `target`, and keeps out of the image."""

    id: str
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """The name `mlpackage image build` gives the image, labels besides the standard ones, and how it is built.

    `builder` is "classic" for a Dockerfile that every builder takes, "buildkit" for one that needs BuildKit or buildah.
    """

    name: str = ""
    builder: ImageBuilder = "classic"
    secrets: tuple[Secret, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The whole table; paths are relative to the project's root, with forward slashes."""

    entry_script: str = ""
    source_directory: str | None = None
    exclude: tuple[str, ...] = ()
    python_version: str = ""
    base_image: str = ""
    pin_base_image: bool = True
    platform: str = "linux/amd64"
    requirements: tuple[str, ...] = ()
    dependencies: tuple[str, ...] | None = None
    system_packages: tuple[str, ...] = ()
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    conda_file: str | None = None
    conda_mode: CondaMode = "micromamba"
    conda_channel: str | None = None
    conda_image: str | None = None
    locker: Locker = "uv"
    lock_directory: str = "locks"
    pylock: str | None = None
    wheelhouse: bool = False
    install_project: bool = False
    models: tuple[Model, ...] = ()
    server: Server = field(default_factory=Server)
    image: Image = field(default_factory=Image)

    @property
    def target(self) -> Target:
        return Target(python=self.python_version, platform=self.platform, libc=libc_of(self.base_image))

    @property
    def models_path(self) -> str:
        return f"{self.lock_directory}/models.toml"

    @property
    def lock_path(self) -> str:
        return f"{self.lock_directory}/requirements.txt"

    @property
    def conda_lock_path(self) -> str:
        return f"{self.lock_directory}/conda-{SUBDIRS[self.platform]}.lock"

    @property
    def conda_record_path(self) -> str:
        return f"{self.lock_directory}/conda-file.json"

    @property
    def base_image_path(self) -> str:
        return f"{self.lock_directory}/base-image.toml"


def leads_outside(path: str) -> bool:
    """Tell whether a cleaned path leaves the project by its text; a symbolic link inside may lead anywhere."""
    return PurePosixPath(path).is_absolute() or path.split("/", maxsplit=1)[0] == ".."
