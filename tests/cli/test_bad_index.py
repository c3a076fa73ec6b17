"""Check what `mlpackage lock` prints for each answer of an index, its exit status, and that no file changes.

test_lock.py checks the answers of registries, with a real one.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

import pytest

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SHA = "a" * 64
LOCK_TITLE = "Error[lock]: The lock cannot be used"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Hold the requirements, the state of the index, and the message and exit status that the program ends with.

    The resolver's own words, with `reason` in them, stand between the first lines and the last.
    """

    dependencies: tuple
    status: int
    first: str
    reason: str
    last: str
    index: dict = field(default_factory=dict)
    address: str = "http://{address}/simple"


CANNOT = f"{LOCK_TITLE}:\n  The requirements cannot be locked for CPython {HERE} on linux/amd64 (manylinux_2_36):\n"

OUTSIDE = "Error[unavailable]: Something outside is missing or failed:\n  The package index could not be asked:\n"


def cannot(dependencies, reason, last):
    return Asked(dependencies=dependencies, status=1, first=CANNOT, reason=reason, last=last)


def outside(last, **settings):
    return Asked(dependencies=("alpha",), status=4, first=OUTSIDE, reason="", last=last, **settings)


REFUSED = "The index refuses: give the resolver credentials for it in ~/.netrc, keyring or its own variables."

SHORT = 16  # lines of an error

CHECK = "Check the network and the index's URL, and try again."

ASKED = {
    "no solution": cannot(
        ("alpha==1.0", "beta<2"),
        "beta",
        "This can be locked: beta==2.0 in place of beta<2.",
    ),
    "no such package": cannot(
        ("nosuch",),
        "nosuch",
        "None of the indexes has a wheel of it: check the spelling, and that the index which has it is set, in "
        "the settings of uv or pip, or by --extra-index-url in a requirements file.",
    ),
    "no wheel": cannot(("gamma",), "gamma", ""),
    "another file": Asked(
        dependencies=(f"alpha @ http://{{address}}/files/alpha-1.0-py3-none-any.whl#sha256={SHA}",),
        status=1,
        first=f"{LOCK_TITLE}:\n  The file at the URL of alpha is not the one you named: sha256 {SHA} is asked for, ",
        reason="it has sha256:",
        last="Correct the URL or its `#sha256=`.",
    ),
    "index down": outside(CHECK, address="http://user:s3cret@127.0.0.1:1/simple"),
    "index broken": outside(CHECK, index={"status": 503}),
    "forbidden": outside(REFUSED, index={"status": 403}),
    "no login": outside(REFUSED, index={"password": "s3cret"}),
    "wrong login": outside(REFUSED, index={"password": "s3cret"}, address="http://user:guessed@{address}/simple"),
}


@pytest.fixture
def index(start_index):
    """Serve alpha, which needs beta 2 or newer, two versions of beta, and gamma, which has only an sdist."""
    index = start_index()
    index.add("alpha", "1.0", "beta>=2")
    index.add("beta", "1.0")
    index.add("beta", "2.0")
    index.add_source("gamma", "1.0")
    return index


@pytest.mark.parametrize("locker", ["uv", "pip-tools"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
def test_what_an_index_answers(copy_project, tmp_path, asked, locker, index, run, everything, change):
    """The error names what cannot be resolved and quotes the resolver's reason, and no file changes."""
    root = copy_project("minimal")
    for name, value in asked.index.items():
        setattr(index, name, value)
    listed = ", ".join(f'"{text.format(address=index.address)}"' for text in asked.dependencies)
    change(root / "pyproject.toml", '"idna>=3.7"', listed)
    keys = f'pin-base-image = false\nlocker = "{locker}"\npython-version = "{HERE}"'
    change(root / "pyproject.toml", "[tool.mlpackage]", f"[tool.mlpackage]\n{keys}")
    before = everything(root)

    ended = run("lock", cwd=root, **machine(tmp_path, asked.address.format(address=index.address)))

    told = ended.stderr[ended.stderr.index("Error") :]
    assert (ended.returncode, ended.stdout) == (asked.status, "")
    assert told.startswith(asked.first)
    assert asked.reason in told[len(asked.first) :]
    assert told.endswith(f"{asked.last}\n")
    assert len(told.splitlines()) <= SHORT
    assert not [word for word in ("Traceback", "s3cret", "guessed", "requirements.in") if word in ended.stderr]
    assert everything(root) == before


def machine(home, index):
    """Give the environment of a machine that knows one index and keeps no caches of earlier runs."""
    unset = {name: "" for name in os.environ if name.startswith(("PIP_", "UV_"))}
    return {
        **unset,
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index,
        "PIP_RETRIES": "0",
        "UV_CACHE_DIR": str(home / "uv-cache"),
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
    }
