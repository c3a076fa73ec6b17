from __future__ import annotations

import pytest

from hatch_mlpackage.lock.asked.redact import has_credentials, redact


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://user:pass@host/simple", "https://****@host/simple"),
        ("git+https://ghp_token@host/a.git", "git+https://****@host/a.git"),
        ("https://${USER}:${PASSWORD}@host/simple", "https://****@host/simple"),
        ("https://user:p@ss@host/simple", "https://****@host/simple"),
        ("https://host/a.whl?sv=1&sig=abc%2B#sha256=0", "https://host/a.whl?sv=1&sig=****#sha256=0"),
        ("https://host/a.whl?X-Amz-Signature=abc&b=1", "https://host/a.whl?X-Amz-Signature=****&b=1"),
        ("https://host/a.whl?access_token=abc", "https://host/a.whl?access_token=****"),
    ],
)
def test_credentials_are_hidden(text: str, hidden: str) -> None:
    """User names, passwords, tokens and signatures in URLs are found and hidden."""
    assert (has_credentials(text), redact(text), has_credentials("")) == (True, hidden, False)


@pytest.mark.parametrize(
    "text", ["https://host/simple", "a @ https://host/a.whl?raw=true#sha256=0", "me@example.org", "a>=1 # x@y://z"]
)
def test_others_stay(text: str) -> None:
    """What holds no credentials is left as it is."""
    assert (has_credentials(text), redact(text)) == (False, text)
