"""Warn of files of the project that look like secrets: whoever has the image can read them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from hatch_mlpackage.context.plan import APP_DIRECTORY, BASE_LAYER, ContextFile
from hatch_mlpackage.errors import Problem
from hatch_mlpackage.files.read import open_file
from hatch_mlpackage.files.toml import toml_string

SECRET = "secret-file"  # noqa: S105 - the code of the warning


def _named(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)))


_SECRETS = _named(
    *(".env", ".env.*", ".netrc", "_netrc", ".pypirc", ".pgpass", ".git-credentials", ".dockercfg"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.ppk"),
    *("credentials.json", "client_secret*.json", "service[-_]account*.json"),
    *("secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml"),
)
_EXAMPLES = _named(".env.*example", ".env.*sample", ".env.*template")
# A file of these names may also hold public certificates, or something else altogether.
_MAYBE_KEYS = _named("*.pem", "*.key")
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
_HEAD = 1 << 16
_AT_RUN_TIME = "Give the server what it needs when it runs, as a variable or a mounted file."


def secret_problems(files: Iterable[ContextFile], root: Path) -> Iterator[Problem]:
    """Yield a warning of each file of the user's that looks like a secret, once wherever it is packed."""
    seen: set[Path] = set()
    for file in files:
        source = file.source
        if not isinstance(source, Path) or file.layer == "runtime" or source in seen:
            continue
        if _is_secret(PurePosixPath(file.path).name.lower(), source):
            seen.add(source)
            yield Problem(
                where=source.relative_to(root).as_posix() if source.is_relative_to(root) else str(source),
                what="looks like a secret, and whoever has the image can read it.",
                fix=f"{_way_out(file)} {_AT_RUN_TIME}",
                level="warning",
                code=SECRET,
            )


def _is_secret(name: str, source: Path) -> bool:
    if _MAYBE_KEYS.match(name):
        return _holds_private_key(source)
    return bool(_SECRETS.match(name)) and not _EXAMPLES.match(name)


def _holds_private_key(source: Path) -> bool:
    try:
        with open_file(source) as file:
            return bool(_PRIVATE_KEY.search(file.read(_HEAD)))
    except OSError:
        return False  # reported when the files were listed, or when it is written


def _way_out(file: ContextFile) -> str:
    """Say what keeps a file out of its layer."""
    if file.layer == BASE_LAYER:
        return "Leave it out of what the base Dockerfile copies."
    if file.layer != "source":
        return "Move it out of the model's folder."
    inside = PurePosixPath(file.path).relative_to(APP_DIRECTORY).parts[1:]
    return f"Leave it out: exclude = [{toml_string('/' + '/'.join(inside))}]."
