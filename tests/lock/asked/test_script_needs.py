from __future__ import annotations

import pytest

from hatch_mlpackage.context.build import plan_context
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.asked.script_needs import replace_serving, with_generated
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.project.config.keys import Model
from hatch_mlpackage.project.model_facts.facts import ModelFacts
from hatch_mlpackage.project.no_code.generated import NoCode
from hatch_mlpackage.project.no_code.read import write_script
from hatch_mlpackage.project.pyproject import load_project
from hatch_mlpackage.project.sources.entry_script import EntryScript

SCHEMA = "inference_schema.schema_decorators"
NUMPY = "inference_schema.parameter_types.numpy_parameter_type"
PANDAS = "inference_schema.parameter_types.pandas_parameter_type"
DEFAULTS_NOTE = "azureml-defaults is left out: the server in the image replaces it."

SERVER_NOTE = "azureml-inference-server-http is left out: the server in the image replaces it."


def script(*imports, call_style="text"):
    return EntryScript(call_style=call_style, parameters=("data",), imports=frozenset(imports))


@pytest.mark.parametrize(
    ("asked", "entry_script", "kept", "notes"),
    [
        (["numpy", "scikit-learn>=1"], script("numpy"), ["numpy", "scikit-learn>=1"], []),
        (["azureml-defaults", "numpy"], script("numpy"), ["numpy"], [DEFAULTS_NOTE]),
        (
            ["azureml-defaults~=1.57"],
            script(SCHEMA, NUMPY, PANDAS, call_style="schema"),
            ["inference-schema[numpy-support,pandas-support]"],
            [
                "azureml-defaults~=1.57 is left out: the server in the image replaces it.",
                (
                    "inference-schema[numpy-support,pandas-support] is added: the script imports inference_schema, "
                    "which azureml-defaults brought."
                ),
            ],
        ),
        (
            ["azureml-defaults", "inference-schema[numpy-support]==1.5"],
            script(SCHEMA, NUMPY),
            ["inference-schema[numpy-support]==1.5"],
            [DEFAULTS_NOTE],
        ),
        (["numpy"], script(SCHEMA), ["numpy"], []),
        (
            ["azureml-core==1.61.0", "azureml-monitoring", "azureml-contrib-services"],
            script("azureml.core.model"),
            ["azureml-core==1.61.0"],
            [
                "azureml-contrib-services is left out: the server's module of AMLRequest and AMLResponse replaces it.",
                "azureml-monitoring is left out: a collector that collects nothing replaces it.",
            ],
        ),
        (
            ["numpy"],
            script("azureml.contrib.services.aml_request", call_style="rawhttp"),
            ["numpy", "werkzeug"],
            ["werkzeug is added: the script takes the raw request, an object of this package."],
        ),
        (
            [],
            script("azureml_inference_server_http.api.aml_response", call_style="unknown"),
            ["werkzeug"],
            ["werkzeug is added: the script takes the raw request, an object of this package."],
        ),
        (["flask==3.0"], script(call_style="rawhttp"), ["flask==3.0"], []),
        (["werkzeug<3"], script(call_style="rawhttp"), ["werkzeug<3"], []),
        (
            ["azureml-inference-server-http==1.5.1"],
            script("flask", call_style="rawhttp"),
            ["flask", "werkzeug"],
            [
                "azureml-inference-server-http==1.5.1 is left out: the server in the image replaces it.",
                "flask is added: the script imports flask, which azureml-inference-server-http brought.",
                "werkzeug is added: the script takes the raw request, an object of this package.",
            ],
        ),
        (
            ["numpy!=1.25", 'numpy<2; python_version < "3.12"', 'numpy>=2; python_version >= "3.12"', "numpy[test]"],
            script("numpy"),
            ["numpy!=1.25", 'numpy<2; python_version < "3.12"', 'numpy>=2; python_version >= "3.12"', "numpy[test]"],
            [],
        ),
        (
            ['azureml-defaults; python_version < "3.9"', 'azureml-defaults>=1.57; python_version >= "3.9"', "flask"],
            script("flask", SCHEMA),
            ["flask", "inference-schema"],
            [
                'azureml-defaults; python_version < "3.9" is left out: the server in the image replaces it.',
                'azureml-defaults>=1.57; python_version >= "3.9" is left out: the server in the image replaces it.',
                ("inference-schema is added: the script imports inference_schema, which azureml-defaults brought."),
            ],
        ),
        (
            ["azureml-defaults==1.13.0"],
            script("requests", "yaml", "numpy.linalg", "azure.identity", "azure.storage.blob", "pandas"),
            ["azure-identity", "numpy", "pyyaml", "requests"],
            [
                "azureml-defaults==1.13.0 is left out: the server in the image replaces it.",
                "azure-identity is added: the script imports azure.identity, which azureml-defaults brought.",
                "numpy is added: the script imports numpy, which azureml-defaults brought.",
                "requests is added: the script imports requests, which azureml-defaults brought.",
                "pyyaml is added: the script imports yaml, which azureml-defaults brought.",
            ],
        ),
        (
            ["azureml-defaults", "azureml-sdk"],
            script("requests", "azureml.core.model", "azureml.core.run"),
            ["requests"],
            [
                DEFAULTS_NOTE,
                "azureml-sdk is left out: the parts of it that the script imports replace it.",
                "requests is added: the script imports requests, which azureml-defaults and azureml-sdk brought.",
            ],
        ),
        (
            ["azureml-sdk~=1.61"],
            script("azureml.core", "azureml.train.automl"),
            ["azureml-core", "azureml-train-automl-client", "azureml-train-core"],
            [
                "azureml-sdk~=1.61 is left out: the parts of it that the script imports replace it.",
                "azureml-core is added: the script imports azureml.core, which azureml-sdk brought.",
                "azureml-train-core is added: the script imports azureml.train, which azureml-sdk brought.",
                (
                    "azureml-train-automl-client is added: the script imports azureml.train.automl, which azureml-sdk "
                    "brought."
                ),
            ],
        ),
        (["azureml-inference-server-http"], script("requests"), [], [SERVER_NOTE]),
    ],
)
def test_replace_serving(asked, entry_script, kept, notes):
    """The old server's packages give way to those that the script imports, and a note names each change."""
    replaced = replace_serving(Requirements(requirements=tuple(asked), notes=("before",)), entry_script)

    assert (list(replaced.requirements), list(replaced.notes)) == (kept, ["before", *notes])


def test_conda_has_it():
    """A package that conda installs is not added for pip."""
    replaced = replace_serving(
        Requirements(requirements=("azureml-defaults",)), script("numpy", "yaml"), conda=("numpy", "PyYAML")
    )

    assert (replaced.requirements, replaced.notes) == ((), (DEFAULTS_NOTE,))


RAW = (
    "from azureml.contrib.services.aml_request import rawhttp\n\n\ndef init():\n    pass\n\n\n"
    "@rawhttp\ndef run(request):\n    return None\n"
)


def test_the_lock_of_a_raw_script(copy_project):
    """A script that starts to take the raw request makes its lock stale, because it now needs werkzeug."""
    root = copy_project("minimal")
    (root / "score.py").write_text(RAW)
    project = load_project(root)

    package = inspect_project(project)

    assert package.requirements.requirements == ("idna>=3.7", "werkzeug")
    with pytest.raises(LockError, match="werkzeug"):
        plan_context(project)


def test_a_broken_script_does_not_stop_a_lock(copy_project):
    """A script that cannot be parsed adds nothing to the requirements and does not stop the lock."""
    root = copy_project("minimal")
    (root / "score.py").write_text("def init(:\n")

    assert inspect_requirements(load_project(root)).requirements.requirements == ("idna>=3.7",)


NEEDED = {"scikit-learn==1.5.2": "it made the model", "joblib": "the generated script imports it"}


def kept(text: str) -> str:
    made_with = "though the model was made with scikit-learn==1.5.2: it may not load, or answer otherwise."
    return f"{text} is kept, {made_with}"


def test_every_requirement_of_a_package_is_compared_with_the_model() -> None:
    """A note names each requirement that excludes the model's version, even if another line allows it."""
    asked = ("scikit-learn!=1.3", "scikit-learn<1.5", "scikit-learn>=1.6", "scikit-learn>=1")
    model = NoCode(script="", sample="", requirements=NEEDED, about="")

    assert with_generated(Requirements(requirements=asked), model, conda=("scikit-learn", "joblib")) == Requirements(
        requirements=tuple(sorted(asked)), notes=(kept("scikit-learn<1.5"), kept("scikit-learn>=1.6"))
    )


def test_every_requirement_that_is_left_out_is_named() -> None:
    """A note names each requirement of the model's own file that gives way to what loads the model."""
    asked = ('mlflow<3; python_version < "3.12"', 'mlflow>=3; python_version >= "3.12"', "numpy<2", "numpy!=1.25")
    model = NoCode(script="", sample="", requirements={}, about="", left_out=("mlflow", "numpy"))
    instead = "is left out: what loads the model is added in its place."

    assert with_generated(Requirements(requirements=asked), model, inline=("NumPy<2",)) == Requirements(
        requirements=("numpy!=1.25", "numpy<2"), notes=(f"{asked[0]} {instead}", f"{asked[1]} {instead}")
    )


@pytest.mark.parametrize(
    ("asked", "conda", "kept", "notes"),
    [
        (
            ["scikit-learn>=1", "pandas"],
            [],
            ["inference-schema[numpy-support]", "joblib", "pandas", "scikit-learn>=1", "werkzeug"],
            [],
        ),
        (
            ["scikit-learn<1.5"],
            [],
            ["inference-schema[numpy-support]", "joblib", "scikit-learn<1.5", "werkzeug"],
            [
                (
                    "scikit-learn<1.5 is kept, though the model was made with scikit-learn==1.5.2: it may not load, or "
                    "answer otherwise."
                )
            ],
        ),
        ([], ["scikit-learn", "joblib"], ["inference-schema[numpy-support]", "werkzeug"], []),
    ],
)
def test_what_the_project_names_itself(asked, conda, kept, notes):
    """Requirements of the project and its conda file stay, and a note names a version that is not the model's."""
    model = Model(name="demo", path="models/demo.joblib", framework="sklearn")
    made = write_script(model, ModelFacts(versions={"scikit-learn": "1.5.2"}, feature_count=2))

    requirements = with_generated(Requirements(requirements=tuple(asked)), made, conda=conda)

    assert list(requirements.requirements) == kept
    assert [note for note in requirements.notes if "is added" not in note] == notes
