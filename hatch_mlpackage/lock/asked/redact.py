"""Find and hide credentials in URLs, so that none reaches a lock, a log or an error."""

from __future__ import annotations

import re

# `https://user:password@host`, `git+https://token@host`, `https://${TOKEN}@host`
_USER_INFO = re.compile(r"(?<=://)[^/\s@]*(?:@[^/\s@]*)*@")
# The signatures that object stores and artifact servers put in a query string grant access to whoever has the URL.
_SIGNED_QUERY = re.compile(r"(?i)([?&](?:sig|signature|(?:[\w-]*[_-])?(?:token|signature|password|api-?key))=)[^&#\s]*")


def has_credentials(text: str) -> bool:
    return bool(_USER_INFO.search(text) or _SIGNED_QUERY.search(text))


def redact(text: str) -> str:
    return _SIGNED_QUERY.sub(r"\1****", _USER_INFO.sub("****@", text))
