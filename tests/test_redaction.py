"""What grants access to something never leaves the program in its output, and everything else stays as it is."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
import time
from dataclasses import asdict
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.errors import ConfigurationError, LockError, Problem
from hatch_mlpackage.redaction import has_credentials, redact

QUICK = settings(derandomize=True, max_examples=400, deadline=None)
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SHA256 = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
B62 = "9fKzQx3vYbN1mWp2"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://user:pass@host/simple", "https://****@host/simple"),
        ("git+https://ghp_token@host/a.git", "git+https://****@host/a.git"),
        ("https://${USER}:${PASSWORD}@host/simple", "https://****@host/simple"),
        ("https://user:p@ss@host/simple", "https://****@host/simple"),
        ("https://user:pa/ss@host/simple", "https://****@host/simple"),
        ("ssh://git:pass@host/a", "ssh://****@host/a"),
        ("https://host/a.whl?sv=1&sig=abc%2B#sha256=0", "https://host/a.whl?sv=1&sig=****#sha256=0"),
        ("https://host/a.whl?X-Amz-Signature=abc&b=1", "https://host/a.whl?X-Amz-Signature=****&b=1"),
        ("https://host/a.whl?access_token=abc", "https://host/a.whl?access_token=****"),
        ("https://host/a?AWSAccessKeyId=a&Signature=b", "https://host/a?AWSAccessKeyId=****&Signature=****"),
        ("https://host/a?%73ig=abc", "https://host/a?%73ig=****"),
        ("https://host/a#access_token=abc", "https://host/a#access_token=****"),
        ("https://host/a;jsessionid=1?b=2", "https://host/a;jsessionid=****"),
        ("https://host/a?to=https%3A%2F%2Fb%3Fsig%3Dabc&c=1", "https://host/a?to=****&c=1"),
        (
            "max retries exceeded with url: /simple/x/?token=abc (x)",
            "max retries exceeded with url: /simple/x/?token=**** (x)",
        ),
        (f"with url: /{B62}/simple/x/ (x)", "with url: /****/simple/x/ (x)"),
        (f"https://dl.example/{B62}/team/python/simple/numpy/", "https://dl.example/****/team/python/simple/numpy/"),
        (f"https://host/t/{UUID}/channel", "https://host/t/****/channel"),
        (f"https://hooks.example/services/{B62}{B62}", "https://hooks.example/services/****"),
        (f"login with hf_{B62}{B62} failed", "login with **** failed"),
        (f"{{'token': 'ghp_{B62}{B62}'}}", "{'token': '****'}"),
        ("https://a:b@c/d, https://e:f@g/h", "https://****@c/d, https://****@g/h"),
        ("https:/user:pass@host/r.txt does not exist", "https:/****@host/r.txt does not exist"),
        ("/project/https:/user:pa/ss@host/r.txt", "/project/https:/****@host/r.txt"),
        (f"https:/host/t/{B62}/channel", "https:/host/t/****/channel"),
        ("git+ssh:/git:pass@host/a", "git+ssh:/****@host/a"),
    ],
)
def test_what_is_hidden(text, hidden):
    """User names, passwords, tokens and signatures are hidden, wherever in a text they stand, and once is enough."""
    assert (redact(text), redact(hidden)) == (hidden, hidden)


ORDINARY = (
    "C:/models@2/a.pkl",
    "git+ssh:/git@host/a.git",
    "https://host/simple",
    "https://packages.example/simple/numpy/",
    "https://pkgs.dev.azure.example/team/_packaging/feed@Local/pypi/simple/",
    f"https://pkgs.dev.azure.example/team/{UUID}/_packaging/python-packages-2024/pypi/simple",
    "https://gitlab.example/api/v4/projects/12345678/packages/pypi/simple",
    "https://team.jfrog.example/artifactory/api/pypi/pypi-virtual/simple",
    "https://us-central1-python.pkg.example/project-id-4f8a2c1b/my-repository/simple/",
    "https://host:8443/root/pypi/+simple/",
    f"https://files.example/packages/ab/cd/{SHA256}/torch-2.1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
    "a @ https://host/a.whl?raw=true#sha256=0",
    "git+https://host/a/b.git@9fceb02d0ae598e95dc970b74767f19372d61af8#egg=b&subdirectory=c",
    "git+ssh://git@host/a.git",
    "https://discuss.example/t/how-to-lock-a-model/1234",
    "https://host/models/DeepSeek-R1-Distill-Qwen-32B/GPTNeoXForCausalLM/T5ForConditionalGeneration/model.safetensors",
    "https://conda.example/conda-forge/linux-64/pytorch-2.1.0-cuda112py311h0123abc_300.conda#" + SHA256,
    "s3://bucket/folder/model.onnx?versionId=3HL4kqtJlcpXroDTDmJ",
    "http://[::1]:8080/a@b?q=x@y",
    "me@example.org",
    "a>=1 # x@y://z",
    f"numpy==1.2 --hash=sha256:{SHA256}",
    "tool.mlpackage.environment-variables.TOKEN: is set; key = value",
    "docker run -e A=b --publish 127.0.0.1:5001:5001 ridge:1.0",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_what_stays(text):
    """URLs and texts without credentials stay as they are."""
    assert (redact(text), has_credentials(text)) == (text, False)


def test_an_index_with_a_token_anywhere():
    """In the URL of an index any folder may be a token; elsewhere it may be a name."""
    text = f"https://pypi.example/{B62}/team/"

    assert (redact(text, is_index=True), has_credentials(text, is_index=True), has_credentials(text)) == (
        "https://pypi.example/****/team/",
        True,
        False,
    )


def token_of(seed, shape):
    """Return a token as services make them: from random bytes, here those of a hash."""
    random = hashlib.sha512(str(seed).encode()).digest()
    urlsafe = base64.urlsafe_b64encode(random).decode()
    mixed = urlsafe.replace("-", "").replace("_", "")
    return {"hex": random.hex()[:40], "urlsafe": urlsafe[:43], "mixed": mixed[:32]}[shape]


seeds, shapes = st.integers(0, 2**64), st.sampled_from(["hex", "urlsafe", "mixed"])
tokens = st.builds(token_of, seeds, shapes)
words = st.text(string.ascii_lowercase, min_size=2, max_size=12)
# Names of parameters that hide their values: "sig" is one, and so is "mytoken".
names = words.filter(lambda word: not re.search("auth|code|cred|key|pass|pwd|secret|sig|token", word))
hosts = st.builds("{}.example".format, words)
ports = st.sampled_from(["", ":8443"])
schemes = st.sampled_from(["https", "http", "s3", "git+https", "HTTPS", "svn+http"])
# Any text, quoted as a URL needs it.
secrets = st.text(min_size=8, max_size=40).filter(lambda text: text.strip()).map(lambda text: quote(text, safe=""))
parameters = st.sampled_from(
    [
        *("sig", "Signature", "X-Amz-Signature", "X-Amz-Security-Token", "X-Goog-Signature", "token", "access_token"),
        *("api_key", "apikey", "accessToken", "client_secret", "password", "refresh-token", "private_token", "code"),
    ]
)
paths = st.lists(words, max_size=3)
numbered = st.from_regex(r"[a-z]{2,8}[-_.]?v?[0-9]{1,3}", fullmatch=True)
marks = st.sampled_from(["hf_", "ghp_", "gho_", "github_pat_", "glpat-", "npm_", "sk-", "sk-proj-"])
around = st.sampled_from(
    ["{}", "GET {} failed", "'{}'", '"{}"', "<{}>", "({})", "Error: {}: refused", "{}\n{}", "x={}"]
)


def hidden_in(secret, text):
    return secret not in redact(text)


@QUICK
@given(schemes, secrets, secrets, hosts, ports, words, around)
def test_no_password_is_shown(scheme, user, password, host, port, path, text):
    """Neither the user nor the password of any URL is in the output, and the rest of the URL is."""
    shown = redact(text.format(*[f"{scheme}://{user}:{password}@{host}{port}/{path}"] * 2))

    assert shown == text.format(*[f"{scheme}://****@{host}{port}/{path}"] * 2)


@QUICK
@given(schemes, hosts, words, names, parameters, secrets, names, around)
def test_no_signature_is_shown(scheme, host, path, name, parameter, secret, after, text):
    """The value of a parameter that grants access is not in the output, and the rest of the URL is."""
    url = f"{scheme}://{host}/{path}?x{name}=1&{parameter}={{}}&y{after}=2"

    assert redact(text.format(*[url.format(secret)] * 2)) == text.format(*[url.format("****")] * 2)


@QUICK
@given(hosts, paths, tokens, paths, st.sampled_from(["", "/", "/a/"]), around)
def test_no_token_of_an_index_is_shown(host, before, token, after, page, text):
    """A token in the path of an index is not in the output, and its other folders are."""
    url = "/".join([f"https://{host}", *before, "{}", *after, "simple"]) + page

    assert redact(text.format(*[url.format(token)] * 2)) == text.format(*[url.format("****")] * 2)
    assert has_credentials(url.format(token))


@QUICK
@given(
    seeds,
    st.sampled_from(["hf_", "ghp_", "gho_", "github_pat_", "glpat-", "npm_", "sk-", "sk-proj-"]),
    st.text(max_size=9),
)
def test_no_marked_token_is_shown(seed, mark, text):
    """A token that its service marks is not in the output, whatever stands around it."""
    token = mark + token_of(seed, "mixed")

    for shown in (f"{text} {token} {text}", f"https://host/{token}/a?b={token}", json.dumps({"a": [token]})):
        assert hidden_in(token, shown)
        assert hidden_in(token_of(seed, "mixed"), shown)


@QUICK
@given(st.text())
def test_any_text(text):
    """Hiding twice hides no more, and a text without the marks of a URL or a token stays as it is."""
    assert redact(redact(text)) == redact(text)


@QUICK
@given(hosts, ports, st.lists(words | numbered, max_size=5), words)
def test_ordinary_urls_stay(host, port, folders, name):
    """A URL of words and numbers stays as it is, as a model's and as an index's."""
    for end in (f"{name}.onnx", f"{name}.onnx?x{name}=1#sha256={SHA256}", "simple/", f"simple/{name}/"):
        url = "/".join([f"https://{host}{port}", *folders, end])
        assert redact(url) == url


@pytest.mark.parametrize("part", ["a", "://", "://a:b", "a@", "?a=", "/t/", "://a/simple/", "eyJ", "sk-", "hf_", "&;"])
def test_long_texts_take_no_long(part):
    """The time grows with the length of a text, whatever it repeats."""
    text = part * (200_000 // len(part))
    start = time.process_time()

    redact(text)

    assert time.process_time() - start < 5


def test_errors_and_problems():
    """An error and a problem hold no secret, from whatever text of whichever library they are made."""
    url = "https://me:secret@host/a?sig=secret"
    problem = Problem(where=f"--model m={url}", what=f"'{url}' is wrong.", fix=f"Not {url}.")

    assert "secret" not in json.dumps(asdict(problem)) + str(problem)
    assert "secret" not in str(ConfigurationError((problem,))) + str(LockError(f"failed: {url}"))
    assert str(LockError(f"failed: {url}")) == "failed: https://****@host/a?sig=****"
