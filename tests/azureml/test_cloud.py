"""Names that need a cloud account can be imported, and say in one sentence what to use instead."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from hatch_mlpackage.azureml.core.run import Run
from hatch_mlpackage.azureml.train.automl.run import AutoMLRun

from hatch_mlpackage.azureml.core import Environment, Experiment, Model, Workspace
from hatch_mlpackage.azureml.core.webservice import AciWebservice, AksWebservice
from hatch_mlpackage.azureml.exceptions import NotInTheCloudError, UserErrorException
from hatch_mlpackage.azureml.local.cloud_only import MEMBERS, MODULES, PREFIX
from hatch_mlpackage.errors import MLPackageError


@pytest.mark.parametrize("module", MODULES)
def test_every_name_says_what_to_use_instead(module):
    """Calling a cloud-only class and using one of its members both raise the table's sentence."""
    found = importlib.import_module(f"{PREFIX}.{module}")

    for name, instead in MODULES[module].items():
        absent = getattr(found, name)
        sentence = f"needs Azure ML in the cloud, which is not used here: {instead}."
        with pytest.raises(NotInTheCloudError, match=f"^{name} needs") as made:
            absent("anything", of="any kind")
        with pytest.raises(NotInTheCloudError, match=f"^{name}.deploy_configuration needs") as taken:
            absent.deploy_configuration(cpu_cores=1)
        assert str(made.value).endswith(sentence)
        assert str(taken.value).endswith(sentence)


def test_every_member_says_what_to_use_instead(ws):
    """The cloud-only members of classes that otherwise work raise an error, too."""
    classes = {kind.__name__: kind for kind in (Environment, Model, Workspace)}
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
