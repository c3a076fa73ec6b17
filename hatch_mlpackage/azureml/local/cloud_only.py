"""Names that only the cloud has: each can be imported, and says what to use instead when it is used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from hatch_mlpackage.azureml.exceptions import NotInTheCloudError

PREFIX = "hatch_mlpackage.azureml"
_TRAINING = "train the model anywhere and register its file: Model.register(ws, model_path, model_name)"
_SERVICE = (
    "try the service here with LocalWebservice.deploy_configuration(port=8890), and give the platform that runs it the "
    "image that Model.package(...) builds"
)
DATA = "read the data with a library for its files (pandas.read_csv, pyarrow), and register models from a path"
_LOGIN = "nothing here needs an account: leave the argument out"
_IMAGE = "Model.package(...) writes the build context or builds the image"
_COMPUTE = "run the program on this machine"
_SECRETS = "give secrets to the container when it starts, as environment variables or files"

# Module below `azureml` → name → what to use instead.
MODULES: Mapping[str, Mapping[str, str]] = {
    "core": {
        "ComputeTarget": _COMPUTE,
        "Dataset": DATA,
        "Datastore": DATA,
        "Experiment": _TRAINING,
        "Image": _IMAGE,
        "Keyvault": _SECRETS,
        "Run": _TRAINING,
        "RunConfiguration": _TRAINING,
        "ScriptRun": _TRAINING,
        "ScriptRunConfig": _TRAINING,
    },
    "core.authentication": dict.fromkeys(
        (
            "AzureCliAuthentication",
            "InteractiveLoginAuthentication",
            "MsiAuthentication",
            "ServicePrincipalAuthentication",
        ),
        _LOGIN,
    ),
    "core.compute": dict.fromkeys(("AksCompute", "AmlCompute", "ComputeInstance", "ComputeTarget"), _COMPUTE),
    "core.dataset": {"Dataset": DATA},
    "core.datastore": {"Datastore": DATA},
    "core.experiment": {"Experiment": _TRAINING},
    "core.image": dict.fromkeys(("ContainerImage", "Image"), _IMAGE),
    "core.keyvault": {"Keyvault": _SECRETS},
    "core.run": {"Run": _TRAINING},
    "core.runconfig": {"RunConfiguration": _TRAINING},
    "core.script_run_config": {"ScriptRunConfig": _TRAINING},
    "core.webservice": dict.fromkeys(("AciWebservice", "AksEndpoint", "AksWebservice"), _SERVICE),
    "core.webservice.aci": {"AciWebservice": _SERVICE},
    "core.webservice.aks": dict.fromkeys(("AksEndpoint", "AksWebservice"), _SERVICE),
    "contrib.functions": dict.fromkeys(
        ("package", "package_blob", "package_http", "package_service_bus_queue"), _IMAGE
    ),
    "train.automl": {"AutoMLConfig": _TRAINING},
    "train.automl.run": {"AutoMLRun": _TRAINING},
}

# Class → member → what to use instead.
MEMBERS: Mapping[str, Mapping[str, str]] = {
    "Environment": {
        "add_private_pip_wheel": 'name the wheel\'s path among the pip packages: "./wheels/own-1.0-py3-none-any.whl"',
        "build": _IMAGE,
        "build_local": _IMAGE,
        "from_docker_build_context": "give its Dockerfile to Environment.from_dockerfile",
        "from_existing_conda_environment": (
            "export it with `conda env export --from-history --file environment.yml`, and give that file to "
            "Environment.from_conda_specification"
        ),
        "get_image_details": _IMAGE,
        "label": "name the version: Environment.get(ws, name, version)",
    },
    "LocalWebservice": {"deploy_to_cloud": _SERVICE},
    "Model": {
        "add_dataset_references": DATA,
        "get_sas_urls": "Model.download(target_dir) copies the files",
        "profile": "measure the service on the machine that is to run it",
    },
    "Webservice": dict.fromkeys(("deploy", "deploy_from_image", "deploy_from_model"), "use Model.deploy(...)"),
    "Workspace": {
        **dict.fromkeys(("compute_targets", "get_default_compute_target"), _COMPUTE),
        **dict.fromkeys(("datasets", "datastores", "get_default_datastore", "set_default_datastore"), DATA),
        **dict.fromkeys(("experiments", "get_run", "get_mlflow_tracking_uri"), _TRAINING),
        "get_default_keyvault": _SECRETS,
        "images": _IMAGE,
    },
}

Named = TypeVar("Named", bound=type)


def refuse(what: str, instead: str) -> NoReturn:
    raise NotInTheCloudError(f"{what} needs Azure ML in the cloud, which is not used here: {instead}.")


class _CloudOnlyClass(type):
    """A class that can be imported and given to `isinstance`; calling it or taking a member raises an error."""

    instead: str

    def __call__(cls, *_values: object, **_named: object) -> NoReturn:
        refuse(cls.__name__, cls.instead)

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"{cls.__name__}.{name}", cls.instead)


class _CloudOnlyMember:
    """A member that raises an error when it is read from the class or from an object."""

    def __init__(self, what: str, instead: str) -> None:
        self._what = what
        self._instead = instead

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        refuse(self._what, self._instead)


def with_cloud_only_members(named: Named) -> Named:
    """Give a class the members that only the cloud has."""
    for name, instead in MEMBERS[named.__name__].items():
        setattr(named, name, _CloudOnlyMember(f"{named.__name__}.{name}", instead))
    return named


def cloud_only_classes(module: str) -> dict[str, Any]:
    """Return the classes of a module that only the cloud has; a name is the same class in every module."""
    return {name: _class(name, instead) for name, instead in MODULES[module].items()}


@cache
def _class(name: str, instead: str) -> type:
    return _CloudOnlyClass(name, (), {"instead": instead, "__module__": PREFIX})


def plant_modules() -> None:
    """Make the modules importable that hold nothing but such names, and the packages above them."""
    for module in MODULES:
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            _plant(".".join(parts[:end]))


def _plant(module: str) -> None:
    name = f"{PREFIX}.{module}"
    if name in sys.modules:
        return
    sys.modules[name] = planted = ModuleType(name, "Names that only the cloud has.")
    planted.__path__ = []
    vars(planted).update(cloud_only_classes(module) if module in MODULES else {})
    above, _, last = name.rpartition(".")
    setattr(sys.modules[above], last, planted)
