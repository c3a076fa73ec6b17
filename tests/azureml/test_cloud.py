"""Names that need a cloud account can be imported, and say in one sentence what to use instead."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from hatch_mlpackage.azureml.core.run import Run
from hatch_mlpackage.azureml.train.automl.run import AutoMLRun

from hatch_mlpackage.azureml.core import Environment, Experiment, Model, Workspace
from hatch_mlpackage.azureml.core.authentication import AbstractAuthentication, ServicePrincipalAuthentication
from hatch_mlpackage.azureml.core.conda_dependencies import CondaDependencies
from hatch_mlpackage.azureml.core.model import InferenceConfig
from hatch_mlpackage.azureml.core.webservice import AciWebservice, AksWebservice
from hatch_mlpackage.azureml.exceptions import NotInTheCloudError, UserErrorException
from hatch_mlpackage.azureml.local.cloud_names import FAMILIES, MEMBERS, MODULES
from hatch_mlpackage.azureml.local.cloud_only import PREFIX
from hatch_mlpackage.errors import MLPackageError


@pytest.mark.parametrize("module", MODULES)
def test_every_name_says_what_to_use_instead(module):
    """Calling a cloud-only class and using one of its members both raise the table's sentence."""
    found = importlib.import_module(f"{PREFIX}.{module}")

    for name, instead in MODULES[module].items():
        _check(getattr(found, name), name, instead)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_module_that_is_not_here_says_what_to_use_instead(family):
    """A module of the SDK that is not ours has every public name, at any depth below it."""
    module = f"{family}.of.any.depth"
    found = importlib.import_module(f"{PREFIX}.{module}")

    _check(found.Anything, "Anything", FAMILIES[family])
    assert not hasattr(found, "_private")


def _check(absent, name, instead):
    sentence = f"needs Azure ML in the cloud, which is not used here: {instead}."
    with pytest.raises(NotInTheCloudError, match=f"^{name} needs") as made:
        absent("anything", of="any kind")
    with pytest.raises(NotInTheCloudError, match=f"^{name}.deploy_configuration needs") as taken:
        absent.deploy_configuration(cpu_cores=1)
    assert str(made.value).endswith(sentence)
    assert str(taken.value).endswith(sentence)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("coer", r"^No module named 'azureml\.coer' here: .* install it \(pip install azureml-core\) and run"),
        ("_restclient.models", r"^No module named 'azureml\._restclient' here: "),
        (
            "contrib.services.aml_request",
            r"server that runs it\. Serve the script: mlpackage serve --entry_script FILE$",
        ),
    ],
)
def test_a_module_that_nothing_has(module, said):
    """The error for an unknown or private module, and for one that only entry scripts have, says what to do."""
    with pytest.raises(ModuleNotFoundError, match=said):
        importlib.import_module(f"{PREFIX}.{module}")


def test_logins_are_accepted(ws):
    """A login can be made and given to a workspace, but has no token."""
    auth = ServicePrincipalAuthentication(tenant_id="t", service_principal_id="i", service_principal_password="p")

    assert Workspace.get("my-workspace", auth=auth).folder == ws.folder
    with pytest.raises(NotInTheCloudError, match=r"get_token needs .*: nothing here needs an account"):
        auth.get_token()


def test_every_member_says_what_to_use_instead(ws):
    """The cloud-only members of classes that otherwise work raise an error, too."""
    working = (AbstractAuthentication, CondaDependencies, Environment, InferenceConfig, Model, Workspace)
    classes = {kind.__name__: kind for kind in working}
    classes |= {
        name: getattr(importlib.import_module(f"{PREFIX}.core.webservice"), name) for name in MEMBERS.keys() - classes
    }

    for name, members in MEMBERS.items():
        for member in members:
            with pytest.raises(NotInTheCloudError, match=f"{name}.{member} needs"):
                getattr(classes[name], member)
    with pytest.raises(NotInTheCloudError, match=r"Workspace.datastores needs"):
        _ = ws.datastores


def test_a_run_of_the_documentation():
    """The classes of experiments and runs name `Model.register` as the way to register a file."""
    for call in (
        lambda: Run.get_context(allow_offline=True),
        lambda: AutoMLRun(None, None),
        lambda: Experiment(None, "myexperiment"),
    ):
        with pytest.raises(UserErrorException, match=r"Model\.register\(ws, model_path, model_name\)"):
            call()


def test_a_name_is_one_class():
    """A name from two modules is one class, has no instances and raises an error of our family."""
    module = importlib.import_module(f"{PREFIX}.core.webservice.aci")

    assert module.AciWebservice is AciWebservice
    assert not isinstance(object(), AciWebservice | AksWebservice)
    assert issubclass(NotInTheCloudError, MLPackageError)


def test_datasets_are_refused(ws, model_file):
    """Registering a model with datasets is refused and registers nothing."""
    with pytest.raises(NotInTheCloudError, match="A model's datasets"):
        Model.register(ws, str(model_file), "mine", sample_input_dataset=object())

    assert Model.list(ws) == []


def test_nothing_else_loads_the_api():
    """The command line and the plugins do not load the Azure ML API."""
    code = (
        "import sys, hatch_mlpackage.cli.program, hatch_mlpackage.plugin.hooks, hatch_mlpackage.plugin.builder\n"
        "print([name for name in sys.modules if name.startswith('hatch_mlpackage.azureml.')])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
