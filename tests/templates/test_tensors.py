"""Projects around a user's own PyTorch model answer their sample as the model does, and pass their own tests."""

from __future__ import annotations

import json

import pytest

from hatch_mlpackage.project.pyproject import load_project

torch = pytest.importorskip("torch", reason="tox -e templates brings PyTorch")
pytestmark = [
    pytest.mark.templates,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),  # many models are still in this format
]


class Words(torch.nn.Module):
    """Score a fixed number of words by their numbers, and return two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.meanings = torch.nn.Embedding(10, 4)

    def forward(self, words: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        meanings = self.meanings(words)
        return meanings.sum(-1) * weights, meanings.mean(-1)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(), torch.nn.Linear(3, 2)).train()


def save_words(path):
    torch.manual_seed(0)
    model = Words().eval()
    program = torch.export.export(model, (torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3)))
    torch.export.save(program, path)
    return lambda words, weights: [part.tolist() for part in model(torch.tensor(words), torch.tensor(weights))]


def save_program(path):
    model = network().eval()
    shapes = {"input": {0: torch.export.Dim("rows", max=64)}}
    torch.export.save(torch.export.export(model, (torch.zeros(2, 4),), dynamic_shapes=shapes), path)
    return lambda data: model(torch.tensor(data)).tolist()


def save_script(path):
    """Save a module in the mode of training, in which it would answer at random."""
    torch.jit.script(network()).save(path)
    return lambda data: network().eval()(torch.tensor(data)).tolist()


def save_pickle(path):
    torch.save(network(), path)
    return lambda data: network().eval()(torch.tensor(data)).tolist()


@pytest.mark.parametrize(
    ("file", "save", "flags"),
    [
        ("net.pt2", save_program, ()),
        ("words.pt", save_words, ()),
        ("net.pt", save_script, ("--features", "4")),
        ("net.pt", save_pickle, ("--features", "4")),
    ],
)
def test_the_sample_is_answered(tmp_path, monkeypatch, mlpackage, serve, succeed, close_to, file, save, flags):
    """Whatever PyTorch's format is, the service answers the project's sample, and the project's tests pass."""
    monkeypatch.chdir(tmp_path)
    predict = save(tmp_path / file)

    outcome = mlpackage("new", "around", "--model", file, *flags, "--no-input", "--no-lock")

    assert (outcome.status, outcome.err) == (0, "")
    project = tmp_path / "around"
    request = json.loads((project / "src/sample.json").read_text())
    with torch.inference_mode():
        expected = predict(*request.values())
    assert serve(load_project(project)).score(**request) == close_to(expected)
    for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["pytest", "-p", "no:cacheprovider"]):
        succeed(project, "-m", *tool)
