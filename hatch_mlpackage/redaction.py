"""Hide what grants access in a text: passwords, tokens and signatures, in URLs and wherever they can be recognized.

Errors, problems and the command line's output pass through `redact`, so that no secret of a URL reaches a terminal, a
log or a file. It leaves all other text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

HIDDEN = "****"

_END = r"\s\"'<>`"  # what ends a URL in a text
# A path that is made of a URL has one slash: `https:/user:password@host`; a drive, `C:/`, is no scheme.
_SCHEME = r"(?<=[A-Za-z0-9+.-]{2}):/+"
# `https://user:password@host`, `git+https://token@host`, `https://${TOKEN}@host`
_USER_INFO = re.compile(rf"({_SCHEME})([^/\s@]*(?:@[^/\s@]*)*)@")
# A password with a slash in it: what follows the colon is no port.
_BROKEN_USER_INFO = re.compile(rf"({_SCHEME})(?!\[)[^/{_END}:@]*:(?!\d*(?:[/?#{_END}]|$))[^{_END}]{{0,2000}}@")
_ACCOUNT = re.compile(r"[\w.-]{1,32}")  # as in git+ssh://git@host: it is the key that grants access
# The tokens of services that mark theirs.
_MARKED = re.compile(
    r"(?:hf_[A-Za-z0-9]{20,}|gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|ptt|dt|rt|cbt|ft|soat|imt|agent)-[\w-]{16,}|pypi-A[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{20,}|dckr_(?:pat|oat)_[\w-]{16,}|A[KS]IA[A-Z0-9]{16}|xox[a-z]-[\w-]{10,}|AIza[\w-]{30,}"
    r"|sk-(?<![A-Za-z]sk-)(?:[a-z]{2,8}-)?[A-Za-z0-9]{20,}|dapi[0-9a-f]{32}|ya29\.[\w-]{20,}"
    r"|eyJ(?<![\w-]eyJ)[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)"
)
_PARAMETER = re.compile(rf"([?&;#])([\w.%~-]+)=((?:[^&;#{_END}]|;(?![\w.%~-]+=))+)")
_SECRET_NAME = re.compile(
    r".*(?:token|signature|secret|passwo?r?d|passphrase|credentials?|api[._-]?key|access[._-]?key(?:[._-]?id)?|authorization)"
    r"|(?:.*[._-])?(?:sig|sas|key|code|jwt|pw|pwd|pass|auth|j?session(?:[._-]?id)?)",
    re.IGNORECASE | re.DOTALL,
)
# A URL, or a path where a library shows it as one; its path ends at a query, a fragment or parameters.
_PATH = re.compile(rf"((?<=[A-Za-z0-9+.-]{{2}}:/)/?[^/?#{_END}]*|\burl: )(/[^?#{_END}]*)")
_INDEX = re.compile(r"/\+?simple(?![\w-])")
_BEFORE_TOKEN = "t"  # noqa: S105 - https://host/t/TOKEN/channel
_PIECE = re.compile(r"[A-Za-z0-9]+")
_WORD = re.compile(r"[A-Za-z]+\d{0,8}|[A-Za-z]{3,}\d{1,2}[A-Za-z]{3,}|\d+[A-Za-z]?|\d+x\d+")
_NO_WORD = re.compile(r"(?=.*[a-z])(?=.*[A-Z]).*(?i:[bcdfghjklmnpqrstvwxz]{5})")
_SHORTEST_PIECE = 6  # characters, of which any may be an abbreviation
_LEAST_RANDOM = 10  # characters in all
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONG = re.compile(r"(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)[A-Za-z0-9]{20,}")
_RUN = re.compile(r"[A-Z]+[a-z]*|[a-z]+|\d+")
_LONGEST_RUN = 3.0  # characters on average: those of names are longer


def redact(text: str, *, is_index: bool = False) -> str:
    """Hide passwords, tokens and signatures in a text, and in its URLs also what looks like a token.

    With `is_index` the text is the URL of a package index or a channel, whose path may hold a token anywhere.
    """
    return _hide(text, is_index=is_index, guess=True)


def has_credentials(text: str, *, is_index: bool = False) -> bool:
    """Tell whether a text grants access to something, without guessing; see `redact`."""
    return _hide(text, is_index=is_index, guess=False) != text


def has_marked_token(text: str) -> bool:
    """Tell whether a text holds a token of a service that marks its tokens."""
    return _MARKED.search(text) is not None


def _hide(text: str, *, is_index: bool, guess: bool) -> str:
    text = _USER_INFO.sub(_without_user, _BROKEN_USER_INFO.sub(rf"\1{HIDDEN}@", text))
    text = _PARAMETER.sub(lambda found: _without_value(*found.groups(), guess=guess), text)
    text = _PATH.sub(lambda found: found[1] + _without_tokens(found[2], is_index=is_index, guess=guess), text)
    return _MARKED.sub(HIDDEN, text)


def _without_user(found: re.Match[str]) -> str:
    sign, user = found.groups()
    is_ssh = found.string.endswith("ssh", 0, found.start())
    is_account = is_ssh and _ACCOUNT.fullmatch(user) and not _MARKED.search(user)
    return found[0] if is_account else f"{sign}{HIDDEN}@"


def _without_value(sign: str, name: str, value: str, *, guess: bool) -> str:
    plain = unquote(value)
    holds_one = plain != value and _hide(plain, is_index=False, guess=guess) != plain  # a URL in the URL
    hides = _SECRET_NAME.fullmatch(unquote(name)) or holds_one or (guess and _is_long_token(plain))
    return f"{sign}{name}={HIDDEN}" if hides else f"{sign}{name}={value}"


def _without_tokens(path: str, *, is_index: bool, guess: bool) -> str:
    index = _INDEX.search(path)
    before = path.count("/", 0, index.start()) if index else 0
    segments = path.split("/")

    def grants_access(number: int) -> bool:
        segment, last = segments[number], segments[number - 1] if number else ""
        in_index = is_index or number <= before
        if last == _BEFORE_TOKEN and (in_index or _is_random(segment) or _UUID.search(segment)):
            return True
        return (in_index and _is_random(segment)) or (guess and _is_long_token(segment))

    return "/".join(HIDDEN if segment and grants_access(number) else segment for number, segment in enumerate(segments))


def _is_random(segment: str) -> bool:
    """Tell whether no one would name a folder of an index so."""
    if _UUID.fullmatch(segment):
        return False
    return sum(map(len, _random_pieces(segment))) >= _LEAST_RANDOM


def _random_pieces(segment: str) -> Iterator[str]:
    for piece in _PIECE.findall(unquote(segment)):
        if len(piece) >= _SHORTEST_PIECE and (not _WORD.fullmatch(piece) or _NO_WORD.match(piece)):
            yield piece


def _is_long_token(text: str) -> bool:
    """Tell whether a text is so long and mixed that no one would name anything so; a hash is a name."""
    return bool(_LONG.fullmatch(text)) and len(text) / len(_RUN.findall(text)) <= _LONGEST_RUN
