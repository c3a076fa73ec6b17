"""Environments are made once, and the reason is told when one cannot be made."""

from __future__ import annotations

import environments
import pytest
from environments import Environment, NotInstalledError, install

pytestmark = pytest.mark.environments


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Give a function that makes the server's environment of some requirements."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)

    def make(*requirements):
        made = Environment(requirements=requirements, distribution="uvicorn")
        monkeypatch.setitem(environments.ENVIRONMENTS, "server", made)
        return install("server")

    return make


def test_made_once(server, tmp_path):
    """An environment is kept as long as it is made of the same things."""
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "other.txt").write_text("")
    mark = server("-r", str(tmp_path / "empty.txt")) / "made-once"
    mark.touch()

    server("-r", str(tmp_path / "empty.txt"))
    assert mark.exists()
    server("-r", str(tmp_path / "other.txt"))
    assert not mark.exists()


def test_what_cannot_be_installed(server):
    """The reason names what cannot be installed, and nothing counts as made."""
    for _ in range(2):
        with pytest.raises(NotInstalledError, match=r"not-there\.txt"):
            server("-r", "not-there.txt")
