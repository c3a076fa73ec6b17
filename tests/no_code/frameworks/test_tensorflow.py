"""TensorFlow's SavedModels without an entry script answer over HTTP as they do in process."""

from __future__ import annotations

import pytest

from hatch_mlpackage.context.package import inspect_project

pytestmark = pytest.mark.frameworks
ROWS = [[0.5, -1.0, 2.0, 0.25], [1.0, 0.0, 0.0, 3.0]]


def test_one_input(project_of, serve, close_to):
    """A Keras model takes each row as an instance, and answers as TensorFlow Serving does."""
    import keras  # noqa: PLC0415 - it has an environment of its own
    import tensorflow as tf  # noqa: PLC0415

    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    project = project_of("net", "tensorflow", lambda path: model.export(str(path), verbose=False))
    expected = tf.saved_model.load(str(project.root / "net")).signatures["serving_default"](tf.constant(ROWS))

    served = serve(project)

    answer = close_to({"predictions": next(iter(expected.values())).numpy().tolist()})
    assert served.score(instances=ROWS) == answer
    assert served.score(signature_name="serving_default", instances=ROWS) == answer
    assert served.refusal(instances=[[1.0], [2.0]])[0] == 400
    assert f"tensorflow=={tf.__version__}" in inspect_project(project).requirements.requirements


def save_several(path):
    import tensorflow as tf  # noqa: PLC0415

    class Several(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec((None,), tf.string, "name"), tf.TensorSpec((None, 2), tf.int64, "ids")]
        )
        def both(self, name, ids):
            return {"named": name, "doubled": ids * 2}

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, "value")])
        def one(self, value):
            return {"more": value + 1.0}

    model = Several()
    tf.saved_model.save(model, str(path), signatures={"serving_default": model.both, "plus": model.one})


def test_several_inputs_and_signatures(project_of, serve):
    """Inputs and outputs have names, strings stay strings, and a request chooses its signature."""
    served = serve(project_of("several", "tensorflow", save_several))

    assert served.score(instances=[{"name": "é", "ids": [1, 2]}, {"name": "b", "ids": [3, 4]}]) == {
        "predictions": [{"named": "é", "doubled": [2, 4]}, {"named": "b", "doubled": [6, 8]}]
    }
    assert served.score(signature_name="plus", instances=[1.0, 2]) == {"predictions": [2.0, 3.0]}
    assert served.refusal(instances=[{"name": "a"}]) == (
        400,
        "The input does not fit the model: an instance lacks 'ids'",
    )
    assert served.refusal(signature_name="minus", instances=[]) == (
        400,
        "The input does not fit the model: it has no signature minus, but serving_default, plus",
    )
