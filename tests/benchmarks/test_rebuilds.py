"""What a builder does again after a change follows from the Dockerfile and from the files that differ."""

from __future__ import annotations

import pytest
from rebuilds import files_of, rebuild
from results import Rebuild

DOCKERFILE = """ARG TAG=1
FROM python:$TAG AS wheels
COPY requirements.txt /lock/
RUN pip install -r /lock/requirements.txt

FROM python:$TAG
COPY --from=wheels /lock /lock
COPY ["models/", "/models/"]
RUN chmod -R a+rX /models
COPY ./score.p[y] \\
     README.md /app/
"""
BEFORE = {
    "requirements.txt": ("1", 10),
    "models/a.bin": ("1", 2000),
    "models/b.bin": ("1", 1000),
    "score.py": ("1", 100),
    "README.md": ("1", 20),
    "Dockerfile": ("1", 300),
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            "score.py",
            Rebuild(changed_files=1, changed_bytes=100, steps=1, all_steps=6, copied_bytes=120, installs=False),
        ),
        (
            "models/b.bin",
            Rebuild(changed_files=1, changed_bytes=1000, steps=3, all_steps=6, copied_bytes=3120, installs=False),
        ),
        (
            "requirements.txt",
            Rebuild(changed_files=1, changed_bytes=10, steps=6, all_steps=6, copied_bytes=3130, installs=True),
        ),
        (
            "Dockerfile",
            Rebuild(changed_files=1, changed_bytes=300, steps=0, all_steps=6, copied_bytes=0, installs=False),
        ),
    ],
)
def test_a_changed_file(changed, expected):
    """What copies a changed file runs again, and so does all that comes later or copies out of it."""
    assert rebuild(DOCKERFILE, BEFORE, {**BEFORE, changed: ("2", BEFORE[changed][1])}) == expected


def test_a_stage_on_a_stage():
    """A stage that starts from another one runs again with it; a whole folder is copied with all its files."""
    dockerfile = "FROM scratch AS base\nCOPY . /all/\nFROM base\nRUN true\n"

    found = rebuild(dockerfile, BEFORE, {name: it for name, it in BEFORE.items() if name != "README.md"})

    assert found == Rebuild(changed_files=1, changed_bytes=0, steps=2, all_steps=2, copied_bytes=3410, installs=False)


def test_the_files_of_a_context(tmp_path):
    """A context is its files with their hashes and sizes, without caches of Python."""
    for name in ("a/score.py", "a/__pycache__/score.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")

    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert files_of(tmp_path) == {"a/score.py": (empty, 0)}
