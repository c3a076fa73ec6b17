"""The locks of the server's environment, one for each Python."""

from __future__ import annotations

import json
import re
from pathlib import Path

import mlpackage_runtime
import pytest

REQUIREMENTS = Path(mlpackage_runtime.__file__).parents[1] / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
WANTED = {"httptools", "starlette", "uvicorn", "uvloop"}

# A context has the lock of its own Python alone, beside the runtime.
pytestmark = pytest.mark.skipif(not LOCKS, reason="a context's runtime has no folder of locks")


def test_there_is_a_lock_for_every_python() -> None:
    """Images may have any Python from 3.8 to 3.14."""
    assert {lock.stem for lock in LOCKS} == {f"3.{minor}" for minor in range(8, 15)}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_is_exact_and_hashed(lock) -> None:
    """Each requirement is `name==version` with at least two hashes, nothing else stands in the file."""
    text = re.sub(r"\\\n\s*", "", lock.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    pin = re.compile(r"([a-z0-9-]+)==[0-9.]+ ?( ?--hash=sha256:[0-9a-f]{64}){2,}")
    pinned = [pin.fullmatch(line.strip()) for line in lines]
    assert all(pinned), [line for line, found in zip(lines, pinned, strict=True) if not found]
    assert {found.group(1) for found in pinned if found} >= WANTED


def test_every_pin_has_its_licence() -> None:
    """The bill of materials has a licence for every pin, and for nothing else."""
    described = json.loads((REQUIREMENTS / "packages.json").read_text(encoding="utf-8"))
    pins = {pin for lock in LOCKS for pin in re.findall(r"(?m)^\S+==[^\s;\\]+", lock.read_text(encoding="utf-8"))}
    assert described.keys() == pins
    assert all(entry["license"] for entry in described.values())
