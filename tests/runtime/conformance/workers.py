"""Make environments for workers on other Pythons, and tell what the libraries that those have do otherwise."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from pythons import interpreter

if TYPE_CHECKING:
    from pair import Case, Seen

# The last libraries that have releases for each Python. inference-schema wants wrapt 1.12.1, which has sources alone.
REQUIREMENTS = {
    "3.6": (
        "inference-schema==1.4.2.1",
        "numpy==1.19.5",
        "pandas==1.1.5",
        "werkzeug==2.0.3",
        "flask==2.0.3",
        "wrapt==1.12.1",
    ),
    "3.7": (
        "inference-schema==1.7",
        "numpy==1.21.6",
        "pandas==1.3.5",
        "werkzeug==2.2.3",
        "flask==2.2.5",
        "wrapt==1.12.1",
    ),
    "3.8": ("inference-schema==1.8", "numpy==1.24.4", "pandas==2.0.3", "werkzeug==3.0.6", "flask==3.0.3"),
    "3.13": ("inference-schema==1.8", "numpy", "pandas>=3", "werkzeug", "flask"),
}
# The pip that Python 3.6 carries does not know the wheels of later years.
PIP = {"3.6": "pip==21.3.1"}
# inference-schema 1.4 has no optional parameters.
WITHOUT_OPTIONAL_PARAMETERS = frozenset({"3.6"})

# What the older libraries answer otherwise, by the setup and the request.
_JSON = "POST /score Content-Type:application/json"
LIBRARIES = {
    ("3.6", "responses", f"{_JSON} created"): "werkzeug 2.0 makes the address in Location absolute",
    ("3.6", "responses", f"{_JSON} text parts"): "werkzeug before 3.0 counts the length of a list of parts",
    ("3.7", "responses", f"{_JSON} text parts"): "werkzeug before 3.0 counts the length of a list of parts",
    (
        "3.6",
        "raw",
        'POST /score?way=json Content-Type:text/plain {"a": 1}',
    ): "werkzeug 2.0 reads no other types",
    ("3.6", "numpy times", f'{_JSON} {{"data": ["3 seconds"]}}'): "Python 3.6 shows a timedelta without its units",
    ("3.6", "numpy loose", f'{_JSON} {{"data": [["3", 2.7]]}}'): "NumPy 1.19 makes shorter texts of numbers",
}
# pandas before 3.0 keeps a number in a column of texts.
_NUMBER_AS_TEXT = b'{"data": [{"count": "3", "size": "2.5", "name": 1, "good": "false"}]}'
# pandas before 3.0 calls columns of texts "object", and keeps nanoseconds.
_NAMES = ((b'"object"', b'"str"'), (b"datetime64[ns]", b"datetime64[us]"))


def environment(version: str, folder: Path) -> str:
    """Return the interpreter of an environment with the libraries of a Python, which the first caller makes.

    Several processes may ask for it at the same time. Returns an empty string where the machine has no such Python.
    """
    base = interpreter(version)
    if not base:
        return ""
    python = folder / version / "bin/python"
    with (folder / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / f"{version}.made").exists():
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([base, "-m", "venv", "--clear", folder / version], check=True)
            if version in PIP:
                subprocess.run([*install, PIP[version]], check=True)
            subprocess.run([*install, *REQUIREMENTS[version]], check=True)
            (folder / f"{version}.made").touch()
    return str(python)


def comparable(seen: Seen) -> tuple[object, ...]:
    """Return of an answer what does not depend on the release of a library."""
    headers = [header for header in seen.headers if header[0] != "content-length"]
    if seen.status == 400:
        return seen.status, headers  # the text of an error is the library's
    body = seen.body
    for old, new in _NAMES:
        body = body.replace(old, new)
    return seen.status, headers, body


def is_libraries(version: str, setup: str, asked: Case) -> bool:
    """Tell whether the older libraries answer a request otherwise, or describe it otherwise in a Swagger document."""
    described = asked.path.startswith("/swagger.json") and setup in {"pandas table", "pandas dates"}
    if described or asked.body == _NUMBER_AS_TEXT:
        return version != "3.13"
    return (version, setup, str(asked)) in LIBRARIES
