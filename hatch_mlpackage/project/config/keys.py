"""`[tool.mlpackage]` as values: what each key means is said here, what it may be in `config_checks`.

The reference in docs/configuration.md and schema.json are made from these classes by `config_schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

from hatch_mlpackage.project.known_images import MICROMAMBA
from hatch_mlpackage.project.target import ARCHITECTURES, SUBDIRS, SUPPORTED_PYTHONS, Target, libc_of

KEY = "tool.mlpackage"
MODELS_DIRECTORY = "azureml-models"
DEFAULT_PYTHON = "3.12"
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
# What an input may be of: numpy's names.
TENSOR_TYPES = (
    *("float16", "float32", "float64", "bool", "str"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
GENERATED_SCRIPT = "score.py"


def key(says: str, *, default: Any = MISSING, shown: str = "", schema: Mapping[str, Any] | None = None) -> Any:
    """Declare a key: what it says to its reader, its default as they see it, and what JSON Schema adds to its type."""
    about = {"says": says, "shown": shown, "schema": schema or {}}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInput:
    """One input of a model, where the model does not say so itself; -1 in the shape is any size."""

    name: str = key("what a request calls it; a column of a table, or a tensor")
    type: str = key("`float64`, `float32`, `int64`, `int32`, `bool`, `str` and numpy's other names", default="float32")
    shape: tuple[int, ...] = key("the sizes of a tensor, -1 for any: `[-1, 4]`", default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model as declared; `path` is relative to the project's root."""

    name: str = key("letters, digits, dashes, dots and underscores; the folder it gets in the context")
    path: str = key("a file or a folder, which git may ignore; or the URL of a file, with the extra `remote`")
    version: str = key("the folder below the name", default="1", schema={"type": ["string", "integer"]})
    framework: Framework | None = key(
        "what made it; the entry script may then be left out: [no code](no-code.md)", default=None
    )
    framework_version: str | None = key(
        "the version that made it, where its file does not say so or is wrong", default=None
    )
    allow_pickle: bool = key("`true` vouches for a model that runs code when it is loaded", default=False)
    inputs: tuple[ModelInput, ...] = key("what it takes, where its file does not say so", default=())

    @property
    def is_remote(self) -> bool:
        return "://" in self.path

    @property
    def context_path(self) -> str:
        """Where the model's file or folder is put: `azureml-models/<name>/<version>`."""
        return f"{MODELS_DIRECTORY}/{self.name}/{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """How the image serves; milliseconds for `scoring_timeout_ms`, None for the server's own default."""

    workers: int = key("processes that score, one request at a time each", default=1, schema={"minimum": 1})
    scoring_timeout_ms: int | None = key(
        "how long a request may take", default=None, shown="an hour", schema={"minimum": 1}
    )
    max_concurrent_requests: int | None = key(
        "requests that are let in at once; the others wait", default=None, shown="any number", schema={"minimum": 1}
    )
    max_queue_wait_ms: int | None = key(
        "how long a request may wait to be let in before it gets `503`; without the key above, as many are let in as "
        "there are workers",
        default=None,
        shown="any time",
        schema={"minimum": 0},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Healthcheck:
    """How Docker probes a container: the options of the image's HEALTHCHECK, in seconds."""

    interval: int = key("seconds between two probes", default=10, schema={"minimum": 1})
    timeout: int = key("seconds after which a probe has failed", default=10, schema={"minimum": 1})
    start_period: int = key("seconds for `init()` before a failure counts", default=300, schema={"minimum": 0})
    retries: int = key("failures in a row that make the container unhealthy", default=3, schema={"minimum": 1})


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A file that the builder shows to the steps which install packages, at `target`, and keeps out of the image."""

    id: str = key("what the builder calls it: `--secret id=…`")
    target: str = key("where the steps that install packages see it, such as `/etc/pip.conf`")


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """The name `mlpackage image build` gives the image, labels besides the standard ones, and how it is built.

    `builder` is "classic" for a Dockerfile that every builder takes, "buildkit" for one that needs BuildKit or buildah.
    """

    name: str = key("what `mlpackage image build` calls the image", default="", shown="the project's name")
    builder: ImageBuilder = key('`"buildkit"` for a Dockerfile that needs BuildKit or buildah', default="classic")
    secrets: tuple[Secret, ...] = key(
        'with `"buildkit"`: files that only the steps see which install packages', default=()
    )
    labels: Mapping[str, str] = key("labels of the image", default={})
    models: ModelsMode = key(
        '`"hard-linked"` into the context, or with `"buildkit"` not in it at all: [models](models.md)',
        default="copied",
    )
    port: int = key(
        "the port of `mlpackage image run` on this machine; in the image it is 5001",
        default=5001,
        schema={"minimum": 1, "maximum": 65535},
    )
    healthcheck: Healthcheck = field(default_factory=Healthcheck, metadata={"says": "how Docker probes a container"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The whole table; paths are relative to the project's root, with forward slashes."""

    entry_script: str = key(
        "the Python file with `init()` and `run()`", default="", shown="required, but for one model with `framework`"
    )
    inference_config: str | None = key(
        "an inference configuration of Azure ML v1, used where it is; keys given here win over its own: "
        "[Azure ML v1](migrate-from-azureml.md#use-the-files-where-they-are)",
        default=None,
    )
    deployment_config: str | None = key("beside it, a deployment configuration", default=None)
    source_directory: str | None = key(
        "a folder that goes along, and on the script's `sys.path`: all of it but the models, the locks, `dist/` and "
        "what tools and editors leave",
        default=None,
        shown="the script alone",
    )
    exclude: tuple[str, ...] = key("`.gitignore` patterns to leave out of it", default=())
    python_version: str = key(
        "the image's Python, 3.8 to 3.14",
        default="",
        shown='that of the base image, or `"3.12"`',
        schema={"enum": list(SUPPORTED_PYTHONS)},
    )
    base_image: str = key(
        "any image with that Python and its `venv`: [base images](base-images.md)",
        default="",
        shown="`python:X.Y-slim-bookworm`, or `cuda`'s",
    )
    base_dockerfile: str | None = key(
        "a Dockerfile whose last stage is the base image, or its text: "
        "[base images](base-images.md#a-dockerfile-of-yours)",
        default=None,
    )
    cuda: str | None = key(
        "the CUDA version for a GPU: NVIDIA's image with its libraries is the base, or what `base-image` has",
        default=None,
        shown="that of `base-image`, or none",
        schema={"pattern": r"^\d+\.\d+$"},
    )
    user_managed_dependencies: bool = key(
        "the base image brings the model's packages: nothing is locked or installed: "
        "[base images](base-images.md#images-that-bring-their-own-packages)",
        default=False,
    )
    interpreter_path: str | None = key(
        "with `user-managed-dependencies`: the base image's Python, on its `PATH` or by its whole path",
        default=None,
        shown='`"python"`',
    )
    pin_base_image: bool = key(
        "`false` for an image that only this machine has: its tag is used as it is", default=True
    )
    platform: str = key('or `"linux/arm64"`', default="linux/amd64", schema={"enum": list(ARCHITECTURES)})
    requirements: tuple[str, ...] = key("requirements files", default=())
    dependencies: tuple[str, ...] | None = key(
        "requirements given here; the default holds where neither key is set",
        default=None,
        shown="`[project.dependencies]`",
    )
    system_packages: tuple[str, ...] = key("Debian or Ubuntu packages", default=())
    environment_variables: Mapping[str, str] = key("variables of the image", default={})
    extra_dockerfile_steps: str | tuple[str, ...] | None = key(
        "a file with lines of a Dockerfile, or the lines: run as root, when the packages are installed and before the "
        "models and the script are there: [how](migrate-from-azureml.md#extra-dockerfile-steps)",
        default=None,
        schema={"type": ["string", "array"], "items": {"type": "string"}},
    )
    conda_file: str | None = key(
        "an `environment.yml`, or a lock of conda-lock, pixi or conda: [conda](conda.md)", default=None
    )
    conda_mode: CondaMode = key(
        'what installs conda\'s packages when the image is built; `"vendored"` is py-rattler', default="micromamba"
    )
    conda_channel: str | None = key(
        'with `"vendored"`: a folder of the project that is a channel; its packages go along', default=None
    )
    conda_image: str | None = key('with `"micromamba"`: the image that installs', default=None, shown=f"`{MICROMAMBA}`")
    locker: Locker = key('`"pip-tools"` locks only for the running Python and platform', default="uv")
    lock_directory: str = key("where the locks are", default="locks")
    pylock: str | None = key("a `pylock.toml` to take the pins from", default=None)
    wheelhouse: bool = key(
        "lock every wheel into the project, so that the image builds without an index", default=False
    )
    install_project: bool = key("also install the project's own wheel: [packages](packages.md)", default=False)
    models: tuple[Model, ...] = key("the models, one table each", default=())
    server: Server = field(default_factory=Server, metadata={"says": "how the image serves"})
    image: Image = field(default_factory=Image, metadata={"says": "what the image is called and how it is built"})

    @property
    def no_code_model(self) -> Model | None:
        """The one model for which an entry script is generated; None where there is a script, or should be."""
        if self.entry_script or self.source_directory or len(self.models) != 1 or not self.models[0].framework:
            return None
        return self.models[0]

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


def parts_of_conda_file(path: str) -> tuple[str, str]:
    """Part the file from the place in it, for conda dependencies that stand in a file of something else."""
    file, _, inside = path.partition("#")
    return (file, inside) if inside.endswith("condaDependencies") else (path, "")


def leads_outside(path: str) -> bool:
    """Tell whether a cleaned path leaves the project by its text; a symbolic link inside may lead anywhere."""
    return PurePosixPath(path).is_absolute() or path.split("/", maxsplit=1)[0] == ".."
