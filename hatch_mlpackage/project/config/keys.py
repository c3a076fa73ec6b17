"""Declare the keys of `[tool.mlpackage]` with their texts and defaults; `read_config` lists their checks.

`schema` makes the tables of docs/configuration.md, and schema.json, from these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

from hatch_mlpackage.project.config.model_url import DEFAULT_MAX_MB
from hatch_mlpackage.project.known_images import MICROMAMBA
from hatch_mlpackage.project.target import (
    ARCHITECTURES,
    OLD_PYTHONS,
    SUBDIRS,
    SUPPORTED_PYTHONS,
    Target,
    libc_of,
    python_of,
)

KEY = "tool.mlpackage"
MODELS_DIRECTORY = "azureml-models"
PORT = 5001  # where the server listens in the image
DEFAULT_PYTHON = "3.12"
NO_PYLOCK = "none"  # the value of `pylock` that leaves the locks of other tools alone
IN_PLACE = ("inference-config", "deployment-config")  # keys that name files of Azure ML
Locker = Literal["uv", "pip-tools"]
LOCKERS: tuple[Locker, ...] = get_args(Locker)
ImageBuilder = Literal["classic", "buildkit"]
IMAGE_BUILDERS: tuple[ImageBuilder, ...] = get_args(ImageBuilder)
ModelsMode = Literal["copied", "hard-linked", "named-context"]
MODELS_MODES: tuple[ModelsMode, ...] = get_args(ModelsMode)
CondaMode = Literal["micromamba", "vendored"]
CONDA_MODES: tuple[CondaMode, ...] = get_args(CondaMode)
Framework = Literal["sklearn", "skops", "onnx", "tensorflow", "pytorch", "xgboost", "lightgbm", "mlflow"]
FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)
# The types that an input may have, under their names in numpy.
TENSOR_TYPES = (
    *("float16", "float32", "float64", "bool", "str"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
GENERATED_SCRIPT = "score.py"


def key(says: str, *, default: Any = MISSING, shown: str = "", schema: Mapping[str, Any] | None = None) -> Any:
    """Declare a key: its text, its default and how that is shown, and what JSON Schema adds to its type."""
    about = {"says": says, "shown": shown, "schema": schema or {}}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInput:
    """An input that the model's file does not describe; -1 in the shape stands for any size."""

    name: str = key("the input's name in a request: that of a column or of a tensor")
    type: str = key(
        "`float64`, `float32`, `int64`, `int32`, `bool`, `str` or another of numpy's names", default="float32"
    )
    shape: tuple[int, ...] = key("the shape of a tensor, with -1 for any size: `[-1, 4]`", default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model as the project declares it; `path` is relative to the project's root."""

    name: str = key("letters, digits, dashes, dots and underscores; also the name of its folder in the context")
    path: str = key(
        "a file or a folder, which git may ignore; or the URL of a file, in an object store with the extra `remote`: "
        "[by URL](models.md#by-url)"
    )
    version: str = key(
        "the name of the folder inside that of the model", default="1", schema={"type": ["string", "integer"]}
    )
    sha256: str | None = key(
        "the hash that the file of a URL must have; `http://` is only fetched with it",
        default=None,
        schema={"pattern": "^[0-9a-fA-F]{64}$"},
    )
    max_size_mb: int | None = key(
        "how large the file of a URL may be, in megabytes of a million bytes",
        default=None,
        shown=f"`{DEFAULT_MAX_MB}`",
        schema={"minimum": 1},
    )
    framework: Framework | None = key(
        "the framework that made the model; you may then leave out the entry script: [no code](no-code.md)",
        default=None,
    )
    framework_version: str | None = key(
        "the framework's version, where the model's file does not say it or is wrong", default=None
    )
    allow_pickle: bool = key("`true` means that you trust a model that runs code when it is loaded", default=False)
    inputs: tuple[ModelInput, ...] = key("what the model takes, where its file does not say it", default=())

    @property
    def is_remote(self) -> bool:
        return "://" in self.path

    @property
    def context_path(self) -> str:
        """The folder of the model's file or folder in the context: `azureml-models/<name>/<version>`."""
        return f"{MODELS_DIRECTORY}/{self.name}/{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batching:
    """How a worker scores the requests that wait with one call of run()."""

    max_rows: int = key(
        "how many rows the requests of one call have together; this table, even an empty one, switches "
        "[batching](runtime.md#batching) on",
        default=256,
        schema={"minimum": 1},
    )
    max_delay_ms: int = key(
        "how long the first request waits for others, in milliseconds; 0 takes what has arrived when the worker is "
        "free",
        default=0,
        schema={"minimum": 0},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """How the image serves: names in `_ms` are milliseconds, and None leaves the server its own default."""

    workers: int = key(
        "the number of processes that score; each takes one request at a time", default=1, schema={"minimum": 1}
    )
    scoring_timeout_ms: int | None = key(
        "how long a request may take", default=None, shown="an hour", schema={"minimum": 1}
    )
    max_concurrent_requests: int | None = key(
        "how many requests the server lets in at once; the others wait",
        default=None,
        shown="any number",
        schema={"minimum": 1},
    )
    max_queue_wait_ms: int | None = key(
        "how long a request may wait to be let in before it gets `503`; without `max-concurrent-requests`, the server "
        "lets in as many as there are workers",
        default=None,
        shown="any time",
        schema={"minimum": 0},
    )
    batching: Batching | None = key(
        "scores the requests that wait with one call of `run()`: [batching](runtime.md#batching)",
        default=None,
        shown="off",
    )
    base_image: str | None = key(
        "the image that has the server's Python, where the model's is too old for it or the server is to have another: "
        "`python:X.Y…` with the same system as `base-image`: [old Pythons](old-pythons.md#two-pythons)",
        default=None,
        shown="for Python 3.6 and 3.7 an official image with the same Debian; otherwise that of `base-image`",
        schema={"minLength": 1},
    )
    worker_memory_mb: int | None = key(
        "how much memory a worker may take, in megabytes of a million bytes; a request that needs more fails alone",
        default=None,
        shown="no limit",
        schema={"minimum": 1},
    )
    warm_up: bool | None = key(
        "`true` lets each worker call `run()` once with the sample of its schema, before the server is ready: "
        "[warm-up](runtime.md#warm-up)",
        default=None,
        shown="`false`",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Healthcheck:
    """How Docker probes a container: the options of the image's HEALTHCHECK, with times in seconds."""

    interval: int = key("seconds between two probes", default=10, schema={"minimum": 1})
    timeout: int = key("seconds after which a probe has failed", default=10, schema={"minimum": 1})
    start_period: int = key("seconds that `init()` has before a failure counts", default=300, schema={"minimum": 0})
    retries: int = key("how many failures in a row make the container unhealthy", default=3, schema={"minimum": 1})


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A file that the builder shows at `target` to the steps that install packages, and keeps out of the image."""

    id: str = key("the name that the builder knows it by: `--secret id=…`")
    target: str = key("the path at which the steps that install packages see it, such as `/etc/pip.conf`")


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """The image's name, its labels besides the standard ones, and how it is built and run.

    `builder` is "classic" for a Dockerfile that every builder reads, "buildkit" for one that needs BuildKit or buildah.
    """

    name: str = key(
        "the name that `mlpackage image build` gives the image",
        default="",
        shown="the project's name",
        schema={"minLength": 1},
    )
    builder: ImageBuilder = key('`"buildkit"` for a Dockerfile that needs BuildKit or buildah', default="classic")
    secrets: tuple[Secret, ...] = key(
        'with `"buildkit"`: files that only the steps that install packages can see', default=()
    )
    labels: Mapping[str, str] = key("labels that the image gets", default={})
    models: ModelsMode = key(
        '`"copied"` or `"hard-linked"` into the context; or `"named-context"`, which needs `"buildkit"` and leaves '
        "them out of it: [models](models.md)",
        default="copied",
    )
    port: int = key(
        f"the port on this machine that `mlpackage image run` opens; inside the image the port is always {PORT}",
        default=PORT,
        schema={"minimum": 1, "maximum": 65535},
    )
    healthcheck: Healthcheck = field(default_factory=Healthcheck, metadata={"says": "how Docker probes a container"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The whole table; paths have forward slashes and are relative to the project's root."""

    entry_script: str = key(
        "the Python file with `init()` and `run()`",
        default="",
        shown="required, unless there is one model and it has a `framework`",
    )
    inference_config: str | None = key(
        "an inference configuration of Azure ML v1, or a deployment of v2, read where it is; a key set in this table "
        "wins over the file: [Azure ML v1](migrate-from-azureml.md#use-the-files-where-they-are)",
        default=None,
    )
    deployment_config: str | None = key(
        "a deployment configuration of Azure ML v1, used beside `inference-config`", default=None
    )
    source_directory: str | None = key(
        "a folder that goes into the image, and onto the script's `sys.path`: all of it except the models, the locks, "
        "`dist/`, the files of tools and editors, and what git ignores",
        default=None,
        shown="the script alone",
    )
    exclude: tuple[str, ...] = key("what to leave out of that folder, as `.gitignore` patterns", default=())
    include: tuple[str, ...] = key(
        "what goes along from that folder although git ignores it, or although it belongs to a tool or an editor, as "
        "`.gitignore` patterns: [what goes into the image](context.md#what-goes-along)",
        default=(),
    )
    python_version: str = key(
        "the Python version of the image, 3.6 to 3.14: [old Pythons](old-pythons.md)",
        default="",
        shown='that of the base image, of `.python-version`, or `"3.12"`',
        schema={"enum": list(SUPPORTED_PYTHONS)},
    )
    base_image: str = key(
        "the image to build on: any that has that Python and its `venv`: [base images](base-images.md)",
        default="",
        shown="`python:X.Y-slim-bookworm` (3.6: `-bullseye`), or the image for `cuda`",
        schema={"minLength": 1},
    )
    base_dockerfile: str | None = key(
        "a Dockerfile whose last stage becomes the base image, as a file or as text: "
        "[base images](base-images.md#a-dockerfile-of-yours)",
        default=None,
    )
    cuda: str | None = key(
        "the CUDA version for a GPU: chooses NVIDIA's image with its libraries, or describes `base-image`",
        default=None,
        shown="that of `base-image`, or none",
        schema={"pattern": r"^\d+\.\d+$"},
    )
    user_managed_dependencies: bool = key(
        "`true` means that the base image has the model's packages, so that nothing is locked or installed: "
        "[base images](base-images.md#images-that-bring-their-own-packages)",
        default=False,
    )
    interpreter_path: str | None = key(
        "with `user-managed-dependencies`: the base image's Python, as a name on its `PATH` or as an absolute path",
        default=None,
        shown='`"python"`',
    )
    pin_base_image: bool = key(
        "`false` uses the tag of `base-image` as it is, for an image that only this machine has", default=True
    )
    platform: str = key(
        'the platform of the image: this, or `"linux/arm64"`',
        default="linux/amd64",
        schema={"enum": list(ARCHITECTURES)},
    )
    requirements: tuple[str, ...] = key("requirements files", default=())
    dependencies: tuple[str, ...] | None = key(
        "requirements, written here; the default applies where neither this key nor `requirements` is set: "
        "[where they come from](packages.md#where-requirements-come-from)",
        default=None,
        shown="`[project.dependencies]`, or what Poetry or setuptools has in its place",
    )
    system_packages: tuple[str, ...] = key(
        "Debian or Ubuntu packages to install: names, `name=version`, `name=1.2*` or `name/release`", default=()
    )
    environment_variables: Mapping[str, str] = key("environment variables to set in the image", default={})
    extra_dockerfile_steps: str | tuple[str, ...] | None = key(
        "lines of a Dockerfile, or a file with such lines; they run as root, after the packages are installed and "
        "before the models and the script are copied: [how](migrate-from-azureml.md#extra-dockerfile-steps)",
        default=None,
        schema={"type": ["string", "array"], "items": {"type": "string"}},
    )
    conda_file: str | None = key(
        "an `environment.yml`, or a lock that conda-lock, pixi or conda wrote: [conda](conda.md)", default=None
    )
    conda_mode: CondaMode = key(
        'the program that installs conda\'s packages when the image is built; `"vendored"` means py-rattler',
        default="micromamba",
    )
    conda_channel: str | None = key(
        'with `"vendored"`: a folder of the project that is a channel; the locked packages in it go into the context',
        default=None,
    )
    conda_image: str | None = key(
        'with `"micromamba"`: the image that has micromamba',
        default=None,
        shown=f"`{MICROMAMBA}`",
        schema={"minLength": 1},
    )
    locker: Locker = key(
        'the resolver; `"pip-tools"` can lock only for the Python and platform that it runs on', default="uv"
    )
    lock_directory: str = key("the folder of the locks", default="locks")
    pylock: str | None = key(
        'a `pylock.toml`, or a `uv.lock`, to take the pins from; `"none"` resolves anew: '
        "[packages](packages.md#locks-of-other-tools)",
        default=None,
        shown="`uv.lock`, where there is one and `[project.dependencies]` counts",
    )
    wheelhouse: bool = key(
        "`true` keeps every wheel beside the lock, so that the image builds without an index", default=False
    )
    build_from_source: tuple[str, ...] = key(
        "packages of an index that have no wheel: `mlpackage lock` builds theirs from the source archive, which runs "
        "code of the package: [packages](packages.md#packages-that-only-have-sources)",
        default=(),
    )
    install_project: bool = key("`true` also installs the project's own wheel: [packages](packages.md)", default=False)
    models: tuple[Model, ...] = key("the models, one table for each", default=())
    private_hosts: tuple[str, ...] = key(
        "hosts on this machine or on a private network from which models may be fetched by URL: "
        "[by URL](models.md#by-url)",
        default=(),
    )
    check: bool = key(
        "`false` makes what `check` finds wrong in the sources a warning of `plan`, `generate` and `hatch build`, not "
        "an error, as `--no-check` does: [errors](errors.md#problems-in-the-sources)",
        default=True,
    )
    strict: bool = key(
        "`true` makes the warnings of `check`, `plan`, `generate` and `hatch build` errors, as `--strict` does",
        default=False,
    )
    allowed_secrets: tuple[str, ...] = key(
        "files that are meant to be in the image although they look like secrets, as `.gitignore` patterns: "
        "[errors](errors.md#other-problems)",
        default=(),
    )
    allowed_links: tuple[str, ...] = key(
        "links that are meant to lead out of the project, as `.gitignore` patterns: [errors](errors.md#other-problems)",
        default=(),
    )
    server: Server = field(default_factory=Server, metadata={"says": "how the image serves"})
    image: Image = field(default_factory=Image, metadata={"says": "what the image is called and how it is built"})

    @property
    def no_code_model(self) -> Model | None:
        """The one model that gets a generated entry script; None where the project has a script or needs one."""
        if self.entry_script or self.source_directory or len(self.models) != 1 or not self.models[0].framework:
            return None
        return self.models[0]

    @property
    def target(self) -> Target:
        return Target(python=self.python_version, platform=self.platform, libc=libc_of(self.base_image))

    @property
    def base_python(self) -> str:
        """The Python that the base image must have: the model's, unless that is too old and conda brings it."""
        of_image = python_of(self.base_image) if self.conda_file and self.python_version in OLD_PYTHONS else None
        return of_image or self.python_version

    @property
    def server_target(self) -> Target:
        """What the server's packages are installed for."""
        image = self.server.base_image or ""
        return replace(self.target, python=python_of(image) or self.base_python)

    @property
    def models_path(self) -> str:
        return f"{self.lock_directory}/models.toml"

    @property
    def lock_path(self) -> str:
        return f"{self.lock_directory}/requirements.txt"

    @property
    def packages_path(self) -> str:
        return f"{self.lock_directory}/packages.json"

    @property
    def conda_lock_path(self) -> str:
        return f"{self.lock_directory}/conda-{SUBDIRS[self.platform]}.lock"

    @property
    def conda_record_path(self) -> str:
        return f"{self.lock_directory}/conda-file.json"

    @property
    def base_image_path(self) -> str:
        return f"{self.lock_directory}/base-image.toml"

    @property
    def lock_paths(self) -> tuple[str, ...]:
        """List every file that `mlpackage lock` may write; no conda lock for a platform that is reported elsewhere."""
        conda = (self.conda_lock_path,) if self.platform in SUBDIRS else ()
        others = (self.packages_path, self.conda_record_path, self.base_image_path, self.models_path)
        return (self.lock_path, *conda, *others)


def parts_of_conda_file(path: str) -> tuple[str, str]:
    """Split off the place inside the file, for conda dependencies that are a part of another file."""
    file, _, inside = path.partition("#")
    return (file, inside) if inside.endswith("condaDependencies") else (path, "")


def leads_outside(path: str) -> bool:
    """Tell whether the text of a cleaned path leaves the project; a symbolic link inside may lead anywhere."""
    return PurePosixPath(path).is_absolute() or path.split("/", maxsplit=1)[0] == ".."
