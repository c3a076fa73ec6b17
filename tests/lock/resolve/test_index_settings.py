from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.resolve import index_settings
from hatch_mlpackage.lock.resolve.make import make_lock
from hatch_mlpackage.project.target import Target

pytestmark = pytest.mark.usefixtures("clean_machine")
NOTHING = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
ALWAYS = {"UV_PYTHON_DOWNLOADS": "never"}
AS_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match"}


@pytest.mark.parametrize(
    ("settings", "environment", "arguments"),
    [
        ({}, {**ALWAYS, **AS_PIP}, []),
        ({"UV_RESOLUTION": "lowest", "UV_CONSTRAINT": "c", "UV_PRERELEASE": "allow"}, {**ALWAYS, **AS_PIP}, []),
        ({"UV_PYTHON_DOWNLOADS": "automatic"}, {**ALWAYS, **AS_PIP}, []),
        (
            {"UV_HTTP_TIMEOUT": "9", "UV_OFFLINE": "1", "SSL_CERT_FILE": "/ca"},
            {"UV_HTTP_TIMEOUT": "9", "UV_OFFLINE": "1", "SSL_CERT_FILE": "/ca", **ALWAYS, **AS_PIP},
            [],
        ),
        (
            {
                "PIP_INDEX_URL": "https://u:p@one",
                "PIP_EXTRA_INDEX_URL": "https://two  https://three",
                "PIP_TRUSTED_HOST": "one two",
                "PIP_CERT": "/ca",
                "PIP_PROXY": "http://proxy",
                "PIP_KEYRING_PROVIDER": "subprocess",
                "PIP_PRE": "1",
            },
            {
                "UV_DEFAULT_INDEX": "https://u:p@one",
                "UV_INDEX": "https://two https://three",
                "UV_INSECURE_HOST": "one two",
                "SSL_CERT_FILE": "/ca",
                "ALL_PROXY": "http://proxy",
                "UV_KEYRING_PROVIDER": "subprocess",
                **ALWAYS,
                **AS_PIP,
            },
            [],
        ),
        (
            {"PIP_NO_INDEX": "true", "PIP_CERT": "/a", "SSL_CERT_FILE": "/b"},
            {"SSL_CERT_FILE": "/b", **ALWAYS, **AS_PIP},
            ["--no-index"],
        ),
        ({"PIP_NO_INDEX": "0", "UV_INDEX_STRATEGY": "first-index"}, {"UV_INDEX_STRATEGY": "first-index", **ALWAYS}, []),
        (
            {"PIP_INDEX_URL": "https://pip", "UV_INDEX": "mine=https://uv", "UV_INDEX_MINE_PASSWORD": "p"},
            {"UV_INDEX": "mine=https://uv", "UV_INDEX_MINE_PASSWORD": "p", **ALWAYS},
            [],
        ),
        ({"PIP_INDEX_URL": "https://pip", "UV_INDEX_URL": "https://uv"}, {"UV_INDEX_URL": "https://uv", **ALWAYS}, []),
        (
            {"PIP_INDEX_URL": "https://pip", "PIP_FIND_LINKS": "https://b https://a", "UV_FIND_LINKS": "https://a"},
            {"UV_DEFAULT_INDEX": "https://pip", "UV_FIND_LINKS": "https://a,https://b", **ALWAYS, **AS_PIP},
            [],
        ),
    ],
)
def test_uv_takes_only_what_is_about_the_index(
    settings: dict[str, str], environment: dict[str, str], arguments: list[str], tmp_path: Path
) -> None:
    """uv's own settings win; without them pip's are passed under uv's names, and all else is left out."""
    made, given = index_settings.for_uv({**NOTHING, **settings}, tmp_path)

    kept = {name: value for name, value in made.items() if not name.startswith("PIP_")}
    assert (kept, given) == (environment, ["--no-config", *arguments])


def test_folders_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders become absolute for the resolver, and pip's folders that do not exist are left out."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wheels").mkdir()
    of_pip = {"PIP_FIND_LINKS": "wheels missing https://host/all.html"}
    of_uv = {"UV_FIND_LINKS": "wheels,https://host/all.html", "UV_CACHE_DIR": ".cache/uv"}
    links = f"{tmp_path}/wheels,https://host/all.html"

    assert index_settings.for_uv({**NOTHING, **of_pip}, tmp_path)[0]["UV_FIND_LINKS"] == links
    made = index_settings.for_uv({**NOTHING, **of_uv}, tmp_path)[0]
    assert (made["UV_FIND_LINKS"], made["UV_CACHE_DIR"]) == (links, f"{tmp_path}/.cache/uv")
    assert index_settings.for_pip_tools({**NOTHING, **of_pip}, ())["PIP_FIND_LINKS"] == links.replace(",", " ")


def test_uv_configuration_files(tmp_path: Path) -> None:
    """Only index settings are kept from uv's files, and the user's come before the machine's."""
    texts = {
        "machine/uv/uv.toml": '[[index]]\nurl = "https://machine"\n',
        "user/uv/uv.toml": (
            'resolution = "lowest"\nnative-tls = true\nexclude-newer = 2026-01-01T00:00:00Z\n'
            '[[index]]\nname = "mine"\nurl = "https://\\"user\\""\ndefault = true\n'
            '[pip]\nannotation-style = "line"\nno-index = false\nfind-links = ["https://é"]\n'
        ),
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    environ = {"XDG_CONFIG_DIRS": str(tmp_path / "machine"), "XDG_CONFIG_HOME": str(tmp_path / "user")}

    made, arguments = index_settings.for_uv({**environ, "PIP_INDEX_URL": "https://pip"}, tmp_path)

    assert (made.get("UV_DEFAULT_INDEX"), arguments) == (None, ["--config-file=uv.toml"])
    assert tomllib.loads((tmp_path / "uv.toml").read_text()) == {
        "native-tls": True,
        "exclude-newer": "2026-01-01 00:00:00+00:00",
        "index": [{"name": "mine", "url": 'https://"user"', "default": True}, {"url": "https://machine"}],
        "pip": {"no-index": False, "find-links": ["https://é"]},
    }


def test_a_named_uv_configuration_file(tmp_path: Path) -> None:
    """UV_CONFIG_FILE replaces the other files, and a file that uv cannot read is skipped."""
    (tmp_path / "named.toml").write_text('[[index]]\nurl = "https://named"\n')
    (tmp_path / "broken.toml").write_text("[[index\n")

    given = [
        index_settings.for_uv({"PIP_CONFIG_FILE": os.devnull, "UV_CONFIG_FILE": str(tmp_path / name)}, tmp_path)[1]
        for name in ("named.toml", "broken.toml")
    ]

    assert given == [["--config-file=uv.toml"], ["--no-config"]]


def test_pip_tools_takes_only_what_is_about_the_index(tmp_path: Path) -> None:
    """pip-tools gets the index settings of pip's files as variables, and no other setting of pip's."""
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://u:p@one\nconstraint = c.txt\n")
    environ = {
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
        "XDG_CONFIG_DIRS": str(tmp_path),
        "PIP_PRE": "1",
        "A": "b",
    }

    assert index_settings.for_pip_tools(environ, ()) == {
        "A": "b",
        "XDG_CONFIG_DIRS": str(tmp_path),
        "PIP_INDEX_URL": "https://u:p@one",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }


def test_the_projects_options_for_pip_tools() -> None:
    """The project's options replace the machine's index and follow its extra indexes."""
    environ = {"PIP_INDEX_URL": "https://a", "PIP_EXTRA_INDEX_URL": "https://b", "PIP_CONFIG_FILE": os.devnull}
    options = ("--index-url https://c", "--extra-index-url https://d", "--find-links https://e", "--no-index", "--pre")

    assert index_settings.for_pip_tools(environ, options) == {
        "PIP_INDEX_URL": "https://c",
        "PIP_EXTRA_INDEX_URL": "https://b https://d",
        "PIP_FIND_LINKS": "https://e",
        "PIP_NO_INDEX": "1",
        "PIP_PRE": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }


@pytest.mark.parametrize(
    ("settings", "config", "first", "more"),
    [
        ({"UV_INDEX": "in-house=https://a/simple https://b"}, "", None, "https://me:s%2Fcret@a/simple https://b"),
        ({"UV_DEFAULT_INDEX": "in-house=https://a/simple"}, "", "https://me:s%2Fcret@a/simple", None),
        ({}, '[[index]]\nname = "in.house"\nurl = "https://old:x@a"\ndefault = true\n', "https://me:s%2Fcret@a", None),
        ({}, '[[index]]\nname = "other"\nurl = "https://a"\n', None, "https://a"),
        ({"UV_INDEX": "https://a/?in-house=https://b"}, "", None, "https://a/?in-house=https://b"),
    ],
    ids=["named", "default", "file", "another name", "no name"],
)
def test_the_logins_of_uvs_indexes_for_pip(tmp_path: Path, settings, config, first, more) -> None:
    """pip gets the logins of UV_INDEX_<NAME>_USERNAME and _PASSWORD in the URL, the only place where it looks."""
    (tmp_path / "uv.toml").write_text(config)
    login = {"UV_INDEX_IN_HOUSE_USERNAME": "me", "UV_INDEX_IN_HOUSE_PASSWORD": "s/cret"}
    environ = {"PIP_CONFIG_FILE": os.devnull, "UV_CONFIG_FILE": str(tmp_path / "uv.toml"), **settings, **login}

    made = index_settings.for_pip(environ, ())

    assert (made.get("PIP_INDEX_URL"), made.get("PIP_EXTRA_INDEX_URL")) == (first, more)


@pytest.fixture
def no_way_out(clean_machine: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let the resolvers reach this machine only: a question to the public index fails."""
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"):
        clean_machine.setenv(name, "http://127.0.0.1:9")
        clean_machine.delenv(name.lower(), raising=False)
    clean_machine.setenv("no_proxy", "127.0.0.1")
    return clean_machine


@pytest.mark.parametrize("how", ["variable", "file"])
def test_a_folder_of_wheels_for_uv_leaves_pips_index(no_way_out, index, asking, tmp_path: Path, how, quiet) -> None:
    """With `find-links` of uv and an index of pip, the lock comes from that index and that folder, and no other."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/beta-2.0-py3-none-any.whl").write_bytes(wheel_of(index, "beta", "2.0"))
    (tmp_path / "uv.toml").write_text(f'find-links = ["{tmp_path}/wheels"]\n')
    name, value = ("UV_FIND_LINKS", tmp_path / "wheels") if how == "variable" else ("UV_CONFIG_FILE", "uv.toml")
    no_way_out.setenv(name, str(tmp_path / value))
    index.add("alpha", "1.5", "beta")
    index.add("beta", "1.0")
    target = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_28")

    lock = make_lock(asking("alpha"), target, locker="uv", report=quiet).text

    assert {pin.name: pin.version for pin in read_pins(lock)} == {"alpha": "1.5", "beta": "2.0"}
    assert "/simple/alpha/" in index.asked


@pytest.mark.parametrize("how", ["variable", "file"])
def test_a_folder_of_wheels_for_pip_leaves_uvs_index(no_way_out, index, tmp_path: Path, how) -> None:
    """With `find-links` of pip and an index of uv, pip downloads from both, and asks no other index."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/beta-2.0-py3-none-any.whl").write_bytes(wheel_of(index, "beta", "2.0"))
    (tmp_path / "pip.conf").write_text(f"[global]\nfind-links = {tmp_path}/wheels\n")
    name, value = ("PIP_FIND_LINKS", "wheels") if how == "variable" else ("PIP_CONFIG_FILE", "pip.conf")
    no_way_out.setenv(name, str(tmp_path / value))
    no_way_out.delenv("PIP_INDEX_URL")
    no_way_out.setenv("UV_DEFAULT_INDEX", index.url)
    index.add("alpha", "1.5", "beta")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(tmp_path / "got"), "alpha"]

    outcome = subprocess.run(
        command, env=index_settings.for_pip(os.environ, ()), capture_output=True, text=True, check=False
    )

    assert outcome.returncode == 0, outcome.stderr
    got = sorted(path.name for path in (tmp_path / "got").iterdir())
    assert got == ["alpha-1.5-py3-none-any.whl", "beta-2.0-py3-none-any.whl"]


def test_pip_without_an_index_gets_none_of_uvs(tmp_path: Path) -> None:
    """Where pip may ask no index, it is not given one of uv's, but uv's folders still count."""
    environ = {**NOTHING, "PIP_NO_INDEX": "1", "UV_DEFAULT_INDEX": "https://uv", "UV_FIND_LINKS": str(tmp_path)}

    made = index_settings.for_pip(environ, ())

    assert (made.get("PIP_INDEX_URL"), made.get("PIP_FIND_LINKS")) == (None, str(tmp_path))


def wheel_of(index, name: str, version: str) -> bytes:
    """Return a wheel that the index no longer has."""
    index.add(name, version)
    return index.files.pop(f"{name}-{version}-py3-none-any.whl")
