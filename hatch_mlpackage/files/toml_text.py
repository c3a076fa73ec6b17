"""Quote TOML strings by hand: locks are also made without the extra `cli`, which brings tomlkit."""

from __future__ import annotations

import json
import re


def toml_string(text: str) -> str:
    """Quote text as a TOML string of ASCII characters, for a key or a value."""
    # JSON escapes all that TOML does, except U+007F; above U+FFFF it writes two halves, which TOML refuses.
    return re.sub(r"[^\x00-\x7e]", _escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    one = found[0]
    return f"\\u{ord(one):04x}" if one <= "\uffff" else f"\\U{ord(one):08x}"
