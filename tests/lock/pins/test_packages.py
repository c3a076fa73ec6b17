from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.pins.packages import LockedPackage, other_hashes, packages_of, packages_to_json
from hatch_mlpackage.lock.pins.pins import Pin

A, B = "a" * 64, "b" * 64
PIN = Pin(name="alpha", version="1.0", url=None, hashes=(f"sha256:{A}",), line=3)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("wheel", 1),
        ("wheel", "a\nb"),
        ("sha256", "A" * 64),
        ("sha256", f"{A}\n"),
        ("license", None),
        ("license", "\x1b[2J"),
        ("tags", "py3-none-any"),
        ("tags", ["py3"]),
        ("tags", [1]),
        ("size", "1"),
        ("size", -1),
        ("size", True),
        ("modules", {"a": 1}),
        ("modules", ["a\0"]),
    ],
)
def test_entries_of_another_shape(key: str, value: object) -> None:
    """A file with a value that nothing writes is damaged, and the error names the value and the package."""
    content = json.dumps({"alpha==1.0": {key: value}}).encode()

    with pytest.raises(LockError) as refused:
        packages_of((PIN,), content)

    assert str(refused.value) == (
        f"packages.json is damaged: the {key} of alpha==1.0 is not one.\nRun `mlpackage lock` and commit the result."
    )


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({}, []),
        ({"alpha==1.0": {}}, []),
        ({"alpha==1.0": {"sha256": ""}}, []),
        ({"alpha==1.0": {"sha256": A}}, []),
        ({"alpha==2.0": {"sha256": B}}, []),
        (
            {"alpha==1.0": {"sha256": B}},
            [f"alpha 1.0 (line 3) has not the hash that packages.json has for it, sha256:{B}"],
        ),
    ],
)
def test_the_hash_that_was_found(entries: dict, said: list[str]) -> None:
    """A pin without the hash of the wheel that was found for it is named."""
    assert list(other_hashes((PIN,), json.dumps(entries).encode())) == said


@pytest.mark.parametrize(
    ("entry", "modules"),
    [
        ({"modules": ["a"], "size": 1}, ("a",)),
        ({"modules": [], "size": 1}, ()),
        ({"modules": []}, None),
        ({"modules": [], "size": 0}, None),
        ({"size": 1}, None),
        ({}, None),
    ],
)
def test_no_modules_and_unknown_modules(entry: dict, modules: object) -> None:
    """A wheel that was read may have no modules; those of a wheel that was not read are unknown, in old locks too."""
    (package,) = packages_of((PIN,), json.dumps({"alpha==1.0": {"sha256": A, **entry}}).encode())

    assert package.modules == modules
    assert packages_of((PIN,), packages_to_json([package]).encode())[0].modules == modules


TEXT = st.text(st.characters(), max_size=20)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    wheel=TEXT,
    sha256=st.sampled_from(["", A, A.upper(), "x"]),
    license=TEXT,
    tags=st.lists(st.sampled_from(["py3-none-any", "x-any", "a-\n-any"]), max_size=2).map(tuple),
    size=st.integers(-2, 1 << 40),
    modules=st.none() | st.lists(TEXT, max_size=2).map(tuple),
)
def test_whatever_is_written_is_read(**said: object) -> None:
    """The reader takes every file that the writer writes, with all values that it accepts from anyone."""
    written = packages_to_json([LockedPackage(name="alpha", version="1.0", **said)]).encode()  # type: ignore[arg-type]

    (package,) = packages_of((PIN,), written)

    assert package.license == (said["license"] if str(said["license"]).isprintable() else "")
