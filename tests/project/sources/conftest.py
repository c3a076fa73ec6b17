from __future__ import annotations

import pytest

from hatch_mlpackage.project.sources.check import Sources, check_sources
from hatch_mlpackage.project.sources.environment import Distribution, ImageEnvironment
from hatch_mlpackage.project.sources.tree import Packed

LOCKED = {
    "numpy": ("2.1.0", "numpy"),
    "scikit-learn": ("1.5.0", "sklearn"),
    "joblib": ("1.4.0", "joblib"),
    "pandas": ("2.2.0", "pandas"),
    "google-auth": ("2.0", "google.auth google.oauth2"),
    "torch": ("2.5.0", "torch torchgen"),
}


def environment(*, python="3.12", unknown=(), libraries=(), closed=True, **versions):
    """Make an environment of the table above, with distributions of `unknown` modules, and others that have none."""
    found = [
        Distribution(name=name, version=versions.get(name, version), modules=tuple(modules.split()))
        for name, (version, modules) in LOCKED.items()
    ]
    found += [Distribution(name=name, version="1.0") for name in unknown]
    found += [Distribution(name=name, version="1.0", modules=()) for name in libraries]
    return ImageEnvironment(python=python, distributions={one.name: one for one in found}, closed=closed)


@pytest.fixture
def check(tmp_path):
    """Give a function that checks the script `score.py`; each finding is (where, level, code, what, fix).

    `locked` changes the environment: other versions, `unknown` distributions, another `python`, or `closed` as False.
    """

    def run(script, locked=None, *, files=None, beside=None, models=None, source="", asked=None, entry="score.py"):
        written = {entry: script, **(files or {})}
        for name, text in {**written, **(beside or {})}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        locked_to = environment(**(locked or {}))
        sources = Sources(
            root=tmp_path,
            files=tuple(Packed(path=name, shown=name, source=tmp_path / name) for name in written),
            entry=entry,
            source_directory=source,
            python=locked_to.python,
            models=models or {},
            asked=asked or {},
            needed=frozenset({"numpy"}),
        )
        problems = check_sources(sources, locked_to)
        return [(it.where, it.level, it.code, it.what, it.fix) for it in problems]

    return run
