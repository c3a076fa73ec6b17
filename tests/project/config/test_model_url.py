from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.project.config.model_url import SCHEMES, is_host, needs_hash, url_problem

LISTED = "A model may have a URL of https, s3, gs, az, abfs, abfss or hf, or of http with a sha256."
LOCAL = f"Put a file of this machine into the project, and name its path. {LISTED}"
SECRET = (
    "the URL holds a password, or a query, which may be a signature.",
    "Write the URL without it, and put the credentials into the settings of the store, or into ~/.netrc for https.",
)
ODD = "the URL holds `#`, `\\`, `::` or a character that cannot be printed.", "Rename the file in its store."


@pytest.mark.parametrize(
    "url",
    [
        "https://models.example/a/model.onnx",
        "https://models.example:8443/a b/modèle.onnx",
        "https://bücher.example/model.onnx",
        "https://[2606:4700::1]/model.onnx",
        "https://localhost/model.onnx",
        "http://models.example/model.onnx",
        "s3://my_bucket/folder/model.onnx",
        "gs://bucket/model.onnx",
        "az://container/model.onnx",
        "abfs://container/model.onnx",
        "abfss://container/model.onnx",
        "hf://organisation/repository@main/model.onnx",
    ],
)
def test_urls_that_may_be_fetched(url):
    """A file on a web server or in a store of the list may be a model."""
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("file:///etc/passwd", ("'file' is no scheme that a model may have.", LOCAL)),
        ("local:///etc/passwd", ("'local' is no scheme that a model may have.", LOCAL)),
        ("memory://x", ("'memory' is no scheme that a model may have.", LOCAL)),
        ("github://a:b@main/x", ("'github' is no scheme that a model may have.", LOCAL)),
        ("reference://x", ("'reference' is no scheme that a model may have.", LOCAL)),
        ("FILE:///etc/passwd", ("'FILE' is no scheme that a model may have.", LOCAL)),
        ("wasbs://container/x", ("'wasbs' is no scheme that a model may have.", LOCAL)),
        ("../../x://y", ("this is no scheme that a model may have.", LOCAL)),
        ("simplecache::file:///etc/passwd", ("the URL chains one file system to another.", LISTED)),
        ("zip://a::https://models.example/x.zip", ("'zip' is no scheme that a model may have.", LOCAL)),
        ("HTTPS://models.example/x", ("'HTTPS' is not written in lowercase.", "Write https://.")),
        ("s3://bucket/a::file:///etc/passwd", ODD),
        ("https://models.example/a#b", ODD),
        ("https://models.example/a\\b", ODD),
        ("https://models.example/a\nb", ODD),
        ("https://me:secret@models.example/x", SECRET),
        ("abfss://c:secret@a.dfs.core.windows.net/x", SECRET),
        (
            "abfss://c@a.dfs.core.windows.net/x",
            (
                "the URL names the account of its container.",
                "Write abfss://c/…, and name the account in AZURE_STORAGE_ACCOUNT_NAME.",
            ),
        ),
        ("https://models.example/x?", SECRET),
        ("https://models.example/x?sig=secret", SECRET),
        ("https:///etc/passwd", ("'https:///etc/passwd' does not name a host or a bucket.", "Correct it.")),
        ("https://a b/x", ("'https://a b/x' does not name a host or a bucket.", "Correct it.")),
        ("s3:///x", ("'s3:///x' does not name a host or a bucket.", "Correct it.")),
        ("https://[::1/x", ("the URL cannot be read: Invalid IPv6 URL.", "Correct it.")),
        (
            "https://models.example:x/y",
            ("the URL cannot be read: Port could not be cast to integer value as 'x'.", "Correct it."),
        ),
        *(
            (url, (f"'{url}' does not name a file.", "A model that is declared by URL is one file."))
            for url in ("s3://bucket/folder/", "https://models.example", "https://models.example/a/..")
        ),
    ],
)
def test_urls_that_are_refused(url, problem):
    """Everything else is refused, with the next step."""
    assert url_problem(url) == problem


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.text(max_size=12), st.text(max_size=20), st.sampled_from(["file", "local", *SCHEMES]))
def test_any_text(scheme, rest, known):
    """Any text is judged without an error, and only one of the listed schemes is let through."""
    for url in (f"{scheme}://{rest}", f"{known}://{rest}", f"{scheme}::{known}://{rest}", f"{known}{scheme}://{rest}"):
        assert url_problem(url) is not None or url.startswith(tuple(f"{one}://" for one in SCHEMES))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("models.example", "MODELS", "my_store", "127.0.0.1", "::1", "bücher.example")),
        *((name, False) for name in ("", "https://x", "x:80", "*.example", "a b", "x/y", "-x", "a..b", "ü" * 80)),
    ],
)
def test_hosts(name, expected):
    """A host is a name or an address, with nothing around it."""
    assert is_host(name) is expected


def test_what_needs_a_hash():
    """A file that is not encrypted on its way needs a hash."""
    assert [url for url in ("http://a/b", "https://a/b", "s3://a/b") if needs_hash(url)] == ["http://a/b"]
