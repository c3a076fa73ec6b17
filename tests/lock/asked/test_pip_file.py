from __future__ import annotations

import pytest

from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.lock.asked.pip_file import Line, Option, logical_lines, options_of, split_options


@pytest.mark.parametrize(
    "content",
    [
        "numpy\n# é\n".encode(),
        b"\xef\xbb\xbf" + "numpy\n# é\n".encode(),
        b"\xff\xfe" + "numpy\n# é\n".encode("utf-16-le"),
        b"\xfe\xff" + "numpy\n# é\n".encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16-le", "utf-16-be"],
)
def test_decode(content: bytes) -> None:
    """`decode` follows a byte order mark and removes it from the text."""
    assert decode(content) == "numpy\n# é\n"


def test_decode_refuses_other_encodings() -> None:
    """`decode` refuses Latin-1 text and guesses no encoding."""
    with pytest.raises(UnicodeDecodeError):
        decode("# é".encode("latin-1"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("numpy", [(1, "numpy")]),
        ("\n  numpy  \n\n", [(2, "numpy")]),
        ("numpy\r\nscipy\rpandas\n", [(1, "numpy"), (2, "scipy"), (3, "pandas")]),
        ("# all\nnumpy # some\n#numpy\nscipy#no comment\n", [(2, "numpy"), (4, "scipy#no comment")]),
        ("a @ https://x/a.whl#sha256=0  # why\n", [(1, "a @ https://x/a.whl#sha256=0")]),
        ("numpy \\\n  >=1 \\\n  ,<2\nscipy", [(1, "numpy   >=1   ,<2"), (4, "scipy")]),
        ("--index-\\\nurl x\nnum\\\\\npy", [(1, "--index-url x"), (3, "numpy")]),
        ("numpy \\\n# ends it \\\nscipy", [(1, "numpy"), (3, "scipy")]),
        ("numpy \\\n", [(1, "numpy")]),
        ("# no continuation \\\nnumpy", [(2, "numpy")]),
        ("# a page\fnumpy # more\u2028scipy", [(2, "numpy"), (3, "scipy")]),
    ],
)
def test_logical_lines(text: str, lines: list[tuple[int, str]]) -> None:
    """Continuation lines, comments and line numbers follow pip's rules."""
    assert list(logical_lines(text)) == [Line(*line) for line in lines]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("numpy", ("numpy", "")),
        ("--pre", ("", "--pre")),
        ("numpy==1 --hash=sha256:0 --hash sha256:1", ("numpy==1", "--hash=sha256:0 --hash sha256:1")),
        ("my-package ; python_version<'3' --hash=a:b", ("my-package ; python_version<'3'", "--hash=a:b")),
    ],
)
def test_split_options(text: str, parts: tuple[str, str]) -> None:
    """Options are split from the requirement, and a hyphen inside a name does not start one."""
    assert split_options(text) == parts


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", []),
        ("-r a.txt", [("--requirement", "a.txt")]),
        ("-ra.txt", [("--requirement", "a.txt")]),
        ("--requirement=a.txt", [("--requirement", "a.txt")]),
        ("-r 'my file.txt'", [("--requirement", "my file.txt")]),
        (
            "-i https://x -f https://y --pre",
            [("--index-url", "https://x"), ("--find-links", "https://y"), ("--pre", "")],
        ),
        ("--extra-index-url https://x/?a=b", [("--extra-index-url", "https://x/?a=b")]),
        ("--unknown", [("--unknown", "")]),
        ("-x", [("-x", "")]),
    ],
)
def test_options(text: str, options: list[tuple[str, str]]) -> None:
    """Options are read in each of the ways they can be written."""
    assert options_of(text) == tuple(Option(*option) for option in options)


@pytest.mark.parametrize(("text", "why"), [("-r", "--requirement has no value"), ("-r 'a", "No closing quotation")])
def test_options_refused(text: str, why: str) -> None:
    """An option without its value, or with an open quotation mark, is refused."""
    with pytest.raises(ValueError, match=why):
        options_of(text)
