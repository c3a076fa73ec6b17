"""Read members of zip archives without trusting the sizes that they announce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError

if TYPE_CHECKING:
    import zipfile

_LONGEST = 1 << 28  # bytes


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes; raise UnreadableModelError if it is missing or larger than any description is."""
    try:
        with archive.open(name) as member:
            content = member.read(_LONGEST + 1)
    except KeyError:
        raise UnreadableModelError(f"it has no {name.rpartition('/')[2]}") from None
    if len(content) > _LONGEST:
        raise UnreadableModelError(f"its {name.rpartition('/')[2]} is larger than {_LONGEST >> 20} MB")
    return content
