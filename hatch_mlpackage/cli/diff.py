"""`mlpackage diff`: name the layers of the image that differ between two contexts, and say why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.output import answer, answer_json, shorten, size
from hatch_mlpackage.cli.verbs import EXISTING_PATH, Verb, json_option
from hatch_mlpackage.context.diff import compare, read_side
from hatch_mlpackage.context.plan import FOR_THE_BUILDER

if TYPE_CHECKING:
    from hatch_mlpackage.context.diff import ContextDiff, FileChange, LayerDiff, Side, ValueChange

_DOCUMENT = """{"same": BOOL, "digests": [A, B],
   "about": [{"name", "before", "after"}],
   "layers": [{"name", "files": [{"path", "kind", "before", "after"}], "packages": [{"name", "before", "after"}]}],
   "dockerfile": [LINE]|null, "rebuilt": [LAYER]}"""


@click.command(
    "diff",
    cls=Verb,
    examples=(
        "mlpackage diff dist/diabetes-0.1.0-context dist/diabetes-0.2.0-context",
        "mlpackage diff deployed/manifest.json dist/diabetes-0.2.0-context --json",
    ),
    document=_DOCUMENT,
)
@click.argument("before", metavar="A", type=EXISTING_PATH)
@click.argument("after", metavar="B", type=EXISTING_PATH)
@json_option()
def command(*, before: Path, after: Path, as_json: bool) -> int:
    """Name the layers that change from context A to context B, and why: files, packages, base image, instructions.

    A and B are contexts, or only their manifest.json, which an image has at /opt/mlpackage/manifest.json. The exit
    status is 0 when they are the same and 1 when they differ.
    """
    one, other = read_side(before), read_side(after)
    found = compare(one, other)
    if as_json:
        digests = [one.manifest.digest, other.manifest.digest]
        answer_json({"same": found.same, "digests": digests, **asdict(found)})
    elif found.same:
        answer(f"the same: {one.manifest.digest}")
    else:
        answer("\n".join(_difference_lines(found, one, other)))
    return 0 if found.same else 1


def _difference_lines(found: ContextDiff, one: Side, other: Side) -> Iterator[str]:
    for value in found.about:
        yield _value_line(value)
    for layer in found.layers:
        yield from _layer_lines(layer)
    if found.dockerfile is None:
        yield "The Dockerfile changes; a manifest alone does not show which lines."
    else:
        yield from (f"  {line[0]} {line[1:]}" for line in found.dockerfile)
    if one.packages is None or other.packages is None:
        yield "It takes the bills of materials (sbom.cdx.json) of both contexts to see which packages change."
    at_most = "at most " if found.dockerfile is None else ""
    yield f"A rebuild makes {at_most}these layers again: {', '.join(found.rebuilt) or 'none'}."


def _layer_lines(layer: LayerDiff) -> Iterator[str]:
    yield "not in the image" if layer.name == FOR_THE_BUILDER else f"layer {layer.name}"
    yield from shorten([f"  {_value_line(package)}" for package in layer.packages], indent="  ")
    yield from shorten([f"  {_file_line(file)}" for file in layer.files], indent="  ")


def _value_line(value: ValueChange) -> str:
    if value.before is None:
        return f"{value.name} {value.after} added"
    if value.after is None:
        return f"{value.name} {value.before} removed"
    return f"{value.name} {value.before} → {value.after}"


def _file_line(file: FileChange) -> str:
    sizes = [size(count) for count in (file.before, file.after) if count is not None]
    return f"{file.path} {file.kind} ({' → '.join(dict.fromkeys(sizes))})"
