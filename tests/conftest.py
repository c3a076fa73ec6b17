from __future__ import annotations

import os
import signal

import pytest

# Plugins, so that no test imports a module of another. Some environments test the runtime alone: what these modules
# need of the package, they import in their fixtures.
pytest_plugins = (
    "tests.fixtures.command_line",
    "tests.fixtures.comparison",
    "tests.fixtures.conda_channel",
    "tests.fixtures.package_index",
    "tests.fixtures.projects",
    "tests.fixtures.pythons",
    "tests.fixtures.registry",
    "tests.fixtures.service",
    "tests.fixtures.web",
)

# A shell makes tests in the background ignore Ctrl-C, and every program that they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what was made over what was expected")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide a surrounding Hatch environment from the tests, and leave the user's cache alone.

    A test's project may have tests of its own, whose temporary files go among those of this run.
    """
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("HATCH_ENV_ACTIVE", "")
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(base / "cache"))
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(base))
    for name in [name for name in os.environ if name.startswith(("HATCH_BUILD", "SOURCE_DATE_EPOCH"))]:
        monkeypatch.delenv(name)
