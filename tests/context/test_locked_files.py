from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from hatch_mlpackage.context.locked_files import without_urls
from hatch_mlpackage.lock.inputs import read_inputs
from hatch_mlpackage.lock.locks import Locks

PLATFORM = "py3-none-any"


@pytest.fixture
def inputs(make_project, problems):
    """Give the inputs of a project whose wheelhouse holds wheels with similar names."""
    project = make_project({"wheelhouse": True})
    folder = project.root / "locks/wheels"
    folder.mkdir(parents=True)
    for name in ("Foo_Bar-2.0", "foo-1.0", "foo_bar_baz-3.0", "zope.interface-7.0"):
        (folder / f"{name}-{PLATFORM}.whl").write_text(name)
    return read_inputs(project, problems)


def hash_of(text: str) -> str:
    return f"--hash=sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def lock(*pins: tuple[str, str]) -> str:
    """Return a lock of pins, each with the hash of its wheel's text."""
    return "".join(f"{pin} \\\n    {hash_of(text)}\n    # via -r requirements.in\n" for pin, text in pins)


def test_urls_become_places_in_the_wheelhouse(inputs):
    """Each pin with a URL becomes its own wheel, found by its canonical name; other lines stay."""
    url = "https://host/a.whl"

    locked = lock(
        (f"foo @ {url}", "foo-1.0"),
        ("foo-bar==2.0", "Foo_Bar-2.0"),
        (f"foo-bar-baz[extra] @ {url} ; python_version >= '3.8'", "foo_bar_baz-3.0"),
        (f"zope.interface @ {url}", "zope.interface-7.0"),
    )

    assert without_urls(replace(inputs, locks=Locks(requirements=locked))) == lock(
        (f"./wheels/foo-1.0-{PLATFORM}.whl", "foo-1.0"),
        ("foo-bar==2.0", "Foo_Bar-2.0"),
        (f"./wheels/foo_bar_baz-3.0-{PLATFORM}.whl ; python_version >= '3.8'", "foo_bar_baz-3.0"),
        (f"./wheels/zope.interface-7.0-{PLATFORM}.whl", "zope.interface-7.0"),
    )
