"""Send the same requests to the original server and to ours: every difference is documented."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cases import CASES, SETUPS, pythons_for
from differences import DIFFERENCES
from pair import WAYS
from workers import comparable, is_libraries

if TYPE_CHECKING:
    from pair import Case, Pairs, Seen, Setup

DOCUMENT = Path(__file__).parents[3] / "docs" / "runtime-differences.md"

REQUESTS = [
    pytest.param(SETUPS[name], asked, id=f"{name}: {asked}", marks=pytest.mark.xdist_group(name))
    for name, cases in CASES.items()
    for asked in cases
]
ON_OTHER_PYTHONS = [
    pytest.param(SETUPS[name], asked, version, id=f"{name}: {asked} {version}", marks=pytest.mark.xdist_group(name))
    for name, cases in CASES.items()
    for asked in cases
    for version in pythons_for(SETUPS[name])
]
COPIES = 3  # of a request at the same time


@pytest.mark.parametrize(("setup", "asked"), REQUESTS)
def test_both_servers_answer_alike(pairs: Pairs, setup: Setup, asked: Case) -> None:
    """Both servers answer with the same status, headers and body, or differ as documented."""
    pair = pairs.serving(setup)
    original, ours = pair.original.ask(asked), pair.ours.ask(asked)
    if asked.differs:
        difference = DIFFERENCES[asked.differs]
        assert difference.explains(original, ours), (original, ours)
    else:
        assert _comparable(asked, ours) == _comparable(asked, original)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("setup", "asked"), REQUESTS)
def test_every_way_to_a_worker_answers_alike(pairs: Pairs, setup: Setup, asked: Case, way: str) -> None:
    """Without the direct path, with four workers, and merged with others of its kind, a request is answered alike."""
    pair = pairs.serving(setup)
    expected = _comparable(asked, pair.ours.ask(asked))
    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(pair.ways[way].ask, [asked] * COPIES))
    assert [_comparable(asked, answer) for answer in answers] == [expected] * COPIES


@pytest.mark.parametrize(("setup", "asked", "version"), ON_OTHER_PYTHONS)
def test_a_worker_on_another_python_answers_alike(pairs: Pairs, setup: Setup, asked: Case, version: str) -> None:
    """Behind the same server, a worker on an older or newer Python answers as one on the server's own does."""
    pair = pairs.serving(setup)
    if version not in pair.others:
        pytest.skip(f"no Python {version} here")
    name = next(name for name, known in SETUPS.items() if known is setup)
    theirs, ours = pair.others[version].ask(asked), pair.ours.ask(asked)
    if is_libraries(version, name, asked):
        assert theirs.status // 100 == 2
    else:
        assert comparable(theirs) == comparable(ours)


def _comparable(asked: Case, seen: Seen) -> tuple[object, ...]:
    if asked.path.startswith("/swagger.json") and seen.status == 200 and seen.body:
        headers = [header for header in seen.headers if header[0] != "content-length"]
        return seen.status, headers, json.loads(seen.body)
    return seen.status, list(seen.headers), seen.body


def test_there_are_enough_cases() -> None:
    """The cases cover at least 300 requests over at least 20 scripts."""
    scripts = {setup.script for setup in SETUPS.values()}
    assert (len(REQUESTS) >= 300, len(scripts) >= 20, set(CASES) == set(SETUPS)) == (True, True, True)


def test_every_difference_is_documented_and_shown() -> None:
    """The document has a section for each difference, and a case shows each."""
    documented = set(re.findall(r"^### `([a-z-]+)`$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    shown = {asked.differs for cases in CASES.values() for asked in cases if asked.differs}
    assert set(DIFFERENCES) <= documented
    assert shown == set(DIFFERENCES)
