"""Reading explicit locks: an installer that only splits lines has to find the same packages."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings, strategies

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.conda.explicit import CondaPackage, read_conda_packages, write_explicit

A, B = "a" * 64, "b" * 32
PARTS = (
    f"https://host/conda-forge/noarch/alpha-1.0-py_0.conda#sha256:{A}\n",
    f"https://host/conda-forge/linux-64/beta-2.0-h1_0.tar.bz2#{B}\n",
    f"file:///opt/mlpackage/channel/noarch/gamma-1-0.conda#{A}\n",
    "@EXPLICIT\n",
    "# platform: linux-64\n",
    "# license: alpha MIT\n",
    "# pip evil @ https://host/evil-1-py3-none-any.whl\n",
    "https://user:s3cret@host/noarch/",
    "https://host/t/s3cret/noarch/",
    "https://${TOKEN}/noarch/",
    "delta-1-0.conda",
    "#",
    f"#{B}\n",
    "@",
    " ",
    "\n",
    "\r",
    "\t",
    "\f",
    "\0",
    "\x85",
    "\u2028",
)
TEXTS = strategies.lists(strategies.one_of(strategies.sampled_from(PARTS), strategies.text(max_size=4)), max_size=12)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(text=TEXTS.map("".join))
def test_an_installer_finds_the_same(text: str) -> None:
    """Of an accepted lock, every line that is neither a comment nor the mark is one of its packages."""
    with suppress(LockError):
        found = read_conda_packages(text)
        lines = [line.strip() for line in text.splitlines()]
        entries = [line for line in lines if line and not line.startswith(("#", "@"))]

        assert [str(package).replace("#sha256:", "#") for package in found] == [
            entry.replace("#sha256:", "#") for entry in entries
        ]
        assert not [word for word in ("s3cret", "${") if word in "".join(map(str, found))]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(license_text=strategies.text(max_size=40))
def test_a_channel_adds_no_line(license_text: str) -> None:
    """What a channel gives as a licence is one line of the lock, whatever it holds."""
    package = CondaPackage(
        url="https://host/noarch/alpha-1-0.conda",
        subdir="noarch",
        file="alpha-1-0.conda",
        sha256=A,
        md5="",
        license=license_text,
    )

    (read,) = read_conda_packages(write_explicit((package,), "linux-64"))

    assert (read.url, read.sha256) == (package.url, A)
