"""Check the links of the files beside docs/, which mkdocs does not see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("*.md")))
def test_links_lead_somewhere(name):
    """A relative link, or the source of a picture, names a file of the repository."""
    links = re.findall(r"(?:\]\(|\bsrc(?:set)?=\")([^)#\s\"]+)", (ROOT / name).read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
