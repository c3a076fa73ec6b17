from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.project.target import Target

A = "a" * 64
TARGET = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_36")
URL = "wheel-url @ https://h/wheel_url-1-py3-none-any.whl"
ASKED = Requirements(requirements=("numpy", "uvicorn[standard]>=0.30", URL), constraints=("click<9",))
BODY = "".join(
    f"{entry} \\\n    --hash=sha256:{A}\n    # via {needed_by}\n"
    for entry, needed_by in (
        ("click==8.1", "uvicorn"),
        ("numpy==1.26.4", "-r requirements.in"),
        ("uvicorn==0.34.0", "-r requirements.in"),
        (f"{URL}#sha256={A}", "-r requirements.in"),
    )
)
LOCK = with_header(BODY, ASKED, TARGET)


def asking(*requirements: str) -> Requirements:
    """Return what the lock was made for, with more requirements."""
    return Requirements(requirements=(*ASKED.requirements, *requirements))


def test_missing() -> None:
    """A lock without text is missing, and requiring it names the command that makes it."""
    state = check_lock(None, ASKED, TARGET)

    assert state == LockState(status="missing")
    with pytest.raises(LockError) as refused:
        state.require("locks/requirements.txt")
    assert str(refused.value) == ("locks/requirements.txt is missing.\nRun `mlpackage lock` and commit the result.")


@pytest.mark.parametrize("text", [LOCK, LOCK.replace("\n", "\r\n"), f"# our licence\n{LOCK}"])
def test_fresh(text: str) -> None:
    """A lock is fresh for the same inputs, also with other line endings or a comment above it."""
    state = check_lock(text, ASKED, TARGET)
    state.require("locks/requirements.txt")

    assert (state, state.usable) == (LockState(status="fresh"), True)


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        (asking("numpy>=1,<2"), TARGET),
        (asking("numpy==1.26.*", "uvicorn"), TARGET),
        (asking("scipy; python_version < '3.12'", "scipy; sys_platform == 'win32'"), TARGET),
        (asking("scipy; platform_machine == 'aarch64'"), TARGET),
        (asking("scipy; extra == 'x'"), TARGET),
        (replace(ASKED, constraints=("scipy<1", "numpy>1")), TARGET),
        (asking(f"{URL}#sha256={A}"), TARGET),
        (asking("wheel-url>=1"), TARGET),
        (replace(ASKED, options=("--pre",)), TARGET),
        (ASKED, replace(TARGET, libc="manylinux_2_41")),
    ],
)
def test_satisfied(asked: Requirements, target: Target) -> None:
    """A lock made from other inputs is usable, with a note, if it has a pin for every requirement."""
    state = check_lock(LOCK, asked, target)
    state.require("locks/requirements.txt")

    assert state == LockState(status="satisfied")
    assert state.describe("x.txt") == "x.txt was made from other inputs, and still satisfies every requirement."


@pytest.mark.parametrize(
    ("requirements", "constraints", "reasons"),
    [
        (("numpy>=2",), (), ("numpy>=2 is asked for, the lock has numpy 1.26.4",)),
        (
            ("scipy", "numpy==1.26.3"),
            (),
            ("scipy is asked for, the lock has no scipy", "numpy==1.26.3 is asked for, the lock has numpy 1.26.4"),
        ),
        (
            ('scipy; python_version >= "3.12"',),
            (),
            ('scipy; python_version >= "3.12" is asked for, the lock has no scipy',),
        ),
        (
            ("uvicorn[http,standard]", "numpy[x]"),
            (),
            (
                "uvicorn[http,standard] is asked for, the lock has uvicorn 0.34.0 without its extra http",
                "numpy[x] is asked for, the lock has numpy 1.26.4 without its extra x",
            ),
        ),
        ((), ("click<8",), ("click<8 is asked for, the lock has click 8.1",)),
        (
            ("wheel-url @ https://h/wheel_url-2-py3-none-any.whl",),
            (),
            (
                (
                    "wheel-url @ https://h/wheel_url-2-py3-none-any.whl is asked for, the lock has "
                    f"wheel-url @ https://h/wheel_url-1-py3-none-any.whl#sha256={A}"
                ),
            ),
        ),
        (
            (f"wheel-url @ https://h/wheel_url-1-py3-none-any.whl#sha256={'b' * 64}",),
            (),
            (
                (
                    f"wheel-url @ https://h/wheel_url-1-py3-none-any.whl#sha256={'b' * 64} is asked for, the lock has "
                    f"wheel-url @ https://h/wheel_url-1-py3-none-any.whl#sha256={A}"
                ),
            ),
        ),
        (
            ("numpy @ https://h/numpy-2-py3-none-any.whl",),
            (),
            ("numpy @ https://h/numpy-2-py3-none-any.whl is asked for, the lock has numpy 1.26.4",),
        ),
    ],
)
def test_stale(requirements: tuple[str, ...], constraints: tuple[str, ...], reasons: tuple[str, ...]) -> None:
    """Each requirement that the lock does not satisfy is named, with what the lock has."""
    assert check_lock(LOCK, replace(asking(*requirements), constraints=constraints), TARGET) == LockState(
        status="stale", reasons=reasons
    )


def test_stale_is_refused() -> None:
    """The error of a stale lock names the requirement and the command."""
    with pytest.raises(LockError) as refused:
        check_lock(LOCK, asking("numpy>=2"), TARGET).require("locks/requirements.txt")

    assert str(refused.value) == (
        "locks/requirements.txt is stale:\n  numpy>=2 is asked for, the lock has numpy 1.26.4\n"
        "Run `mlpackage lock` and commit the result."
    )


def test_a_later_schema_is_stale() -> None:
    """A lock with the schema of a later release is stale."""
    assert check_lock(LOCK.replace("schema=1", "schema=2"), ASKED, TARGET) == LockState(
        status="stale", reasons=("its schema is 2, this release reads 1",)
    )


@pytest.mark.parametrize(
    ("target", "reasons"),
    [
        (replace(TARGET, python="3.11"), ("it is for CPython 3.12, the image has 3.11",)),
        (replace(TARGET, platform="linux/arm64"), ("it is for linux/amd64, the image is for linux/arm64",)),
        (
            replace(TARGET, libc="manylinux_2_31"),
            ("its wheels may need manylinux_2_36, the image has manylinux_2_31",),
        ),
        (replace(TARGET, libc="musl"), ("its wheels may need manylinux_2_36, the image has musl",)),
    ],
)
def test_other_target(target: Target, reasons: tuple[str, ...]) -> None:
    """A lock for another Python or platform, or for a newer C library, is not used."""
    assert check_lock(LOCK, ASKED, target) == LockState(status="other-target", reasons=reasons)


EDITED = "it was edited by hand, or cut short, after it was written"
NO_HEADER = "its `# mlpackage-lock:` line is missing or cut short: mlpackage did not write it"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", NO_HEADER),
        (BODY, NO_HEADER),
        (LOCK[:120], NO_HEADER),
        (LOCK.replace("1.26.4", "1.26.3"), EDITED),
        (LOCK.replace("# via", "# with"), EDITED),
        (LOCK + "\n", EDITED),
        (LOCK[: LOCK.index("uvicorn==")], EDITED),
        (LOCK[:-3], "it ends in the middle of an entry: it was cut short"),
        (LOCK[: LOCK.index("uvicorn==") + 5], "line 9 is not a locked requirement: `uvico`"),
        (LOCK[: LOCK.index("uvicorn==") + 18], "line 9: uvicorn has no hash"),
        (LOCK.replace("numpy==1.26.4 \\", "numpy==1.26.4"), "line 6: numpy has no hash"),
        (LOCK.replace("click==", "<<<<<<< HEAD\nclick=="), "line 3 is a merge-conflict marker"),
        (LOCK.replace("# mlpackage", ">>>>>>> main\n# mlpackage"), "line 2 is a merge-conflict marker"),
    ],
)
def test_damaged(text: str, reason: str) -> None:
    """The reason of a damaged lock names what a person can see in the file."""
    assert check_lock(text, ASKED, TARGET) == LockState(status="damaged", reasons=(reason,))


def test_a_body_that_is_no_lock_is_damaged() -> None:
    """A valid header does not make a body usable that is not a lock."""
    state = check_lock(with_header("nonsense\n", ASKED, TARGET), Requirements(), TARGET)

    assert state == LockState(status="damaged", reasons=("line 3 is not a locked requirement: `nonsense`",))


TEXT = strategies.text(max_size=200)


@settings(max_examples=300, deadline=None)
@given(
    text=strategies.one_of(TEXT, TEXT.map(lambda text: with_header(text, ASKED, TARGET))),
    cut=strategies.integers(0, len(LOCK)),
)
def test_no_text_breaks_the_check(text: str, cut: int) -> None:
    """Any text gets a state from the check, and pins or a LockError from the reader."""
    for lock in (text, LOCK[:cut] + text + LOCK[cut:]):
        assert isinstance(check_lock(lock, Requirements(requirements=("numpy",)), TARGET), LockState)
        with contextlib.suppress(LockError):
            read_pins(lock)


def test_a_check_loads_nothing_heavy() -> None:
    """Reading and checking a lock neither opens a socket nor loads what only a resolver needs."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from hatch_mlpackage.errors import Problems\n"
        "from hatch_mlpackage.lock.asked.requirements import read_requirements\n"
        "from hatch_mlpackage.lock.pins.check import check_lock\n"
        "from hatch_mlpackage.project.target import Target\n"
        "asked = read_requirements(Path(), (), ('numpy',), Problems(), '')\n"
        "check_lock('', asked, Target(python='3.12', platform='linux/amd64', libc='musl'))\n"
        "heavy = {'socket', 'ssl', 'asyncio', 'tempfile', 'uv', 'pip', 'jinja2', 'hatch_mlpackage.lock.resolve.make'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    unmeasured = {**os.environ, "COVERAGE_PROCESS_CONFIG": ""}  # measuring coverage loads more modules
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=unmeasured)

    assert done.stdout == "[]\n"
