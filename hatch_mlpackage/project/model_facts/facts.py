"""Define what a model's file can say, whichever framework made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class UnreadableModelError(ValueError):
    """Say that a file is damaged or is not the model that it is declared to be; the message gives only the reason."""


class UnloadableModelError(UnreadableModelError):
    """Say that the framework itself cannot load a file as its model; `framework` names the one that can, if known."""

    def __init__(self, why: str, framework: str = "") -> None:
        super().__init__(why)
        self.framework = framework


class CutShortError(UnloadableModelError):
    """Say that bytes at the end of a file are missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """Describe one input or output.

    `type` is numpy's name (`float32`, `str`). `shape` has -1 where any size fits, and is None for any number of
    dimensions.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """Hold what a model's own file says; a field stays empty where the file says nothing.

    `file` is the file to load, relative to the model's folder, if it is not the declared one. `versions` are the
    distributions that made the model (`{"scikit-learn": "1.5.2"}`). `features` are the columns it was trained with,
    `feature_count` is their number, and `categories` says that some of them hold codes. `examples` are values that it
    knows, by the index of their column, where not every number will do. `inputs` and `outputs` are what it takes and
    gives, by name. `label` is a value like those it predicts. `signatures` are the names under which
    it can be called. `runs_code` says why loading it runs a program from the file, if it does. `doubtful` are classes
    that the loader may refuse. `modules` are the packages that loading it imports. `missing` lists what the file does
    not say, each as the end of a sentence.
    """

    file: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    feature_count: int | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    examples: Mapping[int, bool | float | str] = field(default_factory=dict)
    label: float | str = 0.0
    categories: bool = False
    signatures: tuple[str, ...] = ()
    runs_code: str = ""
    doubtful: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
