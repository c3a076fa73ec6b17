"""Decide which URLs a model may have: those of files in stores that are meant to be read from elsewhere.

A URL must not be a way to a file of this machine (`file://`, `local://`), nor chain one file system to another
(`zip://…::https://…`): whoever has the image could read what it found.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

WEB = ("https", "http")
STORES = ("s3", "gs", "az", "abfs", "abfss", "hf")  # fsspec's names of file systems whose settings name the host
_AZURE = ("az", "abfs", "abfss")
SCHEMES = (*WEB, *STORES)
DEFAULT_MAX_MB = 10_000

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_LISTED = "A model may have a URL of https, s3, gs, az, abfs, abfss or hf, or of http with a sha256."
_NO_FILE = "A model that is declared by URL is one file."
_SECRET = (
    "the URL holds a password, or a query, which may be a signature.",
    "Write the URL without it, and put the credentials into the settings of the store, or into ~/.netrc for https.",
)
_HOST = re.compile(r"(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")


def url_problem(url: str) -> tuple[str, str] | None:
    """Return what is wrong with the URL of a model, and the next step; None where it may be fetched."""
    scheme = url.partition("://")[0]
    if scheme not in SCHEMES:
        return _scheme_problem(scheme)
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError where it is no number
    except ValueError as error:
        return f"the URL cannot be read: {error}.", "Correct it."
    if "@" in parts.netloc and ":" not in parts.netloc and scheme in _AZURE and "?" not in url:
        return (
            "the URL names the account of its container.",
            f"Write {scheme}://{parts.username}/…, and name the account in AZURE_STORAGE_ACCOUNT_NAME.",
        )
    if "@" in parts.netloc or "?" in url:
        return _SECRET
    if "#" in url or "\\" in url or not url.isprintable() or (scheme in STORES and "::" in url):
        return "the URL holds `#`, `\\`, `::` or a character that cannot be printed.", "Rename the file in its store."
    return _place_problem(url, parts)


def _scheme_problem(scheme: str) -> tuple[str, str]:
    if scheme.lower() in SCHEMES:
        return f"'{scheme}' is not written in lowercase.", f"Write {scheme.lower()}://."
    if "::" in scheme:
        return "the URL chains one file system to another.", _LISTED
    shown = f"'{scheme}'" if _SCHEME.fullmatch(scheme.lower()) else "this"
    local = "Put a file of this machine into the project, and name its path. "
    return f"{shown} is no scheme that a model may have.", f"{local}{_LISTED}"


def _place_problem(url: str, parts: SplitResult) -> tuple[str, str] | None:
    if not parts.netloc or (parts.scheme in WEB and not is_host(parts.hostname or "")):
        return f"'{url}' does not name a host or a bucket.", "Correct it."
    if parts.path.rpartition("/")[2] in {"", ".", ".."}:
        return f"'{url}' does not name a file.", _NO_FILE
    return None


def is_host(name: str) -> bool:
    """Tell whether a text is the name or the address of a host, without a scheme or a port."""
    try:
        plain = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return False
    return bool(_HOST.fullmatch(plain.lower()))


def needs_hash(url: str) -> bool:
    """Tell whether anyone on the way could replace the file: its hash must then be known before it is fetched."""
    return url.startswith("http://")
