"""What is told of a model, whatever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class UnreadableModelError(ValueError):
    """The file is not what it is declared to be, or is damaged; the message says which, and no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One input or output: `type` is numpy's name of it (`float32`, `str`), `shape` has -1 where any size goes.

    None for the shape is any number of dimensions.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What a model's own file says of it; what it does not say is empty.

    `file` is what is to be loaded, from the folder that the model lies in, where that is not what was declared.
    `versions` are those of the distributions that made it (`{"scikit-learn": "1.5.2"}`). `features` are the names of
    the columns it was trained with, `feature_count` their number; with `categories` some of them are codes. `inputs`
    are what it takes by name, `outputs` what it gives. `label` is a value like those it predicts. `signatures` are the
    names under which it can be called.
    `runs_code` says why loading it runs a program that the file brings, and is empty where it does not; `doubtful` are
    classes that what loads it may refuse. `modules` are the packages that it imports when it is loaded. `missing` says
    what it does not tell, as the end of a sentence.
    """

    file: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    feature_count: int | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    label: float | str = 0.0
    categories: bool = False
    signatures: tuple[str, ...] = ()
    runs_code: str = ""
    doubtful: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
