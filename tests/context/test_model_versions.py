from __future__ import annotations

import json
import pickle

import joblib
import lightgbm
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from hatch_mlpackage.context.model_versions import model_versions
from hatch_mlpackage.context.package import inspect_project

ROWS = np.arange(40.0).reshape(20, 2)
ALSO = "it may not load, or answer otherwise."


def ridge_of(version: str) -> bytes:
    """Pickle a ridge as another version of scikit-learn would, which writes its version behind the state."""
    ridge = Ridge().fit(ROWS, ROWS[:, 0])
    state = pickle.dumps({**ridge.__dict__, "_sklearn_version": version}, protocol=4)
    return b"\x80\x04csklearn.linear_model._ridge\nRidge\n)\x81" + state[2:-1] + b"b."


def booster_of(*version: int) -> bytes:
    learner = {"feature_names": [], "learner_model_param": {"num_feature": "2"}}
    return json.dumps({"learner": learner, "version": version}).encode()


@pytest.fixture
def find(make_project):
    """Give a function that writes a model, and returns (place, what, fix) of each hint for an image's distributions."""

    def run(name: str, content: bytes, installed: dict[str, str], **keys: str) -> list[tuple[str, str, str]]:
        project = make_project({"models": [{"name": "m", "path": f"models/{name}", **keys}]})
        (project.root / "models" / name).parent.mkdir(exist_ok=True)
        (project.root / "models" / name).write_bytes(content)
        found = list(model_versions(inspect_project(project), installed))
        assert {(it.level, it.code) for it in found} <= {("hint", "model-version")}
        return [(it.where, it.what, it.fix) for it in found]

    return run


@pytest.mark.parametrize(
    ("name", "content", "distribution", "version", "locked"),
    [
        ("ridge.pkl", ridge_of("1.2.2"), "scikit-learn", "1.2.2", "1.5.0"),
        ("ridge.PICKLE", ridge_of("1.5.1"), "scikit-learn", "1.5.1", "1.4.2"),
        ("booster.json", booster_of(1, 7, 6), "xgboost", "1.7.6", "2.1.0"),
    ],
)
def test_another_version(find, name, content, distribution, version, locked):
    """A model that another version of its framework saved than the locked one is a hint with both versions."""
    assert find(name, content, {distribution: locked}) == [
        (
            "tool.mlpackage.models[0].path",
            f"'models/{name}' was saved with {distribution} {version}, and the lock has {locked}.",
            f"Require {distribution}=={version}, or save the model again with {locked}: {ALSO}",
        )
    ]


@pytest.mark.parametrize(
    ("name", "content", "installed"),
    [
        ("ridge.pkl", ridge_of("1.5.2"), {"scikit-learn": "1.5.0"}),
        ("booster.ubj", booster_of(2, 1, 0), {"xgboost-cpu": "2.1.4"}),
        ("booster.json", b'{"threshold": 0.5}', {}),
        ("notes.txt", b"no model", {}),
        ("weights.bin", ridge_of("1.2.2"), {"scikit-learn": "1.5.0"}),
        ("broken.pkl", ridge_of("1.2.2")[:-20], {"scikit-learn": "1.5.0"}),
    ],
)
def test_nothing_to_say(find, name, content, installed):
    """A correction of mistakes is the same version; a file that is no model, or of an unknown kind, says nothing."""
    assert find(name, content, installed) == []


def test_an_image_without_the_framework(find):
    """A model whose framework is not in the lock is a hint too."""
    assert find("ridge.pkl", ridge_of("1.2.2"), {"joblib": "1.4.0"}) == [
        (
            "tool.mlpackage.models[0].path",
            "'models/ridge.pkl' was saved with scikit-learn 1.2.2, and the lock has none.",
            "Require scikit-learn==1.2.2, if the script needs it to load the model.",
        )
    ]


def test_what_a_pickle_imports(find, tmp_path):
    """A package that a pickle imports when it is loaded, and that the lock lacks, is named."""
    path = tmp_path / "pipeline.joblib"
    joblib.dump(make_pipeline(lightgbm.LGBMRegressor(n_estimators=1, verbose=-1)).fit(ROWS, ROWS[:, 0]), path)
    content = path.read_bytes()

    found = find("pipeline.joblib", content, {"scikit-learn": joblib.load(path).__getstate__()["_sklearn_version"]})

    assert [it[1:] for it in found] == [
        (
            "'models/pipeline.joblib' imports lightgbm when it is loaded, and the lock has none.",
            "Add lightgbm to the requirements, in the version that made the model.",
        )
    ]


def test_a_stated_version(find):
    """A version that the project states counts in place of that of the file."""
    keys = {"framework": "sklearn", "framework-version": "1.4.0"}

    assert find("ridge.bin", ridge_of("1.2.2"), {"scikit-learn": "1.4.2"}, **keys) == []
