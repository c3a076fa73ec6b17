"""PyTorch's models without an entry script answer over HTTP as they do in process."""

from __future__ import annotations

import pytest

from hatch_mlpackage.context.package import inspect_project

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),  # many models are still in this format
]
ROWS = [[0.5, -1.0, 2.0, 0.25], [1.0, 0.0, 0.0, 3.0]]


def network():
    import torch  # noqa: PLC0415 - it has an environment of its own

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)).eval()


def predicted(model):
    import torch  # noqa: PLC0415

    with torch.inference_mode():
        return {"predictions": model(torch.tensor(ROWS)).tolist()}


def test_torchscript(project_of, serve, close_to):
    """A TorchScript input has the name that forward() gives it, and any shape."""
    import torch  # noqa: PLC0415

    model = torch.jit.trace(network(), torch.zeros(1, 4))
    project = project_of("net.pt", "pytorch", model.save, f'framework-version = "{torch.__version__.split("+")[0]}"')

    served = serve(project)

    assert served.score(input=ROWS) == close_to(predicted(model))
    status, message = served.refusal(input=[[1.0]])
    assert (status, message.startswith("The input does not fit the model: ")) == (400, True)
    (note,) = inspect_project(project).no_code.notes
    assert note.endswith("does not say what it takes: float32 tensors of any shape are accepted. State it in inputs.")


def test_declared_inputs(project_of, serve, close_to):
    """The project states what a TorchScript file does not say: the types and sizes of its input."""
    import torch  # noqa: PLC0415

    declared = 'inputs = [{ name = "input", type = "float32", shape = [-1, 4] }]'

    served = serve(project_of("net.pt", "pytorch", torch.jit.script(network()).save, declared))

    assert served.score(input=ROWS) == close_to(predicted(network()))
    assert "array has size 1 on dimension #1" in served.refusal(input=[[1.0]])[1]


def test_an_exported_program(project_of, serve, close_to):
    """An exported program states its input and the PyTorch version that made it."""
    import torch  # noqa: PLC0415

    shapes = {"input": {0: torch.export.Dim("rows", max=64)}}
    program = torch.export.export(network(), (torch.zeros(2, 4),), dynamic_shapes=shapes)
    project = project_of("net.pt2", "pytorch", lambda path: torch.export.save(program, path))

    served = serve(project)

    assert served.score(input=ROWS) == close_to(predicted(program.module()))
    assert "array has size 1 on dimension #1" in served.refusal(input=[[1.0]])[1]
    assert f"torch=={torch.__version__.split('+')[0]}" in inspect_project(project).requirements.requirements


def test_a_pickled_module(project_of, serve, close_to):
    """A pickled module of PyTorch's own classes is served if the project allows pickles."""
    import torch  # noqa: PLC0415

    served = serve(project_of("net.pt", "pytorch", lambda path: torch.save(network(), path), "allow-pickle = true"))

    assert served.score(data=ROWS) == close_to(predicted(network()))
