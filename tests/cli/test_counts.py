"""Every verb counts the same files: those that lie in the context's folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hatch_mlpackage.cli.output import size

COUNTED = re.compile(r"\d+ files, [\d.]+ k?B")


@pytest.mark.parametrize(("name", "elsewhere"), [("minimal", 0), ("two-models", 0), ("named-models", 3)])
def test_counts(copy_project, mlpackage, monkeypatch, name, elsewhere):
    """`check`, `plan`, `generate` and `verify` give the number and the size of the files that are really there."""
    monkeypatch.chdir(copy_project(name))

    checked = mlpackage("check").out
    plan, document = mlpackage("plan").out, json.loads(mlpackage("plan", "--json").out)
    generated = mlpackage("generate", "--output", "context").out
    proven = mlpackage("verify", "context").out
    found = [path for path in Path("context").rglob("*") if path.is_file()]
    there = {str(path.relative_to("context")): path.stat().st_size for path in found}

    said = [COUNTED.search(text).group() for text in (checked, generated, proven)]
    said.append(re.search(r"(?m)^(.*) in the context$", plan)[1])
    assert said == [f"{len(there)} files, {size(sum(there.values()))}"] * 4
    assert {file["path"]: file["size"] for file in document["files"] if file["copied"]} == there
    assert sum(layer["files"] for layer in document["layers"]) == len(there) + elsewhere - 3  # those for the builder
    assert json.loads(mlpackage("generate", "--output", "context", "--json").out)["size"] == sum(there.values())
