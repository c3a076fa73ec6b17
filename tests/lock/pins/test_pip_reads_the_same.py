"""Read hostile locks both here and with pip's own reader: what is accepted here means the same to pip."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pip._internal.req.req_file import RequirementsFileParser, get_line_parser

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER, LockedLines, Pin, read_lines

A, B = (f"--hash=sha256:{letter * 64}" for letter in "ab")
# What locks consist of, and what somebody would add who wants the two readers to differ.
PARTS = (
    f"alpha==1.0 \\\n    {A}\n    # via -r requirements.in\n",
    f"Beta_b[x,y]==2!1.0+cpu ; python_version < '3' {A} {B}\n",
    f"gamma @ https://host/gamma-1-py3-none-any.whl#sha256={'a' * 64} \\\n    {A}\n",
    f"./wheels/lib-1.0-py3-none-any.whl \\\n    {A}\n",
    "--index-url https://host/simple\n",
    "--extra-index-url=https://host/simple\n",
    "# a comment\n",
    "# coding: utf-7\n",
    "# +AAo---pre\n",
    "--no-binary :all:\n",
    "-i https://host\n",
    "-r other.txt\n",
    "-e .\n",
    "alpha==",
    "1.0",
    "alpha",
    "[x]",
    " @ ",
    "https://host/a.whl",
    " ; ",
    "sys_platform == 'linux'",
    "' --pre '",
    '"',
    A,
    B,
    "--hash",
    "sha256:",
    "--global-option=x",
    "--config-settings a=b",
    "${HOME}",
    "#",
    " #",
    "\\",
    "\\\n",
    "\\\\\n",
    " ",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\f",
    "\v",
    "\0",
    "\x85",
    "\u2028",
    "\ufeff",
    "\u00a0",
    "-",
    "=",
)
TEXTS = strategies.lists(
    strategies.one_of(strategies.sampled_from(PARTS), strategies.text(max_size=4)), max_size=14
).map("".join)
WHOLE = strategies.lists(strategies.sampled_from(PARTS[:8]), max_size=6).map("".join)


# What the requirements may name, and what pip makes of it.
OPTIONS = {
    "--index-url https://host/simple": {"index_url": "https://host/simple"},
    "--extra-index-url=https://host/simple": {"extra_index_urls": ["https://host/simple"]},
}


@settings(max_examples=500, deadline=None, derandomize=True)
@given(text=strategies.one_of(TEXTS, WHOLE, strategies.tuples(WHOLE, TEXTS, WHOLE).map("".join)))
def test_pip_reads_the_same(text: str) -> None:
    """Each lock that is accepted has the options and pins for pip that it has here, and nothing else."""
    try:
        ours = read_lines(text)
    except LockError:
        return
    if any(line.text not in OPTIONS for line in ours.options):
        return  # the lock is refused, because nothing asks for it

    assert read_by_pip(text) == (
        [OPTIONS[line.text] for line in ours.options],
        [as_pip_has_it(pin) for pin in ours.pins],
    )


def as_pip_has_it(pin: Pin) -> tuple[str, ...]:
    if pin.file:
        return (f"./{WHEELS_FOLDER}/{pin.file}", "", "", *sorted(set(pin.hashes)))
    return (pin.name, pin.version or pin.url or "", pin.marker, *sorted(set(pin.hashes)))


def read_by_pip(text: str) -> tuple[list[dict[str, Any]], list[tuple[str, ...]]]:
    """Return the option lines, and the name, version or URL, marker and hashes of each requirement."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_bytes(text.encode())
        parser: Any = RequirementsFileParser(None, get_line_parser(None))  # type: ignore[arg-type]
        lines = list(parser.parse(str(path), constraint=False))
    usual = vars(get_line_parser(None)("alpha==1.0")[1])
    options, pins = [], []
    for line in lines:
        given_options = {name: value for name, value in vars(line.opts).items() if value != usual[name]}
        if line.requirement is None:
            options.append(given_options)
            continue
        assert set(given_options) == {"hashes"}
        hashes = {f"{kind}:{one}" for kind, many in given_options["hashes"].items() for one in many}
        pins.append((*parts_of(line.requirement), *sorted(hashes)))
    return options, pins


def parts_of(text: str) -> tuple[str, str, str]:
    if text.startswith("./"):
        return text.strip(), "", ""
    read = Requirement(text)
    version = next((part.version for part in read.specifier), "")
    return canonicalize_name(read.name), read.url or version, text.partition(" ;")[2].strip()


def test_strategies_reach_both_answers() -> None:
    """The parts above make locks that are accepted: the property is not empty."""
    accepted: list[LockedLines] = []

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(text=WHOLE)
    def collect(text: str) -> None:
        with contextlib.suppress(LockError):
            accepted.append(read_lines(text))

    collect()

    assert any(lines.pins for lines in accepted)
    assert any(lines.options for lines in accepted)
