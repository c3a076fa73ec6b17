"""The original documentation's models without an entry script, registered and deployed by its Python API."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hatch_mlpackage.azureml.core import Model, Workspace


@pytest.fixture
def ws(tmp_path, monkeypatch):
    """Give a workspace, and delete its services afterwards."""
    monkeypatch.setenv("MLPACKAGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.create("no-code")
    yield workspace
    for service in workspace.webservices.values():
        service.delete()


@pytest.mark.frameworks
def test_flowers(ws, close_to):
    """A TensorFlow SavedModel folder answers as the folder does in process."""
    import keras  # noqa: PLC0415 - it has an environment of its own
    import tensorflow as tf  # noqa: PLC0415

    rows = [[0.5, -1.0, 2.0, 0.25], [1.0, 0.0, 0.0, 3.0]]
    net = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    net.export("./flowers_model", verbose=False)
    expected = tf.saved_model.load("./flowers_model").signatures["serving_default"](tf.constant(rows))

    model = Model.register(
        workspace=ws,
        model_name="flowers",
        model_path="./flowers_model",
        model_framework=Model.Framework.TENSORFLOW,
        model_framework_version="1.14.0",
        description="Flowers model",
    )
    service_name = "tensorflow-flower-service"
    service = Model.deploy(ws, service_name, [model])

    answer = service.run(json.dumps({"signature_name": "serving_default", "instances": rows}))
    assert answer == close_to({"predictions": next(iter(expected.values())).numpy().tolist()})


def test_mnist(ws):
    """An ONNX graph answers as onnxruntime does in process."""
    import onnxruntime  # noqa: PLC0415 - the environment for TensorFlow has none
    from onnx import TensorProto, helper  # noqa: PLC0415

    image = helper.make_tensor_value_info("Input3", TensorProto.FLOAT, [1, 1, 28, 28])
    scores = helper.make_tensor_value_info("Plus214_Output_0", TensorProto.FLOAT, [1, 784])
    graph = helper.make_graph([helper.make_node("Flatten", ["Input3"], ["Plus214_Output_0"])], "g", [image], [scores])
    graph = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    Path("mnist-model.onnx").write_bytes(graph.SerializeToString())
    sample = np.arange(784, dtype=np.float32).reshape(1, 1, 28, 28)

    model = Model.register(
        workspace=ws,
        model_name="mnist-sample",
        model_path="mnist-model.onnx",
        model_framework=Model.Framework.ONNX,
        model_framework_version="1.3",
        description="Onnx MNIST model",
    )
    service_name = "onnx-mnist-service"
    service = Model.deploy(ws, service_name, [model])

    (expected,) = onnxruntime.InferenceSession("mnist-model.onnx").run(None, {"Input3": sample})
    assert service.run(json.dumps({"Input3": sample.tolist()})) == {"Plus214_Output_0": expected.tolist()}
