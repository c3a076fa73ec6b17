from __future__ import annotations

from hatch_mlpackage.lock.changes import Change, lock_changes
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.project.config.keys import Config

PIP, CONDA = "locks/requirements.txt", "locks/conda-linux-64.lock"
A, B = f"--hash=sha256:{'a' * 64}", f"--hash=sha256:{'b' * 64}"


def conda(*files: str) -> str:
    lines = (f"https://conda.anaconda.org/conda-forge/linux-64/{file}.conda#{'0' * 64}\n" for file in files)
    return f"@EXPLICIT\n{''.join(lines)}"


def changes(before: Locks, after: Locks, **why: str) -> list[str]:
    return [f"{change.lock}: {change}" for change in lock_changes(Config(), before, after, why)]


def test_each_kind_of_change() -> None:
    """Packages that come, go or move are listed by name, with the reasons that are known, pip's before conda's."""
    before = Locks(
        requirements=f"alpha==1.9.1 {A}\nbeta==1.0 {A}\ngone==1.0 {A}\n",
        conda=conda("numpy-1.26.4-py312_0", "zlib-1.3-h1_0"),
    )
    after = Locks(
        requirements=f"alpha==1.9.0 {A}\nbeta==1.0 {B}\nnew @ https://h/new-1.0-py3-none-any.whl {A}\n",
        conda=conda("numpy-1.26.4-py312_1", "zlib-1.3-h1_0"),
    )

    assert changes(before, after, alpha="alpha<1.9.1 is asked for") == [
        f"{PIP}: alpha 1.9.1 → 1.9.0: alpha<1.9.1 is asked for",
        f"{PIP}: gone 1.0 removed",
        f"{PIP}: new https://h/new-1.0-py3-none-any.whl added",
        f"{CONDA}: numpy 1.26.4 py312_0 → 1.26.4 py312_1",
    ]


def test_a_wheel_that_is_built_anew() -> None:
    """A wheel beside the lock changes with its hash, even where its version stays."""
    before, after = (Locks(requirements=f"./wheels/lib-1.0-py3-none-any.whl {digest}\n") for digest in (A, B))

    assert lock_changes(Config(), before, after, {}) == (
        Change(name="lib", before="1.0", after="1.0", lock=PIP, why="its wheel was built anew"),
    )


def test_the_first_lock_and_the_last() -> None:
    """Without a lock before, all is new; the same lock twice has no changes."""
    lock = Locks(requirements=f"alpha==1.0 {A}\n", conda=conda("zlib-1.3-h1_0"))

    assert changes(Locks(), lock) == [f"{PIP}: alpha 1.0 added", f"{CONDA}: zlib 1.3 h1_0 added"]
    assert changes(lock, lock) == []


def test_a_damaged_lock() -> None:
    """Of a lock that cannot be parsed, the lines that can be read are compared."""
    before = Locks(requirements=f"<<<<<<< mine\nalpha==1.0 {A}\nbeta==1.0 {A}\n", conda="@EXPLICIT\nhalf a line\n")

    assert changes(before, Locks(requirements=f"alpha==2.0 {A}\nbeta==1.0 {A}\n")) == [f"{PIP}: alpha 1.0 → 2.0"]
