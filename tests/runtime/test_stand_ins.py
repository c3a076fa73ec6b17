"""The stand-ins for azureml packages, which exist only where the real ones do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_service import Start

MODEL_PATH = """
    import json
    from azureml.core import Workspace
    from azureml.core.model import Model
    from azureml.core.authentication import InteractiveLoginAuthentication

    def init():
        pass

    def run(raw_data):
        name, version = json.loads(raw_data)
        try:
            return Model.get_model_path(name, version)
        except Exception as error:
            return [type(error).__name__, str(error)]
"""


def test_models_are_found_where_the_original_found_them(serve: Start, tmp_path: Path) -> None:
    """The highest number is the latest version; a version folder holds one entry; then the current folder is asked."""
    for path in ("ridge/9/a.pkl", "ridge/12/folder/b.pkl", "two/1/a", "two/1/b", "empty/x/a"):
        (tmp_path / "azureml-models" / path).parent.mkdir(parents=True, exist_ok=True)
    for path in ("ridge/9/a.pkl", "two/1/a", "two/1/b"):
        (tmp_path / "azureml-models" / path).touch()
    (tmp_path / "local.pkl").touch()
    service = serve(MODEL_PATH)
    root = f"{tmp_path}/azureml-models"
    missing = (
        f"Model nothing not found in cache at azureml-models or in current working directory {tmp_path}."
        " For more info, set logging level to DEBUG."
    )
    expected = {
        ("ridge", None): f"{root}/ridge/12/folder",
        ("ridge", 9): f"{root}/ridge/9/a.pkl",
        ("local.pkl", None): "local.pkl",
        ("nothing", None): ["ModelNotFoundException", missing],
        (None, None): ["ValueError", "model_name is None"],
        ("ridge", "9"): ["ValueError", "version should be an int"],
        ("empty", None): ["RuntimeError", "versions is empty"],
    }
    assert {asked: service.post(json.dumps(asked)).json() for asked in expected} == expected
    assert service.post('["two", null]').json()[1].startswith(f"Dir {root}/two/1 can contain only 1 file or folder.")


def test_the_rest_of_azureml_core_says_what_is_missing(serve: Start) -> None:
    """Names can be imported, and explain themselves when they are used."""
    service = serve(
        """
        from azureml.core import Experiment, Run, Workspace
        from azureml.core.run import ScriptRunConfig
        import azureml.core.webservice

        def init():
            pass

        def run(raw_data):
            said = []
            for use in (Workspace, lambda: Workspace.from_config(), Run, lambda: Run.get(0), ScriptRunConfig):
                try:
                    use()
                except RuntimeError as error:
                    said.append(str(error).partition(" needs ")[0])
            return said
        """
    )
    assert service.post("x").json() == [
        "azureml.core.Workspace",
        "azureml.core.Workspace.from_config",
        "azureml.core.run.Run",
        "azureml.core.run.Run.get",
        "azureml.core.run.ScriptRunConfig",
    ]


def test_a_run_is_offline(serve: Start) -> None:
    """A script that was also run for training gets a run that records nothing, prints that, and has no workspace."""
    service = serve(
        """
        from azureml.core import Run
        from azureml.core.run import Run as SameRun, _OfflineRun

        def init():
            global active
            active = Run.get_context()
            active.log("accuracy", 0.5)
            with active.child_run("part") as child:
                child.tag("kind", value="child")

        def run(raw_data):
            said = [type(active) is _OfflineRun, SameRun is Run, active.id.partition("_")[0]]
            said += [active.child_run("a").id == f"{active.id}.a", hasattr(active, "experiment")]
            try:
                Run.get_context(allow_offline=False)
            except Exception as error:
                said.append(type(error).__name__)
            try:
                active.experiment
            except AttributeError as error:
                said.append(str(error))
            return said
        """
    )
    assert service.post("x").json() == [
        *(True, True, "OfflineRun", True, False, "RunEnvironmentException"),
        "'_OfflineRun' object has no attribute 'experiment': no run is active in a scoring image",
    ]
    assert "No run is active, so nothing is recorded: log('accuracy', 0.5)" in service.log
    assert "No run is active, so nothing is recorded: tag('kind', value='child')" in service.log


def test_collectors_take_data_and_say_once_that_it_is_dropped(serve: Start) -> None:
    """Scripts with collectors run unchanged, and the log says what happens to the data."""
    service = serve(
        """
        from azureml.ai.monitoring import Collector
        from azureml.monitoring import ModelDataCollector

        def init():
            global old, inputs, outputs
            old = ModelDataCollector("ridge", designation="inputs", feature_names=["a"])
            inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs", on_error=print)

        def run(raw_data):
            old.collect([1])
            context = inputs.collect([1])
            return outputs.collect([2], context) is context
        """
    )
    assert service.post("x").json() is True
    assert service.log.count("is dropped") == 2


def test_real_packages_win(serve: Start, tmp_path: Path) -> None:
    """What is installed, or in the project, is imported instead of a stand-in."""
    package = tmp_path / "azureml" / "monitoring"
    package.mkdir(parents=True)
    (tmp_path / "azureml" / "__init__.py").touch()
    (package / "__init__.py").write_text("class ModelDataCollector:\n    real = True\n", encoding="utf-8")
    service = serve(
        """
        from azureml.core.model import Model
        from azureml.monitoring import ModelDataCollector

        def init():
            pass

        def run(raw_data):
            return [ModelDataCollector.real, Model.get_model_path.__module__]
        """
    )
    assert service.post("x").json() == [True, "azureml.core.model"]


def test_the_joblib_that_scikit_learn_had_is_joblib(serve: Start, tmp_path: Path) -> None:
    """Old scripts and old pickles name sklearn.externals.joblib; it is the same module under both names."""
    for name in ("sklearn/__init__", "sklearn/externals/__init__", "joblib/__init__", "joblib/inner"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.py").touch()
    service = serve(
        """
        from sklearn.externals import joblib
        import joblib.inner
        import sklearn.externals.joblib.inner
        import sys

        def init():
            pass

        def run(raw_data):
            inner = sys.modules["sklearn.externals.joblib.inner"]
            return [joblib is sys.modules["joblib"], inner is joblib.inner, joblib.__spec__.name, inner.__spec__.name]
        """
    )
    assert service.post("x").json() == [True, True, "joblib", "joblib.inner"]


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("azureml.train.automl", "azureml.train"),
        ("azureml.nothing", "azureml.nothing"),
        ("azureml_inference_server_http.server", "azureml_inference_server_http.server"),
    ],
)
def test_what_has_no_stand_in_is_missing(start: Start, name: str, missing: str) -> None:
    """A package that is needed for real fails at its import, with its name."""
    service = start(f"import {name}\ndef init(): pass\ndef run(x): pass\n")
    assert service.wait() == 3
    assert f"ModuleNotFoundError: No module named '{missing}'" in service.log
