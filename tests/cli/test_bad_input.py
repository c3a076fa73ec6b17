"""Bad input through the real program: its exit status, all that it says, and that everything is as it was.

What an index answers is in test_bad_index.py, what registries answer in test_lock.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

SHA = "a" * 64

PACKAGES_JSON = json.dumps({"idna==3.20": {"license": "BSD-3-Clause", "tags": []}}, indent=2) + "\n"
MODELS_TOML = f"""\
[[models]]
name = "remote"
version = "1"
url = "https://store.example/model.onnx"
sha256 = "{SHA}"
size = 3
"""
PYLOCK_TOML = f"""\
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "idna"
version = "3.20"
wheels = [{{ url = "https://files.example/idna-3.20-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]
"""


def cut(text):
    return text[: len(text) * 3 // 4]


def in_conflict(text):
    """Leave the text as a merge that was not finished."""
    lines = text.splitlines(keepends=True)
    return "".join((*lines[:3], "