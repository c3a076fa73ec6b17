"""Find what makes an environment big, and what would make it smaller: packages for GPUs in an image without one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set as AbstractSet
from dataclasses import dataclass

from hatch_mlpackage.lock.pins.closure import wanted_by
from hatch_mlpackage.lock.pins.packages import LockedPackage

_HEAVY = 10_000_000  # bytes of a wheel
_MOST_NAMED = 4
_FOR_GPUS = re.compile(r"nvidia-.*|triton|cuda-.*|jax-cuda\d+-.*|cupy-cuda\d+.*|tensorrt.*|rmm-cu\d+|cudf-cu\d+")
# What brings packages for GPUs, or is one, and what to require instead, as the packages' own pages say.
_INSTEAD = {
    "xgboost": "xgboost-cpu has none",
    "torch": "the builds of torch for CPUs, which PyTorch's own index has, bring none",
    "jax": "jax without its extra for CUDA has none",
    "tensorflow": "tensorflow-cpu has none",
    "onnxruntime-gpu": "onnxruntime does the same on CPUs",
    "faiss-gpu": "faiss-cpu does the same on CPUs",
    "paddlepaddle-gpu": "paddlepaddle does the same on CPUs",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """Packages that an image without a GPU need not have, the biggest first, their bytes, and the way to do without."""

    packages: tuple[str, ...]
    size: int
    instead: str


def heaviest(packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Return the few packages whose wheels are big, the biggest first."""
    big = (package for package in packages if package.size >= _HEAVY)
    return tuple(sorted(big, key=lambda it: (-it.size, it.name))[:_MOST_NAMED])


def savings(packages: Iterable[LockedPackage], lock: str, *, gpu: bool) -> tuple[Saving, ...]:
    """Return what the image could do without, by the package that brings it; nothing for an image that has a GPU."""
    by_name = {} if gpu else {package.name: package for package in packages}
    needs = wanted_by(lock) if by_name else {}
    found = []
    for name in by_name.keys() & _INSTEAD.keys():
        brought = [it for it in by_name if _FOR_GPUS.fullmatch(it) and name in _all_needing(it, needs)]
        useless = sorted(brought + [name] * name.endswith("-gpu"), key=lambda it: (-by_name[it].size, it))
        size = sum(by_name[it].size for it in useless)
        found += [Saving(packages=tuple(useless), size=size, instead=_INSTEAD[name])] if useless else []
    return tuple(sorted(found, key=lambda it: (-it.size, it.packages)))


def _all_needing(name: str, needs: Mapping[str, AbstractSet[str]]) -> AbstractSet[str]:
    """Return everything that needs a package, also through others."""
    found: set[str] = set()
    fresh = set(needs.get(name, ()))
    while fresh:
        found |= fresh
        fresh = {above for it in fresh for above in needs.get(it, ())} - found
    return found
