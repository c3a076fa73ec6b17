from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.images.base_image import (
    BaseImageLock,
    BaseImageState,
    check_base_images,
    make_base_image_lock,
    read_base_image_locks,
    write_base_image_locks,
)

PLATFORM = "linux/amd64"
LOCK = BaseImageLock(
    reference="python:3.12-slim",
    platform=PLATFORM,
    digest=f"sha256:{'5' * 64}",
    index=f"sha256:{'7' * 64}",
    resolved=date(2026, 11, 20),
)
TEXT = f"""\
# Which bytes the base image's tag stood for: every build starts from them, wherever the tag has moved since.
# Written by hatch-mlpackage; commit it. Renew with: mlpackage lock --upgrade
reference = "python:3.12-slim"
platform = "linux/amd64"
digest = "sha256:{"5" * 64}"  # the image for that platform
index = "sha256:{"7" * 64}"  # what the tag named
resolved = 2026-11-20
"""


def check_base_image(text, image, platform, *, pin):
    (state,) = check_base_images(text and text.encode(), [image], platform, pin=pin)
    return state


def written(*locks):
    return write_base_image_locks("python:3.12-slim", locks)


def test_the_file():
    """The lock is readable TOML in one spelling, and is read back unchanged."""
    assert written(LOCK) == TEXT
    assert read_base_image_locks(TEXT.encode()) == (LOCK,)
    assert read_base_image_locks(TEXT.replace("\n", "\r\n").encode()) == (LOCK,)
    without = replace(LOCK, index=None)
    assert read_base_image_locks(written(without).encode()) == (without,)


def test_the_file_of_several_images():
    """Images other than the base image get their own tables, and the base image's lock may be missing."""
    other = replace(LOCK, reference="team/tools:1", index=None)
    table = f"""
[[other]]
reference = "team/tools:1"
platform = "linux/amd64"
digest = "sha256:{"5" * 64}"  # the image for that platform
resolved = 2026-11-20
"""
    head = "".join(TEXT.splitlines(keepends=True)[:2])

    assert written(other, LOCK) == TEXT + table
    assert read_base_image_locks((TEXT + table).encode()) == (LOCK, other)
    assert written(other) == head + table
    assert read_base_image_locks((head + table).encode()) == (other,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT.replace('reference = "', '<<<<<<< ours\nreference = "'), "line 3 is a merge-conflict marker"),
        (TEXT[:-1] + "\nresol", "Expected '=' after a key in a key/value pair (at end of document)"),
        (TEXT.replace("2026-11-20", '"yesterday"'), "its 'resolved' is missing or of another type"),
        (TEXT.replace("platform = ", "form = "), "its 'platform' is missing or of another type"),
        (TEXT.replace('reference = "', 'reference = "\\u001b[2J'), "its 'reference' has a control character"),
        (TEXT.replace("5555", "555"), "its 'digest' is not a sha256 digest"),
        (TEXT + "other = 3\n", "its 'other' is not an array of tables"),
        (TEXT + "[[other]]\nreference = 1\n", "its 'reference' is missing or of another type"),
        (TEXT.replace("7" * 64, "7\\nRUN true"), "its 'index' is not a sha256 digest"),
    ],
    ids=["merge conflict", "cut short", "date", "missing", "control", "digest", "other", "table", "index"],
)
def test_a_damaged_file(text, reason):
    """A damaged lock is refused with the reason and the way to repair it."""
    with pytest.raises(LockError) as raised:
        check_base_image(text, "python:3.12-slim", PLATFORM, pin=True)

    assert str(raised.value).splitlines() == [
        f"base-image.toml is damaged: {reason}.",
        "Restore it from version control, or remove it and run `mlpackage lock`.",
    ]


@pytest.mark.parametrize("spelling", ["python:3.12-slim", "docker.io/library/python:3.12-slim"])
def test_pinned(spelling):
    """The image is pinned to the locked digest and keeps the project's own spelling of its name."""
    state = check_base_image(TEXT, spelling, PLATFORM, pin=True)

    assert state == BaseImageState(status="pinned", image=f"{spelling}@sha256:{'5' * 64}", lock=LOCK)
    assert state.shown == f"{spelling}@sha256:{'5' * 12}…"
    assert state.describe() == ""
    state.require_pinned()


@pytest.mark.parametrize(
    ("text", "image", "platform", "pin", "expected"),
    [
        (None, "a:1", PLATFORM, True, BaseImageState(status="unpinned", image="a:1", reason="no digest is locked")),
        (None, "a:1", PLATFORM, False, BaseImageState(status="declined", image="a:1")),
        (
            None,
            f"a:1@sha256:{'1' * 64}",
            PLATFORM,
            True,
            BaseImageState(status="pinned", image=f"a:1@sha256:{'1' * 64}"),
        ),
        (
            TEXT,
            "a:1",
            PLATFORM,
            True,
            BaseImageState(
                status="unpinned", image="a:1", reason="the locked digest is of python:3.12-slim", lock=LOCK
            ),
        ),
        (
            TEXT,
            "python:3.12-slim",
            "linux/arm64",
            True,
            BaseImageState(
                status="unpinned",
                image="python:3.12-slim",
                reason="the locked digest is for linux/amd64, the image is for linux/arm64",
                lock=LOCK,
            ),
        ),
    ],
    ids=["no lock", "not wanted", "own digest", "another image", "another platform"],
)
def test_not_pinned_by_the_lock(text, image, platform, pin, expected):
    """Where no digest of the lock applies, the image stays as it is written."""
    assert check_base_image(text, image, platform, pin=pin) == expected


def test_each_image_has_its_lock():
    """Each image is pinned by the lock of its own name, and only the base image's message names an unused lock."""
    other = replace(LOCK, reference="team/tools:1", digest=f"sha256:{'6' * 64}")
    text = written(LOCK, other)

    def said(*images):
        return [
            state.describe().partition(". ")[0] or state.image
            for state in check_base_images(text.encode(), images, PLATFORM, pin=True)
        ]

    assert said("python:3.12-slim", "team/tools:1") == [
        f"python:3.12-slim@{LOCK.digest}",
        f"team/tools:1@{other.digest}",
    ]
    assert said("a:1", "team/tools:1", "b:1") == [
        "The base image a:1 is not pinned: the locked digest is of python:3.12-slim",
        f"team/tools:1@{other.digest}",
        "The base image b:1 is not pinned: no digest is locked",
    ]


@pytest.fixture
def running(tmp_path, run_registry):
    with run_registry(tmp_path / "registry") as running:
        yield running


def make(text, image, *, upgrade=False, pin=True):
    """Lock an image, and return the lock and what was reported."""
    reported = []
    state = check_base_image(text, image, PLATFORM, pin=pin)
    made = make_base_image_lock(state, image, PLATFORM, upgrade=upgrade, report=reported.append)
    return made, reported


def test_made_kept_and_renewed(running):
    """A digest is locked once, stays while the tag moves, and is renewed with its date on request."""
    image = f"{running.host}/base:1"
    pushed = running.push_index("base", "1", "linux/amd64", "linux/arm64")

    first, said = make(None, image)

    assert first == BaseImageLock(
        reference=image,
        platform=PLATFORM,
        digest=pushed[PLATFORM],
        index=pushed["1"],
        resolved=datetime.now(UTC).date(),
    )
    assert said == [f"Base image {image} for linux/amd64 is {pushed[PLATFORM]}."]

    older = replace(first, resolved=date(2020, 2, 2))
    older = write_base_image_locks(image, [older])
    assert make(older, image, upgrade=True) == (None, [f"Base image {image} is still {pushed[PLATFORM]}."])

    moved = running.push_image("base", "1", layer=b"newer")
    assert make(older, image) == (None, [])
    renewed, said = make(older, image, upgrade=True)
    assert renewed == replace(first, digest=moved, index=None)
    assert said == [f"Base image {image} for linux/amd64 is {moved}."]


def test_what_is_never_asked_for():
    """An image with its own digest, or one that is not to be pinned, needs no registry."""
    assert make(None, f"registry.invalid/a@sha256:{'1' * 64}", upgrade=True) == (None, [])
    assert make(None, "registry.invalid/a:1", upgrade=True, pin=False) == (None, [])


def test_a_registry_that_is_down():
    """A registry that is down is reported and changes nothing: the image keeps its digest or stays unpinned."""
    image = "registry.invalid/base:1"
    known = write_base_image_locks(image, [replace(LOCK, reference=image)])

    unpinned, told = make(None, image)
    kept, told_again = make(known, image, upgrade=True)

    assert (unpinned, kept) == (None, None)
    assert told[0].splitlines()[0].startswith("registry.invalid cannot be reached: its name cannot be resolved (")
    assert told[0].splitlines()[1] == (
        f"Base image {image} is left unpinned: run `mlpackage lock` again when its registry can be reached."
    )
    assert told_again[0].splitlines()[1] == f"Base image {image} is kept at sha256:{'5' * 64} of 2026-11-20."
