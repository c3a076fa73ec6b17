from __future__ import annotations

import pytest

from hatch_mlpackage.context.heavy import Saving, heaviest, savings
from hatch_mlpackage.lock.pins.packages import LockedPackage

SIZES = {"torch": 500, "nvidia-cudnn-cu13": 300, "nvidia-cublas": 200, "triton": 100, "numpy": 16, "six": 1}
LOCK = """nvidia-cublas==1
    # via
    #   nvidia-cudnn-cu13
    #   torch
nvidia-cudnn-cu13==1
    # via torch
numpy==1
    # via torch
six==1
    # via -r requirements.in
torch==1
    # via -r requirements.in
triton==1
    # via torch
"""


def packages(**sizes: int) -> list[LockedPackage]:
    return [LockedPackage(name=name.replace("_", "-"), version="1", size=size) for name, size in sizes.items()]


MANY = packages(**{name: size * 1_000_000 for name, size in SIZES.items()})


def test_the_heaviest():
    """The heaviest packages come first; small ones and those of unknown size are not heavy."""
    assert [it.name for it in heaviest(MANY)] == ["torch", "nvidia-cudnn-cu13", "nvidia-cublas", "triton"]
    assert heaviest(packages(six=9_999_999, unknown=0)) == ()


def test_what_torch_brings():
    """All that torch brings for GPUs, also through others, is one saving; on a GPU there is none."""
    (saving,) = savings(MANY, LOCK, gpu=False)

    assert (saving.packages, saving.size) == (("nvidia-cudnn-cu13", "nvidia-cublas", "triton"), 600_000_000)
    assert "the builds of torch for CPUs" in saving.instead
    assert savings(MANY, LOCK, gpu=True) == ()


@pytest.mark.parametrize("lock", ["", "torch==1\n    # via triton\ntriton==1\n    # via torch\n"])
def test_what_nothing_is_known_of(lock):
    """Without a record of what needs what there is no advice, and a circle of needs ends."""
    found = savings(packages(torch=1, triton=1), lock, gpu=False)

    assert [it.packages for it in found] == ([("triton",)] if lock else [])


def test_a_package_that_is_for_gpus():
    """A package that is itself for GPUs is named with the one for CPUs."""
    found = savings(packages(onnxruntime_gpu=9, numpy=1), "", gpu=False)

    assert found == (Saving(packages=("onnxruntime-gpu",), size=9, instead="onnxruntime does the same on CPUs"),)
