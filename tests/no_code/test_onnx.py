"""ONNX models without an entry script answer over HTTP as onnxruntime does in process."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


def test_a_converted_classifier(project_of, serve, close_to):
    """A model that skl2onnx made takes its input by name, and answers with all of its outputs by name."""
    features, target = load_iris(return_X_y=True)
    sample = features[[0, 60, 120]].astype(np.float32)
    model = to_onnx(LogisticRegression(max_iter=500).fit(features, target), sample)
    content = model.SerializeToString()
    labels, probabilities = onnxruntime.InferenceSession(content).run(None, {"X": sample})

    served = serve(project_of("iris.onnx", "onnx", lambda path: path.write_bytes(content)))

    assert served.score(X=sample.tolist()) == {
        "output_label": labels.tolist(),
        "output_probability": close_to([{str(name): value for name, value in row.items()} for row in probabilities]),
    }
    assert served.input_schema()["X"]["items"] == {"type": "array", "items": {"type": "number", "format": "float"}}
    assert served.refusal(X=[[1.0]])[0] == 400


def several_inputs(path):
    """Write a model with its weights in another file, and with input names that Python cannot have."""
    inputs = [
        helper.make_tensor_value_info("image:0", TensorProto.FLOAT, ["N", 2, "width"]),
        helper.make_tensor_value_info("class", TensorProto.STRING, ["N"]),
        helper.make_tensor_value_info("offset", TensorProto.DOUBLE, []),
    ]
    outputs = [
        helper.make_tensor_value_info("scaled", TensorProto.FLOAT, None),
        helper.make_tensor_value_info("named", TensorProto.STRING, None),
        helper.make_tensor_value_info("moved", TensorProto.DOUBLE, None),
    ]
    nodes = [
        helper.make_node("Mul", ["image:0", "scale"], ["scaled"]),
        helper.make_node("Identity", ["class"], ["named"]),
        helper.make_node("Identity", ["offset"], ["moved"]),
    ]
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [1], [2.0])
    graph = helper.make_graph(nodes, "several", inputs, outputs, initializer=[scale])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.mkdir()
    onnx.save_model(model, path / "several.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)


def test_several_inputs(project_of, serve):
    """Each input is a parameter, whatever its type, shape and name."""
    served = serve(project_of("several", "onnx", several_inputs))

    answer = served.score(image_0=[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], class_=["a much longer name"], offset=0.5)

    assert answer == {
        "scaled": [[[2.0, 4.0, 6.0], [8.0, 10.0, 12.0]]],
        "named": ["a much longer name"],
        "moved": 0.5,
    }
    status, message = served.refusal(image_0=[[[1.0]]], class_=["a"], offset=0.5)
    assert (status, "The input does not fit the model: " in message) == (400, True)
