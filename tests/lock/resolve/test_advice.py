"""Failures of requirements whose next step is known or is looked for; each step is taken, and then works."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve.make import make_lock, resolve_again
from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    from hatch_mlpackage.lock.asked.requirements import Requirements

    PackageIndex = Any

TARGET = Target(python="3.11", platform="linux/amd64", libc="manylinux_2_28")
OLD = "cp37-cp37m-manylinux2014_x86_64"


@pytest.fixture
def locked(asking: Callable[..., Requirements], quiet: Callable[..., None]) -> Callable[..., dict[str, str | None]]:
    """Give a function that locks requirements and returns the pins."""

    def lock(*asked: str) -> dict[str, str | None]:
        text = make_lock(asking(*asked), TARGET, report=quiet).text
        return {pin.name: pin.version for pin in read_pins(text)}

    return lock


def test_versions_that_can_be_locked(index: PackageIndex, locked: Callable[..., dict[str, str | None]]) -> None:
    """All pins without a wheel for the image are named at once, with the nearest versions that have one."""
    for name in ("alpha", "beta"):
        index.add(name, "1.0", tag=OLD)
        for version in ("1.2", "2.0"):
            index.add(name, version)
    index.add("alpha", "1.1", "gone==1", tag=OLD)
    index.add("gamma", "3.0")

    with pytest.raises(LockError) as failure:
        locked("alpha==1.0", "beta~=1.0.0", "gamma<4")

    fix = str(failure.value).splitlines()[-1]
    assert fix == "This can be locked: alpha==1.2 in place of alpha==1.0, beta==1.2 in place of beta~=1.0.0."
    named = re.findall(r"\S+==\S+(?= in place)", fix)
    assert locked(*named, "gamma<4") == {"alpha": "1.2", "beta": "1.2", "gamma": "3.0"}


def test_a_pin_whose_own_requirement_has_no_wheel(
    index: PackageIndex, locked: Callable[..., dict[str, str | None]]
) -> None:
    """As with inference-schema 1.3.0, whose wrapt has no wheel: a version that needs another one is named."""
    index.add_source("wrapt", "1.12")
    index.add("wrapt", "1.16")
    index.add("inference_schema", "1.3.0", "wrapt<=1.12")
    index.add("inference_schema", "1.8", "wrapt")

    with pytest.raises(LockError) as failure:
        locked("inference-schema[x]==1.3.0")

    assert str(failure.value).splitlines()[-3:] == [
        (
            "  hint: Wheels are required for `wrapt` because building from source is disabled for all packages "
            "(i.e., with `--no-build`)"
        ),
        "This can be locked: inference-schema[x]==1.8 in place of inference-schema[x]==1.3.0.",
        (
            "wrapt 1.12 has no wheel for the image, only a source archive. If you trust it, add it to "
            "build-from-source in [tool.mlpackage], and `mlpackage lock` builds its wheel, which runs code of it: "
            'build-from-source = ["wrapt"], or --build-from-source wrapt'
        ),
    ]
    assert locked("inference-schema[x]==1.8") == {"inference-schema": "1.8", "wrapt": "1.16"}


@pytest.mark.parametrize(("module", "name"), [("sklearn", "scikit-learn"), ("pil", "pillow"), ("yaml", "pyyaml")])
def test_the_name_of_a_module(
    index: PackageIndex, locked: Callable[..., dict[str, str | None]], module: str, name: str
) -> None:
    """A requirement that is only the name of a module is replaced by its distribution."""
    index.add_source(module, "0.0")
    index.add(name.replace("-", "_"), "1.0")

    with pytest.raises(LockError) as failure:
        locked(module)

    assert str(failure.value).splitlines()[-1] == f"{module} is a module of {name}: require {name}."
    assert locked(name) == {name: "1.0"}


def test_what_is_for_training(index: PackageIndex, locked: Callable[..., dict[str, str | None]]) -> None:
    """A package that only training needs, and that cannot be locked, is to be left out."""
    index.add("azureml_opendatasets", "1.0", "pyspark")
    index.add_source("pyspark", "3.0")
    index.add("alpha", "1.0")

    with pytest.raises(LockError) as failure:
        locked("azureml-opendatasets", "alpha")

    assert str(failure.value).splitlines()[-1] == (
        "azureml-opendatasets: its pyspark has no wheel. It is for training: leave it out of what a script scores with."
    )
    assert locked("alpha") == {"alpha": "1.0"}


def test_no_other_version(index: PackageIndex, locked: Callable[..., dict[str, str | None]]) -> None:
    """Where no version has a wheel, the fix is to have one built, or that of all such failures after a check."""
    index.add_source("alpha", "1.0")
    index.add("beta", "1.0", tag=OLD)

    with pytest.raises(LockError) as failure:
        locked("alpha==1.0")
    with pytest.raises(LockError) as other:
        locked("beta==1.0")

    assert str(failure.value).splitlines()[-1].endswith('build-from-source = ["alpha"], or --build-from-source alpha')
    assert str(other.value).splitlines()[-1].startswith("Only wheels are locked, as the image has no compiler: ")


@pytest.mark.parametrize(("python", "last"), [("3.9", "only a source archive"), ("3.11", "Python 3.9 and 3.10 only")])
def test_the_runtime_of_automl(
    index: PackageIndex, asking: Callable[..., Requirements], quiet: Callable[..., None], python: str, last: str
) -> None:
    """Its packages have wheels for two Pythons; with those, what has to be built is named."""
    index.add("azureml_automl_runtime", "1.62", "fusepy<=3.0.1")
    index.add_source("fusepy", "3.0.1")

    with pytest.raises(LockError) as failure:
        make_lock(asking("azureml-automl-runtime"), replace(TARGET, python=python), report=quiet)

    assert last in str(failure.value).splitlines()[-1]


def test_a_misspelt_name(index: PackageIndex, asking: Callable[..., Requirements]) -> None:
    """A name that no index has is no matter of versions, so that no others are looked for."""
    index.add("alpha", "1.0")
    reported: list[str] = []

    with pytest.raises(LockError, match="check the spelling"):
        make_lock(asking("alpha==1.0", "alhpa==1.0"), TARGET, report=reported.append)

    assert [line for line in reported if "looking" in line] == []


def test_a_check_looks_for_no_other_version(index: PackageIndex, asking: Callable[..., Requirements]) -> None:
    """Comparing locked versions with an index says that they do not fit, and looks for no others."""
    index.add("alpha", "1.0", tag=OLD)
    index.add("alpha", "2.0")
    reported: list[str] = []

    with pytest.raises(LockError, match="Only wheels are locked"):
        resolve_again(asking("alpha==1.0"), TARGET, (), (), report=reported.append)

    assert reported == []


def test_the_end_of_a_long_explanation(index: PackageIndex, locked: Callable[..., dict[str, str | None]]) -> None:
    """A long explanation keeps its end, which names the cause, and uv's hint about it."""
    index.add_source("beta", "1.0")
    for minor in range(9):
        index.add(f"a{minor}", "1.0", f"a{minor + 1}" if minor < 8 else "beta")
        index.add(f"a{minor}", "2.0", "beta")

    with pytest.raises(LockError) as failure:
        locked("a0")

    lines = str(failure.value).splitlines()
    assert lines[1] == "  No solution found when resolving dependencies"
    assert "your requirements are unsatisfiable." in "\n".join(lines)
    assert lines[-2].startswith("  hint: Wheels are required for `beta`")
    assert len(lines) <= 12
