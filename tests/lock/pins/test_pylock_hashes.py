from __future__ import annotations

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.pins.pins import Pin
from hatch_mlpackage.lock.pins.pylock_hashes import not_in_pylock

A, B = "a" * 64, "b" * 64
PYLOCK = f"""
lock-version = "1.0"
created-by = "test"
[[packages]]
name = "alpha"
version = "1.0.0"
wheels = [{{ name = "alpha-1.0-py3-none-any.whl", url = "https://h/x", hashes = {{ sha256 = "{A}" }} }}]
[[packages]]
name = "be.ta"
wheels = [{{ url = "https://h/be_ta-2.0-py3-none-any.whl", hashes = {{ sha256 = "{B}" }} }}]
[[packages]]
name = "lib"
directory = {{ path = "." }}
"""


def pin(name: str, version: str, *digests: str) -> Pin:
    return Pin(name=name, version=version, url=None, hashes=tuple(f"sha256:{digest}" for digest in digests), line=3)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (pin("alpha", "1.0", A), []),
        (pin("be-ta", "2.0", B), []),
        (pin("alpha", "1.1", A), ["pylock.toml has no alpha 1.1 (line 3)"]),
        (pin("evil", "1.0", A), ["pylock.toml has no evil 1.0 (line 3)"]),
        (pin("lib", "1.0", A), ["pylock.toml has no lib 1.0 (line 3)"]),
        (pin("alpha", "1.0", B), ["pylock.toml has other hashes of alpha 1.0 (line 3)"]),
        (pin("alpha", "1.0", A, B), ["pylock.toml has other hashes of alpha 1.0 (line 3)"]),
    ],
)
def test_pins_are_compared(found: Pin, said: list[str]) -> None:
    """A pin that the file lacks, or has with other hashes, is named."""
    assert list(not_in_pylock(PYLOCK.encode(), "pylock.toml", (found,))) == said


def test_a_lock_of_uv() -> None:
    """The hashes in a uv.lock are found, too."""
    wheel = f'{{ url = "https://h/alpha-1.0-py3-none-any.whl", hash = "sha256:{A}" }}'
    text = f'[[package]]\nname = "alpha"\nversion = "1.0"\nwheels = [{wheel}]\n'
    pins = (pin("alpha", "1.0", A), pin("alpha", "1.0", B), pin("beta", "1.0", A))

    assert list(not_in_pylock(text.encode(), "uv.lock", pins)) == [
        "uv.lock has other hashes of alpha 1.0 (line 3)",
        "uv.lock has no beta 1.0 (line 3)",
    ]


@pytest.mark.parametrize("text", ["", "[[packages]]\nname = 1\nwheels = [1]", "packages = 1", "packages = [1]", "\0"])
def test_no_pylock(text: str) -> None:
    """A text that is not such a file is an error."""
    with pytest.raises(LockError, match=r"^pylock\.toml is no pylock file: "):
        list(not_in_pylock(text.encode(), "pylock.toml", ()))
