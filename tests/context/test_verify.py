from __future__ import annotations

import os

import pytest

from hatch_mlpackage.context.verify import reason_to_keep, require_proven, verify_context
from hatch_mlpackage.errors import ContextError

# jq -cSj "del(.digest)" manifest.json | sha256sum
DIGEST = "sha256:41d35826cd63044e699290193e9455bf6bc21679fc707596895095dcbdafad90"
SHA_OF_A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def test_untouched(context):
    """An untouched context has no differences and may be replaced."""
    assert verify_context(context) == ()
    assert reason_to_keep(context) == ""


CHANGES = [
    (lambda d: (d / "a").write_text("b"), "a: other contents"),
    (lambda d: (d / "a").write_text("bb"), "a: 2 bytes, expected 1"),
    (lambda d: (d / "sub/b").chmod(0o755), "sub/b: mode 0755, expected 0644"),
    (lambda d: (d / "a").unlink(), "a: missing"),
    (lambda d: (d / "sub/new").write_text(""), "sub/new: added"),
    (lambda d: (d / "empty").mkdir(), "empty: added"),
    (lambda d: (d / "a\n\x1b[2J").touch(), "a\\n\\x1b[2J: added"),
    (lambda d: (d / "sub").chmod(0o777), "sub/: mode 0777, expected 0755"),
    (lambda d: (d / "manifest.json").chmod(0o666), "manifest.json: mode 0666, expected 0644"),
    (
        lambda d: ((d / "manifest.json").rename(d.parent / "m"), (d / "manifest.json").symlink_to("../m")),
        "manifest.json: not a regular file",
    ),
    (lambda d: ((d / "a").unlink(), os.mkfifo(d / "a")), "a: not a regular file"),
    (lambda d: ((d / "a").unlink(), (d / "a").symlink_to(d / "a")), "a: not a regular file"),
    (lambda d: ((d / "a").unlink(), (d / "a").symlink_to("sub/b")), "a: not a regular file"),
    (
        lambda d: (d / "manifest.json").write_text((d / "manifest.json").read_text().replace('"p"', '"q"')),
        "manifest.json: changed (its digest does not fit its contents)",
    ),
]


@pytest.mark.parametrize(("change", "difference"), CHANGES)
def test_one_change(context, change, difference):
    """`verify_context` names one changed byte, file, mode or name."""
    change(context)

    assert verify_context(context) == (difference,)


def test_several_changes_are_sorted(context):
    """`verify_context` reports all differences, sorted."""
    (context / "sub/b").write_text("c")
    (context / "0").write_text("")

    assert verify_context(context) == ("0: added", "sub/b: other contents")


def test_hand_made_changes_are_kept(context):
    """A context that somebody edited is not replaced, and the reason names the files."""
    (context / "a").write_text("b")

    assert reason_to_keep(context) == "holds changes made by hand (a: other contents)"


def test_a_new_time_alone_is_no_change(context):
    """A file with a new time and the same bytes may be replaced."""
    os.utime(context / "a", (1, 1))

    assert reason_to_keep(context) == ""


def test_a_folder_that_is_a_link(context):
    """A folder that is a link, even to the same files, is an addition, and what should be in it is missing."""
    (context / "sub").rename(context.parent / "sub")
    (context / "sub").symlink_to("../sub")

    assert verify_context(context) == ("sub/b: missing", "sub: added")


def test_the_mode_of_the_context_itself(context):
    """The mode of the folder that holds the context is its owner's affair."""
    context.chmod(0o700)

    assert verify_context(context) == ()


def test_the_digest(context):
    """The digest that a reader expects is compared with the manifest's."""
    assert verify_context(context, DIGEST) == ()
    assert verify_context(context, f"sha256:{SHA_OF_A}") == (
        f"manifest.json: digest {DIGEST}, expected sha256:{SHA_OF_A}",
    )


def test_a_new_mode_of_a_folder_may_be_replaced(context):
    """A mode that a checkout or a copy gave a folder loses nothing when the context is replaced."""
    (context / "sub").chmod(0o700)

    assert reason_to_keep(context) == ""


def test_what_is_required(context):
    """The error lists the first ten differences, and the remedy."""
    require_proven(context, "Do this.")
    for number in range(12):
        (context / f"new-{number:02}").touch()

    with pytest.raises(ContextError) as raised:
        require_proven(context, "Do this.")

    listed = "\n".join(f"new-{number:02}: added" for number in range(10))
    assert str(raised.value) == f"{context}: was changed after it was written:\n{listed}\nand 2 more\nDo this."
