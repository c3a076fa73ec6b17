"""Quote text from outside for the formats that are written; the text may be hostile.

Each format has one function, which refuses what the format cannot carry. TOML has its own in `toml`, and JSON is
written by the standard library.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence

from hatch_mlpackage.errors import MLPackageError

_SAFE_WORD = re.compile(r"(?:[A-Za-z0-9@%+=:,./_-]|(?<=[A-Za-z0-9+.])~)+")  # a shell expands other tildes

_NOT_OF_A_FILE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # other surrogates stand for bytes of a file's name


def is_one_line(text: str) -> bool:
    """Tell whether a text is printable on one line; tabs are, and halves of characters are not."""
    return text.replace("\t", "").isprintable()


def escaped(text: str) -> str:
    """Escape what a terminal would not print, such as line breaks and colours."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def quote_for_dockerfile(value: str) -> str:
    """Quote a value of ENV or LABEL so that the builder neither splits nor expands it."""
    plain = _one_line(value, "a Dockerfile").replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{plain}"'


def word_for_dockerfile(word: str) -> str:
    """Return a word of FROM, COPY or RUN unchanged; refuse one that the builder or its shell would take apart."""
    if not _SAFE_WORD.fullmatch(word):
        raise MLPackageError(f"{word!r} cannot be a word of a Dockerfile. Rename it with letters, digits and dashes.")
    return word


def paths_for_dockerfile(paths: Sequence[str]) -> str:
    """Write the paths of a COPY as JSON; refuse those in which the builder would expand a variable or a pattern."""
    for path in paths:
        if re.search(r"[*?\[\]$\\]", _one_line(path, "a Dockerfile")):
            raise MLPackageError(f"{path!r} has a character that a Dockerfile reads as a pattern. Rename the file.")
    return json.dumps(list(paths), ensure_ascii=False)


def quote_for_shell(word: str) -> str:
    """Quote a word of a command line in a file."""
    return shlex.quote(_one_line(word, "a command line"))


def shown_word(word: object) -> str:
    """Quote a word of a command line that is shown to a person, who may have to copy any path that there is.

    What cannot be printed is written as the bytes of the file system, which bash, zsh and POSIX of 2024 read.
    """
    text = str(word)
    if is_one_line(text):
        return shlex.quote(text)
    written = (
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\'" else f"\\x{byte:02x}"  # noqa: PLR2004 - of ASCII
        for byte in _NOT_OF_A_FILE.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    )
    return f"$'{''.join(written)}'"


def shown_command(words: Iterable[object]) -> str:
    return " ".join(map(shown_word, words))


def quote_below_variable(variable: str, path: str) -> str:
    """Quote a path below a folder that a shell variable names: `"$PROJECT/models"`."""
    quoted = quote_for_shell(path)
    return f'"${variable}/{path}"' if quoted == path else f'"${variable}"/{quoted}'


def quote_for_yaml(value: object) -> str:
    """Write a text, or what JSON can hold, as YAML's flow style on one line, with texts in double quotes."""
    written = json.dumps(value, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in written):
        raise MLPackageError(f"{value!a} holds half a character, which YAML cannot hold. Write it whole.")
    # YAML reads all escapes of JSON, but breaks lines at more characters, and allows fewer to stand as they are.
    return re.sub(r"[^\x20-\x7e]", _as_yaml, written)


def code_line(text: str) -> str:
    """Return a line of a code block of Markdown, indented so that nothing in it has a meaning there."""
    return f"    {_one_line(text, 'a line of a README')}"


def _as_yaml(found: re.Match[str]) -> str:
    one = found[0]
    if one.isprintable():
        return one
    return f"\\u{ord(one):04x}" if one <= "\uffff" else f"\\U{ord(one):08x}"


def _one_line(text: str, what: str) -> str:
    if not is_one_line(text):
        raise MLPackageError(f"{text!a} holds a line break or control character, which {what} cannot hold. Remove it.")
    return text
