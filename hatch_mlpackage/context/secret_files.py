"""Warn of files of the project that look like secrets: whoever has the image can read them.

A file is known by its name, by the folder where tools keep it, or by its first bytes; no more than those are read.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from hatch_mlpackage.context.plan import APP_DIRECTORY, BASE_LAYER, ContextFile
from hatch_mlpackage.context.user_files import allowing, place_of, shown_path
from hatch_mlpackage.errors import Problem
from hatch_mlpackage.files.head import read_head
from hatch_mlpackage.files.patterns import matching
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.redaction import has_credentials, has_marked_token

SECRET = "secret-file"  # noqa: S105 - the code of the warning


def _named(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)))


_SECRETS = _named(
    *(
        ".env",
        ".env.*",
        "*.env",
        ".envrc",
        ".netrc",
        "_netrc",
        ".pypirc",
        ".pgpass",
        ".my.cnf",
        ".git-credentials",
        ".dockercfg",
    ),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "*.p12", "*.pfx", "*.ppk", "*.jks"),
    "*.keystore",
    *("credentials.json", "client_secret*.json", "service[-_]account*.json", "application_default_credentials.json"),
    *("secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml", "*.kdbx", ".htpasswd", ".vault-token"),
    *(".token", "*.token", "token.txt", "token.json", "api[-_]key.txt"),
)
# Where tools keep logins, as the last parts of a path.
_PLACES = _named(
    *("*/.ssh/*", "*/.gnupg/*", "*/.aws/*", "*/.azure/*", "*/.kube/config", "*/.docker/config.json"),
    *("*/.config/gcloud/*", "*/.config/gh/hosts.yml", "*/.config/containers/auth.json", "*/huggingface/token"),
    *("*/.huggingface/token", "*/.databrickscfg", "*/.kaggle/kaggle.json", "*/.config/pypoetry/auth.toml"),
)
_PUBLIC = _named(
    *(".env.*example", ".env.*sample", ".env.*template", "*.pub", "known_hosts*"),
    *("example.env", "sample.env", "template.env", "*[._-]example.env", "*[._-]sample.env", "*[._-]template.env"),
)
_COPY = re.compile(r"(?:[._-](?:bak|backup|old|orig|save|copy)\d*|~|\.\d+)+$")  # what marks the copy of another file
# Settings in which a login is allowed and unusual.
_SETTINGS = _named("pip.conf", "pip.ini", "uv.toml", ".condarc", "condarc", ".npmrc", ".yarnrc.yml", "settings.xml")
_LOGIN = re.compile(
    rb"(?im)^[^#;\n]*?(?:(?:_authToken|_auth|_password|npmAuthToken)\s*[=:]|<password>)\s*[\"']?[^\s\"'$<{]"
)
_KEYS = _named("*.pem", "*.key")
_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
# Code that only speaks of keys has no data after the header.
_KEY_WITH_DATA = re.compile(_KEY.pattern + rb"(?:[\s\"',+\\]|\\[nr]|[\w-]+: [^\n]*\n)*[A-Za-z0-9+/=]{16}")
_SERVICE_ACCOUNT = re.compile(rb'"type"\s*:\s*"service_account"')
_AWS_KEY = re.compile(rb"(?i)aws_secret_access_key[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
# Of Azure: the key of a storage account and of a messaging namespace in a connection string, and a signed URL.
_AZURE_KEYS = (b"accountkey", b"sharedaccesskey")
_AZURE_KEY = re.compile(r"(?i)(?:AccountKey|SharedAccessKey)\s*=\s*[A-Za-z0-9+/]{42,86}={1,2}")
_AZURE_URL = re.compile(r"(?i)\?[^\s\"'<>]{0,400}(?<=[?&])sig=(?:[A-Za-z0-9+/]|%2[bf]){40,64}(?:=|%3d)")
# A login of a database: a password that no example has, at a host other than this machine.
_DATABASE = re.compile(
    r"(?i)\b(?:postgres(?:ql)?|mysql|mariadb|mssql|oracle|mongodb|rediss?|amqps?)(?:\+\w+)?://"
    r"[^\s:/@\"'<>{}$]{0,64}:(?P<password>[^\s/@\"'<>{}$%]{6,100})@(?P<host>[\w.-]+)"
)
_EXAMPLE = re.compile(r"(?i)(?:.*(?:passwo?r?d|secret|example|changeme|change_me)|pass|user|your|\*+$|x+$|\.+$).*")
_NO_HOST = re.compile(r"(?i)localhost|127\..*|0\.0\.0\.0|host(?:name)?|server|db|database|(?:.*\.)?example(?:\.\w+)?")
_HEAD = 1 << 13  # bytes
_HEAD_OF_KEYS = 1 << 16  # a chain of certificates may stand before the key
_AT_RUN_TIME = "Give the server what it needs when it runs, as a variable or a mounted file."


def secret_problems(files: Iterable[ContextFile], root: Path, allowed: Collection[str] = ()) -> Iterator[Problem]:
    """Yield a warning of each file of the user's that looks like a secret, once wherever it is packed.

    `allowed` are patterns of `.gitignore` for the paths of files that are meant to be packed.
    """
    is_allowed = matching(allowed)
    seen: set[Path] = set()
    for file in files:
        place = place_of(file)
        if place is None or place in seen:
            continue
        seen.add(place)
        shown = shown_path(file, place, root)
        reason = _reason(file, place, shown)
        if reason and not is_allowed(shown):
            yield Problem(
                where=shown,
                what=f"looks like a secret ({reason}), and whoever has the image can read it.",
                fix=f"{_way_out(file)} {_AT_RUN_TIME} {allowing('allowed-secrets', shown)}",
                level="warning",
                code=SECRET,
            )


def _reason(file: ContextFile, place: Path, shown: str) -> str:
    """Say why a file looks like a secret; the result is empty where it does not."""
    names = {f"/{path}".lower() for path in (shown, file.path, _target(place))}
    plain = {_without_copy(name.rpartition("/")[2]) for name in names}
    if not any(map(_PUBLIC.match, plain)) and (any(map(_SECRETS.match, plain)) or any(map(_PLACES.match, names))):
        return "by its name"
    head = _head(file.source, _HEAD_OF_KEYS if any(map(_KEYS.match, plain)) else _HEAD)
    if any(map(_KEYS.match, plain)) and _KEY.search(head):
        return "it holds a private key"
    return _reason_inside(head, is_settings=any(map(_SETTINGS.match, plain)))


def _without_copy(name: str) -> str:
    return _COPY.sub("", name) or name


def _target(place: Path) -> str:
    return real_path(place).as_posix() if place.is_symlink() else ""


def _reason_inside(head: bytes, *, is_settings: bool) -> str:
    # Looking for a plain text first takes a hundredth of the time.
    if b"PRIVATE KEY" in head and _KEY_WITH_DATA.search(head):
        return "it holds a private key"
    if b"private_key" in head and _SERVICE_ACCOUNT.search(head):
        return "it is the key of a service account"
    text, lowered = head.decode("latin-1"), head.lower()
    if (b"aws_secret_access_key" in lowered and _AWS_KEY.search(head)) or has_marked_token(text):
        return "it holds a token"
    if (any(key in lowered for key in _AZURE_KEYS) and _AZURE_KEY.search(text)) or _is_login_in_a_url(text):
        return "it holds a login"
    if is_settings and (_LOGIN.search(head) or any(map(has_credentials, text.splitlines()))):
        return "it holds a login"
    return ""


def _is_login_in_a_url(text: str) -> bool:
    if "sig=" in text and _AZURE_URL.search(text):
        return True
    return "://" in text and any(
        not _EXAMPLE.fullmatch(found["password"]) and not _NO_HOST.fullmatch(found["host"])
        for found in _DATABASE.finditer(text)
    )


def _head(source: Path | bytes, size: int) -> bytes:
    """Return the first bytes of a file, without the zeros that UTF-16 puts between letters.

    A file that cannot be read was reported when the files were listed, or is reported when it is written.
    """
    return (source[:size] if isinstance(source, bytes) else read_head(source, size)).replace(b"\0", b"")


def _way_out(file: ContextFile) -> str:
    """Say what keeps a file out of its layer."""
    if file.layer == BASE_LAYER:
        return "Leave it out of what the base Dockerfile copies."
    if file.layer != "source":
        return "Move it out of the model's folder."
    inside = PurePosixPath(file.path).relative_to(APP_DIRECTORY).parts[1:]
    if not inside:
        return "Take it out of the script."
    return f"Leave it out: exclude = [{toml_string('/' + '/'.join(inside))}]."
