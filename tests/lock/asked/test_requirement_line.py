from __future__ import annotations

import pytest

from hatch_mlpackage.lock.asked.requirement_line import (
    AS_REQUIREMENT,
    CREDENTIALS_FIX,
    RefusedRequirementError,
    canonical,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NumPy", "numpy"),
        ("ruamel_yaml.clib", "ruamel-yaml-clib"),
        ("numpy == 1.26.4", "numpy==1.26.4"),
        ("numpy>=1,<2", "numpy<2,>=1"),
        ("numpy ~= 1.26", "numpy~=1.26"),
        ("azureml-core==1.0.72.*", "azureml-core==1.0.72.*"),
        ("torch==2.0.0rc1.post1.dev2", "torch==2.0.0rc1.post1.dev2"),
        ("uvicorn[Standard,http_tools]", "uvicorn[http-tools,standard]"),
        ("numpy (>=1)", "numpy>=1"),
        ("numpy; python_version<'3.11'", 'numpy; python_version < "3.11"'),
        ("a @ https://x/a-1-py3-none-any.whl", "a @ https://x/a-1-py3-none-any.whl"),
        ("A@https://x/a-1-py3-none-any.whl#sha256=0", "a @ https://x/a-1-py3-none-any.whl#sha256=0"),
        ("https://x/A_b-1-py3-none-any.whl?raw=true", "a-b @ https://x/A_b-1-py3-none-any.whl?raw=true"),
        ("http://x/t-1%2Bcpu-cp39-cp39-linux_x86_64.whl", "t @ http://x/t-1%2Bcpu-cp39-cp39-linux_x86_64.whl"),
        (
            "https://x/a-1-py3-none-any.whl ; python_version<'3'",
            'a @ https://x/a-1-py3-none-any.whl ; python_version < "3"',
        ),
    ],
)
def test_canonical(text: str, expected: str) -> None:
    """Every way of writing a requirement becomes one canonical spelling."""
    assert canonical(text) == expected


CONFLICT = "a merge-conflict marker is left in the file."
PLACEHOLDER = "a template placeholder is not filled in."
VARIABLE = "an environment variable would make the lock differ from machine to machine."
CONTROL = "a version control URL cannot be used here."
FILE_URL = "a file URL cannot be used here."
LOCAL = "a local path cannot be used here."
SINGLE = "a single `=` is conda's spelling; pip compares versions with two."
SHELL = "this is a shell command, not a requirement."
ARCHIVE = "the URL names neither a wheel (.whl) nor a source archive (.tar.gz, .zip)."


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<<<<<<< HEAD", CONFLICT),
        ("=======", CONFLICT),
        (">>>>>>> main", CONFLICT),
        ("azureml-core=={{latest-pypi-version}}", PLACEHOLDER),
        ("{% if x %}", PLACEHOLDER),
        ("numpy==${VERSION}", VARIABLE),
        ("git+https://host/a.git", CONTROL),
        ("a @ git+ssh://git.host/a.git", CONTROL),
        ("hg+https://host/a", CONTROL),
        ("file:///a-1-py3-none-any.whl", FILE_URL),
        ("a @ file:///a-1-py3-none-any.whl", FILE_URL),
        (".", LOCAL),
        ("..", LOCAL),
        ("./a", LOCAL),
        ("../a", LOCAL),
        ("/opt/a", LOCAL),
        ("~/a", LOCAL),
        ("C:\\a", LOCAL),
        ("dist/a-1-py3-none-any.whl", LOCAL),
        ("a-1.tar.gz", LOCAL),
        ("numpy=1.19", SINGLE),
        ("numpy =1.19", SINGLE),
        ("numpy=1.19=py37", SINGLE),
        ("pip install numpy", SHELL),
        ("https://host/a/archive/main.zip", ARCHIVE),
        ("a @ https://host/a-1.tar.gz", ARCHIVE),
        ("a @ https://host/wrong.whl", ARCHIVE),
    ],
)
def test_refused(text: str, what: str) -> None:
    """A line that cannot be locked is refused with the reason and a next step."""
    with pytest.raises(RefusedRequirementError) as refused:
        canonical(text)

    assert (refused.value.what, bool(refused.value.fix)) == (what, True)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("a @ https://user:secret@host/a-1-py3-none-any.whl", CREDENTIALS_FIX),
        ("git+https://token@host/a.git", CREDENTIALS_FIX),
        ("https://host/a-1-py3-none-any.whl?sig=secret", CREDENTIALS_FIX),
        ("git+https://host/a.git", AS_REQUIREMENT),
    ],
)
def test_refused_with_its_fix(text: str, fix: str) -> None:
    """The fix says how to remove credentials from a URL or else how to name a source as a requirement."""
    with pytest.raises(RefusedRequirementError) as refused:
        canonical(text)

    assert refused.value.fix == fix


@pytest.mark.parametrize(
    "text", ["numpy 1.2", "numpy>=", "numpy>=1.*", "-", "[extra]", "numpy;", "(" * 3000, "a;" + "(" * 3000]
)
def test_not_understood(text: str) -> None:
    """A line that is not a valid requirement is refused with the parser's own reason."""
    with pytest.raises(RefusedRequirementError, match=r"^this is not a requirement that pip understands: .+\. Write "):
        canonical(text)
