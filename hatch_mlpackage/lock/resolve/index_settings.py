"""Give a resolver the machine's settings of package indexes, and no other setting of the machine.

A lock depends on the requirements, the image and the index, and not on a `resolution`, `constraint` or
`annotation-style` that one developer has set. An index that somebody has set, for uv or for pip, does count: a private
package must not be looked up on the public index, where anybody can take its name. So a resolver gets only the part of
its own configuration that says which index is asked and how it is reached.

uv uses its own index where it has one, and pip's otherwise, so that a machine on which pip works can lock. With pip's
index it also chooses among several indexes as pip does, which takes the best version of all of them, and not as uv
does, which takes the first index that has the name. A folder of files (`find-links`) is no index: it never takes the
place of one, and those of uv and of pip are used together.

No setting reaches the lock. They are passed in environment variables, so that no list of processes shows a password.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from hatch_mlpackage.files.parse import parse_toml
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.lock.resolve import pip_settings

_UV_KEPT = (
    "UV_CACHE_DIR",
    "UV_CONCURRENT_",
    "UV_CREDENTIALS_DIR",
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",  # which of the index's files may be seen, by date
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_",
    "UV_INDEX",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_NO_CACHE",
    "UV_OFFLINE",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
)
_UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL")
_PIP_INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
_TOML_INDEXES = frozenset({"index", "index-url", "extra-index-url", "no-index"})
_TOML_KEPT = _TOML_INDEXES | {
    "allow-insecure-host",
    "cache-dir",
    "exclude-newer",
    "find-links",
    "http-proxy",
    "https-proxy",
    "index-strategy",
    "keyring-provider",
    "native-tls",
    "no-proxy",
    "offline",
    "system-certs",
}
# pip's setting → the variable that uv reads for the same.
_UV_FOR_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
}
_TRUE = frozenset({"1", "true", "yes", "y", "on", "t"})
UV_CONFIG = "uv.toml"


def for_pip_tools(environ: Mapping[str, str], options: Sequence[str]) -> dict[str, str]:
    """Return an environment that gives pip the machine's indexes and the project's `options`, and no other setting.

    pip-tools before 7.6 forgets the options of a requirements file when it hashes the files, so they are set here.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("PIP_")}
    settings = pip_settings.read(environ)
    if "find-links" in settings:
        settings["find-links"] = " ".join(_find_links(settings["find-links"].split()))
    for option in options:
        name, _, value = option.removeprefix("--").partition(" ")
        several = name in {"extra-index-url", "find-links", "trusted-host"} and settings.get(name)
        settings[name] = f"{settings[name]} {value}" if several else value or "1"
    variables = {f"PIP_{name.replace('-', '_').upper()}": value for name, value in settings.items()}
    # pip must not wait for a password that nobody enters.
    settled = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    return {**kept, **variables, **settled}


def for_pip(environ: Mapping[str, str], options: Sequence[str]) -> dict[str, str]:
    """Return the environment for a pip that builds or downloads, with uv's indexes where pip has none."""
    environment = for_pip_tools(environ, [option for option in options if option != "--pre"])
    config = _uv_config(environ)
    config |= config.get("pip", {})
    chosen = environment.get("PIP_NO_INDEX", "").lower() in _TRUE or any(map(environment.get, _PIP_INDEXES))
    if not chosen:
        environment |= _indexes_of_uv(environ, config)
    links = environment.get("PIP_FIND_LINKS", "").split()
    links += _find_links([*environ.get("UV_FIND_LINKS", "").replace(",", " ").split(), *config.get("find-links", ())])
    return environment | ({"PIP_FIND_LINKS": " ".join(dict.fromkeys(links))} if links else {})


def _indexes_of_uv(environ: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, str]:
    listed = [index for index in config.get("index", ()) if isinstance(index, dict) and "url" in index]
    first = [environ.get("UV_DEFAULT_INDEX"), environ.get("UV_INDEX_URL")]
    first += [*(_named(index) for index in listed if index.get("default")), config.get("index-url")]
    more = [*environ.get("UV_INDEX", "").split(), *environ.get("UV_EXTRA_INDEX_URL", "").split()]
    more += [*(_named(index) for index in listed if not index.get("default")), *config.get("extra-index-url", ())]
    found = {
        "PIP_INDEX_URL": next((_with_login(index, environ) for index in first if index), ""),
        "PIP_EXTRA_INDEX_URL": " ".join(_with_login(index, environ) for index in more),
    }
    return {name: value for name, value in found.items() if value}


def _named(index: Mapping[str, Any]) -> str:
    return f"{index['name']}={index['url']}" if "name" in index else str(index["url"])


def _with_login(index: str, environ: Mapping[str, str]) -> str:
    """Return the URL of `name=URL` or `URL`, with the login from uv's variables for an index of that name."""
    named = re.match(r"([\w.-]+)=(?=\w+://)", index)
    if named is None:
        return index
    variable = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', named[1].upper())}"
    login = [quote(environ.get(f"{variable}_{part}", ""), safe="") for part in ("USERNAME", "PASSWORD")]
    url = index[named.end() :]
    if not any(login):
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{':'.join(login)}@{parts.netloc.rpartition('@')[2]}"))


def for_uv(
    environ: Mapping[str, str], folder: Path, more: Mapping[str, Any] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Return the environment and the arguments for uv, and write the kept part of its settings into `folder`.

    `more` are settings of this run, which no file of the machine can have.
    """
    kept = {
        name: _absolute(value) if name in {"UV_CACHE_DIR", "UV_FIND_LINKS"} else value
        for name, value in environ.items()
        if not name.startswith("UV_") or name.startswith(_UV_KEPT)
    }
    # Otherwise uv downloads a CPython when this machine lacks the image's version.
    kept["UV_PYTHON_DOWNLOADS"] = "never"
    config = {**_uv_config(environ), **(more or {})}
    arguments = [f"--config-file={UV_CONFIG}"] if config else ["--no-config"]
    if config:
        (folder / UV_CONFIG).write_text(_toml_lines(config), encoding="utf-8")
    indexes = config.keys() | config.get("pip", {}).keys()
    if not any(kept.get(name) for name in _UV_INDEXES) and not indexes & _TOML_INDEXES:
        arguments += _add_pip_settings(kept, pip_settings.read(environ))
    return kept, arguments


def _add_pip_settings(environment: dict[str, str], settings: Mapping[str, str]) -> list[str]:
    for name, variable in _UV_FOR_PIP.items():
        if name in settings:
            environment.setdefault(variable, settings[name])
    links = [link for link in environment.get("UV_FIND_LINKS", "").split(",") if link]
    links += _find_links(settings.get("find-links", "").split())
    if links:
        environment["UV_FIND_LINKS"] = ",".join(dict.fromkeys(links))
    if settings.get("keyring-provider", "disabled") in {"subprocess", "import"}:
        environment.setdefault("UV_KEYRING_PROVIDER", "subprocess")
    environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return ["--no-index"] if settings.get("no-index", "").lower() in _TRUE else []


def _find_links(links: Sequence[str]) -> list[str]:
    """Make folders absolute, because the resolver runs elsewhere, and leave out missing ones, as pip does."""
    made = ((link, _absolute(link)) for link in links)
    return [path for link, path in made if "://" in link or link.startswith("file:") or Path(path).exists()]


def _absolute(value: str) -> str:
    parts = (
        part if "://" in part or part.startswith("file:") else str(Path(part).absolute()) for part in value.split(",")
    )
    return ",".join(parts)


def _uv_config(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the kept part of uv's configuration files, the user's over the machine's."""
    named = environ.get("UV_CONFIG_FILE")
    if environ.get("UV_NO_CONFIG", "").lower() in _TRUE:
        return {}
    merged: dict[str, Any] = {}
    for file in [Path(named)] if named else _uv_config_files(environ):
        for key, value in _kept_of(file).items():
            both = isinstance(value, list) and isinstance(merged.get(key), list)
            merged[key] = value + merged[key] if both else value
    return merged


def _uv_config_files(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("HOME") or Path("~").expanduser())
    if sys.platform == "win32":
        machine, user = environ.get("PROGRAMDATA", "C:\\ProgramData"), environ.get("APPDATA", str(home))
        return [Path(machine, "uv", UV_CONFIG), Path(user, "uv", UV_CONFIG)]
    folders = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    found = [Path(folder, "uv", UV_CONFIG) for folder in folders]
    machine_file = next((file for file in found if file.exists()), Path("/etc/uv", UV_CONFIG))
    return [machine_file, Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "uv", UV_CONFIG)]


def _kept_of(file: Path) -> dict[str, Any]:
    try:
        read = parse_toml(file_text(file))
    except (OSError, ValueError):
        return {}  # uv itself reports what is wrong with the file whenever it runs
    kept = {key: value for key, value in read.items() if key in _TOML_KEPT}
    of_pip = {key: value for key, value in read.get("pip", {}).items() if key in _TOML_KEPT}
    return kept | ({"pip": of_pip} if of_pip else {})


def _toml_lines(table: Mapping[str, Any]) -> str:
    """Write a `uv.toml` by hand: uv may be on PATH without the extra `cli`, which has tomlkit."""
    return "".join(f"{toml_string(key)} = {_toml(value)}\n" for key, value in table.items())


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{toml_string(key)} = {_toml(item)}' for key, item in value.items())} }}"
    # A date is given as the string that uv also takes.
    return json.dumps(value) if isinstance(value, (bool, int, float)) else toml_string(str(value))
