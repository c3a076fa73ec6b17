"""Write and read a lock's first two lines: what it was made for, and the digests of its inputs and its body."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement

from hatch_mlpackage.lock.asked.markers import applies
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.project.target import Target

SCHEMA = "1"
_MARK = "# mlpackage-lock:"
_FIELDS = frozenset({"schema", "python", "platform", "libc", "inputs", "body"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What the header of a lock says; `extras` maps a name to the extras it was resolved with."""

    schema: str
    python: str
    platform: str
    libc: str
    inputs: str
    body: str
    extras: Mapping[str, frozenset[str]]


def with_header(body: str, requirements: Requirements, target: Target) -> str:
    """Put the header before a resolver's output, which ends with a line feed."""
    fields = {
        "schema": SCHEMA,
        "python": target.python,
        "platform": target.platform,
        "libc": target.libc,
        "inputs": inputs_digest(requirements, target),
        "body": digest(body),
    }
    # The pins name no extras, so without this a later request for another extra would go unnoticed.
    extras = ",".join(f"{name}[{'+'.join(sorted(some))}]" for name, some in _extras(requirements, target))
    said = " ".join(f"{key}={value}" for key, value in (fields | ({"extras": extras} if extras else {})).items())
    return (
        f"# Locked for CPython {target.python} on {target.platform} by hatch-mlpackage; renew with: mlpackage lock\n"
        f"{_MARK} {said}\n{body}"
    )


def split_header(text: str) -> tuple[Header | None, str]:
    """Split a lock into its header, None where no header can be read, and its body."""
    before, mark, rest = text.partition(_MARK)
    if not mark or not all(line.startswith("#") for line in before.splitlines()):
        return None, text
    line, _, body = rest.partition("\n")
    fields = dict(re.findall(r"([a-z]+)=(\S+)", line))
    if not fields.keys() >= _FIELDS:
        return None, body
    extras = {
        name: frozenset(some.split("+"))
        for name, some in re.findall(r"([^,\[]+)\[([^\]]+)\]", fields.get("extras", ""))
    }
    return Header(**{name: fields[name] for name in _FIELDS}, extras=extras), body


def inputs_digest(requirements: Requirements, target: Target) -> str:
    """Digest what decides the pins; tool versions, paths, comments and credentials do not."""
    inputs: dict[str, str | tuple[str, ...]] = {
        "schema": SCHEMA,
        "requirements": requirements.requirements,
        "constraints": requirements.constraints,
        "options": requirements.options,
        "python": target.python,
        "platform": target.platform,
        "libc": target.libc,
    }
    # Left out where there are none, so that the same inputs keep their digest from release to release.
    if requirements.sources:
        inputs["sources"] = tuple(f"{source.digest} {source.text}" for source in requirements.sources)
    if requirements.built:
        inputs["built"] = requirements.built
    if requirements.pylock:
        inputs["pylock"] = requirements.pylock[1]
    return digest(json.dumps(inputs, sort_keys=True, separators=(",", ":")))


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _extras(requirements: Requirements, target: Target) -> list[tuple[str, set[str]]]:
    asked: dict[str, set[str]] = {}
    for requirement in map(Requirement, requirements.requirements):
        if requirement.extras and applies(requirement, target):
            asked.setdefault(requirement.name, set()).update(requirement.extras)
    return sorted(asked.items())
