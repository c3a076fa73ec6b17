from __future__ import annotations

import pytest

from hatch_mlpackage.cli.progress import writing
from hatch_mlpackage.context.plan import ContextFile

BIG = ContextFile(path="azureml-models/big/1/weights.bin", layer="azureml-models/big/1", source=b"", size=64 << 20)
SMALL = ContextFile(path="Dockerfile", layer="build", source=b"", size=10)


def test_big_files_on_a_terminal(terminal):
    """A big file has a bar with its name while it is written; a small one is written before a bar could be read."""
    screen = terminal()

    with writing() as progress:
        progress(SMALL, 10)
        for _ in range(4):
            progress(BIG, 16 << 20)

    assert BIG.path in screen.getvalue()
    assert SMALL.path not in screen.getvalue()


@pytest.mark.parametrize("file", [BIG, SMALL])
def test_nothing_without_a_terminal(capsys, file):
    """In a pipe there is no progress to read."""
    with writing() as progress:
        progress(file, file.size)

    assert capsys.readouterr() == ("", "")
