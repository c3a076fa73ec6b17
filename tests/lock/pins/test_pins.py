from __future__ import annotations

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.resources import runtime_directory, server_lock_path
from hatch_mlpackage.lock.pins.pins import Pin, locked_versions, read_lines, read_pins
from hatch_mlpackage.project.target import OLD_PYTHONS, SUPPORTED_PYTHONS

A, B = "a" * 64, "b" * 64


def test_read_pins() -> None:
    """Entries in either resolver's style are read, with options and comments between them."""
    text = (
        "# header\n--extra-index-url https://host/simple\n"
        f"alpha==1.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n    # via -r requirements.in\n"
        f"Beta_b[x]==2!1.0+cpu ; python_version < '3' --hash=sha256:{A}\n"
        f"gamma @ https://host/gamma-1-py3-none-any.whl#sha256={A} \\\n    --hash=sha256:{A}\n"
    )

    assert read_pins(text) == (
        Pin(name="alpha", version="1.0", url=None, hashes=(f"sha256:{A}", f"sha256:{B}"), line=3),
        Pin(
            name="beta-b",
            version="2!1.0+cpu",
            url=None,
            hashes=(f"sha256:{A}",),
            line=7,
            marker="python_version < '3'",
        ),
        Pin(
            name="gamma",
            version=None,
            url=f"https://host/gamma-1-py3-none-any.whl#sha256={A}",
            hashes=(f"sha256:{A}",),
            line=8,
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# x\nalpha==1.0\n", "line 2: alpha has no hash"),
        ("alpha>=1.0 --hash=sha256:" + A, f"line 1 is not a locked requirement: `alpha>=1.0 --hash=sha256:{A[:55]}`"),
        ("alpha==1.0 --hash=sha256:12", "line 1 is not a locked requirement: `alpha==1.0 --hash=sha256:12`"),
        (
            "alpha==1.0 --hash=md5:" + "0" * 32,
            f"line 1 is not a locked requirement: `alpha==1.0 --hash=md5:{'0' * 32}`",
        ),
        ("-e .", "line 1 is not a locked requirement: `-e .`"),
        ("alpha==wrong --hash=sha256:" + A, "line 1: alpha's version `wrong` is not one"),
    ],
)
def test_refused(text: str, message: str) -> None:
    """An entry that cannot be installed by hash is refused with its line."""
    with pytest.raises(LockError) as refused:
        read_pins(text)

    assert str(refused.value) == message


def test_locked_versions() -> None:
    """Only names and versions count in an earlier lock, even in one of two halves; of two versions neither counts."""
    mine = f"<<<<<<< mine\nalpha==1.0 \\\n --hash=sha256:{A}\ngamma==1\n"
    theirs = "=======\nalpha==1.0\nBeta_x==2\ngamma==2\n>>>>>>>\n--pre\n# delta==1\n"

    assert locked_versions(mine + theirs) == {"alpha": "1.0", "beta-x": "2"}
    assert locked_versions(None) == {}


@pytest.mark.parametrize("python", [it for it in SUPPORTED_PYTHONS if it not in OLD_PYTHONS])
def test_the_servers_locks_are_read_as_strictly(python: str) -> None:
    """The locks that come with this package have pins with hashes, and no options."""
    lines = read_lines(server_lock_path(runtime_directory(), python).read_text(encoding="utf-8"))

    assert (lines.options, {pin.name for pin in lines.pins} >= {"starlette", "uvicorn"}) == ((), True)
