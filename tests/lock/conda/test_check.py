"""Checking a conda lock against what is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.check import check_conda_lock
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.pins.check import LockState
from hatch_mlpackage.lock.pins.header import digest

ASKED = ("python 3.12.*", "conda-forge::greeting", "gpu")


def test_a_lock_of_another_tool(asking, lock):
    """The packages of another tool's lock are taken without solving and without a channel."""
    line = f"https://channel.example/noarch/tzdata-2024a-0.conda#{'b' * 32}"
    asked = asking(channel=None, file=CondaFile(path="x.lock", kind="locked", specs=(Line(2, line),)))
    text = lock(asked)

    assert text.splitlines()[2:] == ["# platform: linux-64", "@EXPLICIT", line]
    assert check_conda_lock(text, asked) == LockState(status="fresh")
    other = replace(asked, file=replace(asked.file, specs=(Line(2, line), Line(3, line.replace("tzdata", "x")))))
    assert check_conda_lock(text, other) == LockState(status="stale", reasons=("x.lock:3 is not in it",))


def test_states(asking, lock):
    """A lock is fresh, satisfied, stale, for another image, damaged or missing, each with its reasons."""
    asked = asking(*ASKED)
    text = lock(asked)

    assert check_conda_lock(None, asked) == LockState(status="missing")
    assert check_conda_lock(text.replace("\n", "\r\n"), asked) == LockState(status="fresh")
    assert check_conda_lock(text, asking("greeting >=1", "gpu * cpu")) == LockState(status="satisfied")
    assert check_conda_lock(text, asking("greeting >1", "gpu * cuda*", "flask")) == LockState(
        status="stale",
        reasons=(
            "greeting >1 is asked for, the lock has greeting 1.0",
            "gpu * cuda* is asked for, the lock has gpu 1",
            "flask is asked for, the lock has no flask",
        ),
    )
    assert check_conda_lock(text, asking(*ASKED, channel=None)) == LockState(
        status="stale", reasons=("its packages do not come from conda-channel",)
    )
    assert check_conda_lock(text, asking(*ASKED, libc="manylinux_2_31")) == LockState(
        status="other-target", reasons=("its wheels may need manylinux_2_36, the image has manylinux_2_31",)
    )
    assert check_conda_lock(text.replace("gpu-1", "gpu-2"), asked) == LockState(
        status="damaged", reasons=("it was edited by hand, or cut short, after it was written",)
    )
    assert check_conda_lock(text.replace("@EXPLICIT", "<<<<<<< HEAD"), asked) == LockState(
        status="damaged", reasons=("line 8 is a merge-conflict marker",)
    )
    assert check_conda_lock(f"{text}numpy=1.2\n", asked).reasons == (
        "line 13 is not a locked conda package: `numpy=1.2`",
    )


URL = "https://server.example/conda-forge"
BODY = (
    "# platform: linux-64\n"
    "@EXPLICIT\n"
    f"{URL}/linux-64/python-3.12.4-h_cpython.conda#sha256:{'a' * 64}\n"
    f"{URL}/noarch/greeting-1.0-pyhd8_0.conda#sha256:{'b' * 64}\n"
)
PACKAGE = f"noarch/evil-1.0-0.conda#sha256:{'c' * 64}"

# Each: a text of the lock, what an attacker puts in its place, and what is said of it.
CHANGES = {
    "another server": (URL, "https://evil.example/conda-forge", ""),
    "one package of another server": (
        f"{URL}/noarch",
        "https://evil.example/conda-forge/noarch",
        "its packages of the channels without a URL are from several servers: https://evil.example, https://server.example",
    ),
    "another channel": (
        f"{URL}/noarch",
        "https://server.example/evil/noarch",
        "line 6: greeting-1.0-pyhd8_0.conda is not from a channel that environment.yml names",
    ),
    "no TLS": (
        "https://server.example/conda-forge/noarch",
        "http://server.example/conda-forge/noarch",
        "line 6: greeting-1.0-pyhd8_0.conda is not from a channel that environment.yml names",
    ),
    "another platform": (
        "linux-64/python",
        "osx-64/python",
        "line 5: python-3.12.4-h_cpython.conda is for osx-64, the image is linux-64",
    ),
    "an older version": ("python-3.12.4", "python-3.11.4", "python 3.12.* is asked for, the lock has python 3.11.4"),
    "no package": (f"{URL}/noarch/greeting", f"{URL}/noarch/evil", "greeting is asked for, the lock has no greeting"),
    "two of one name": (
        f"{URL}/noarch",
        f"{URL}/noarch/greeting-0.1-0.conda#{'c' * 32}\n{URL}/noarch",
        "line 7: greeting is locked again, after line 6",
    ),
    "a package for pip": (
        "@EXPLICIT",
        "#  pip evil @ https://evil.example/evil-1-py3-none-any.whl\n@EXPLICIT",
        "line 4 is not a locked conda package: `#  pip evil @ https://evil.example/evil-1-py3-none-any.whl`",
    ),
    "credentials": (
        URL,
        "https://user:s3cret@server.example/conda-forge",
        "line 5 holds credentials: `https://****@server.example/conda-forge/linux-64/python-3.12.4-h_cpython.conda#s",
    ),
    "a token": (
        URL,
        "https://server.example/t/s3cret/conda-forge",
        "line 5: the URL of python-3.12.4-h_cpython.conda holds credentials",
    ),
    "a variable": (
        URL,
        "https://${TOKEN}/conda-forge",
        "line 5: the URL of python-3.12.4-h_cpython.conda holds credentials",
    ),
    "no hash": (f"#sha256:{'b' * 64}", "", f"line 6 is not a locked conda package: `{URL}/noarch/greeting-1.0-p"),
    "half a hash": (
        "b" * 64,
        "b" * 40,
        f"line 6 is not a locked conda package: `{URL}/noarch/greeting-1.0-pyhd8_0.conda#sha256:",
    ),
    "a line separator": ("@EXPLICIT", f"# \u2028{URL}/{PACKAGE}\n@EXPLICIT", "line 4 has the character U+2028, which"),
    "a second mark": ("@EXPLICIT", "@EXPLICIT evil", "line 4 is not a locked conda package: `@EXPLICIT evil`"),
}


@pytest.mark.parametrize(("old", "new", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_lock_is_refused(asking, old, new, said):
    """A lock whose digests were written anew is refused with the line; the server of a named channel is not known."""
    asked = asking("python 3.12.*", "greeting", channel=None)
    head = "# Locked for linux-64\n# mlpackage-lock: schema=1 python=3.12 platform=linux/amd64 libc=manylinux_2_36 "
    assert old in BODY
    body = BODY.replace(old, new)

    state = check_conda_lock(f"{head}inputs={asked.digest()} body={digest(body)}\n{body}", asked)

    assert state.usable is not bool(said)
    assert (said in "\n".join(state.reasons), "s3cret" in "".join(state.reasons)) == (True, False)


def test_a_changed_copy_of_another_lock_is_refused(asking):
    """A copy of another tool's lock has its packages and no others."""
    lines = [line for line in BODY.splitlines() if line.startswith("https:")]
    specs = tuple(Line(number, line) for number, line in enumerate(lines, 1))
    asked = asking(channel=None, file=CondaFile(path="x.lock", kind="locked", specs=specs))
    head = "# Locked\n# mlpackage-lock: schema=1 python=3.12 platform=linux/amd64 libc=manylinux_2_36 "
    body = f"{BODY}{URL}/{PACKAGE}\n"

    assert check_conda_lock(f"{head}inputs={asked.digest()} body={digest(body)}\n{body}", asked) == LockState(
        status="stale", reasons=("line 7: evil-1.0-0.conda is not in x.lock",)
    )


def test_a_spec_in_brackets(asking, lock):
    """What a spec asks for in brackets is not in a lock: it is met by a lock that was made for the same specs."""
    asked = asking("greeting [build=pyhd8_0]")

    assert check_conda_lock(lock(asked), asked) == LockState(status="fresh")
    assert check_conda_lock(lock(asking("greeting")), asked) == LockState(
        status="stale", reasons=("greeting [build=pyhd8_0] is asked for, the lock has greeting 1.0",)
    )
