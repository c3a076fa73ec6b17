"""The server's settings: environment variables, and flags that win over them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from typing import Callable, Mapping, NoReturn, Sequence, TypeVar

T = TypeVar("T")

LAST_PORT = 65535
HOUR_MS = 3_600_000
LIMIT_BODY = 100 * 2**20  # what the front of the original's image let through


class SettingsError(Exception):
    """A setting has a value that cannot be used; the text names it and says what is allowed."""


@dataclass(frozen=True)
class Settings:
    """Everything `serve` is told. Times are in seconds where the name has no unit, sizes in bytes."""

    app_root: str
    entry_script: str
    source_directory: str
    model_dir: str
    host: str
    port: int
    worker_count: int
    worker_python: str
    scoring_timeout_ms: int
    drain_timeout: float
    receive_timeout: float
    body_limit: int
    queue_limit: int
    server_version: str

    def start_frame(self) -> bytes:
        """Return what a worker has to know, as the body of its first frame."""
        told = ("app_root", "entry_script", "source_directory", "model_dir")
        return json.dumps({name: getattr(self, name) for name in told}).encode()

    def worker_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a worker: the scripts read where things are from it."""
        ours = {
            "AML_APP_ROOT": self.app_root,
            "AZUREML_ENTRY_SCRIPT": self.entry_script,
            "AZUREML_MODEL_DIR": self.model_dir,
        }
        present = {name: value for name, value in ours.items() if value}
        return {"PYTHONUNBUFFERED": "1", **environ, **present}


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings; raises SettingsError, or exits with status 2 for an unknown flag."""
    flags = _parser().parse_args([_with_dashes(argument) for argument in arguments])
    given = {name: value for name, value in vars(flags).items() if value is not None}

    def setting(flag: str, variable: str, default: T, read: Callable[[str], T]) -> T:
        text, name = (given[flag], f"--{flag}") if flag in given else (environ.get(variable, ""), variable)
        if text == "":
            return default
        try:
            return read(text)
        except ValueError as error:
            raise SettingsError(f"{name} is {text!r}: {error}") from None

    return Settings(
        app_root=os.path.abspath(environ.get("AML_APP_ROOT") or os.getcwd()),
        entry_script=setting("entry-script", "AZUREML_ENTRY_SCRIPT", "", _existing_if_flag(given)),
        source_directory=environ.get("AZUREML_SOURCE_DIRECTORY", ""),
        model_dir=setting("model-dir", "AZUREML_MODEL_DIR", "", str),
        host=setting("host", "MLPACKAGE_HOST", "0.0.0.0", str),
        port=setting("port", "MLPACKAGE_PORT", 5001, port_number),
        worker_count=setting("worker-count", "WORKER_COUNT", 1, _at_least(1)),
        worker_python=setting("worker-python", "MLPACKAGE_WORKER_PYTHON", sys.executable, str),
        scoring_timeout_ms=setting("", "SCORING_TIMEOUT_MS", HOUR_MS, _at_least(1)),
        drain_timeout=setting("", "MLPACKAGE_DRAIN_TIMEOUT", 30.0, _seconds),
        receive_timeout=setting("", "MLPACKAGE_RECEIVE_TIMEOUT", 30.0, _seconds),
        body_limit=setting("", "MLPACKAGE_BODY_LIMIT", LIMIT_BODY, _at_least(0)),
        queue_limit=setting("", "MLPACKAGE_QUEUE_LIMIT", 1000, _at_least(0)),
        server_version=environ.get("HTTP_X_MS_SERVER_VERSION", ""),
    )


def port_number(text: str) -> int:
    """Read a port; 0 stands for any free one."""
    number = _whole(text)
    if not 0 <= number <= LAST_PORT:
        raise ValueError("it must be a port between 1 and 65535.")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("it must be a whole number.") from None


def _at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = _whole(text)
        if number < least:
            raise ValueError(f"it must be {least} or more.")
        return number

    return read


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("it must be a number of seconds.") from None
    if not 0 <= number < float("inf"):
        raise ValueError("it must be a number of seconds, 0 or more.")
    return number


def _existing_if_flag(given: Mapping[str, str]) -> Callable[[str], str]:
    # A flag is relative to where the user stands; the variable is relative to the app root.
    return os.path.realpath if "entry-script" in given else str


def _with_dashes(argument: str) -> str:
    """Accept the flags of the original server, which are written with underscores."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nSee `{self.prog} --help`.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="serve", description="Serve an entry script over HTTP.", allow_abbrev=False)
    for flag, text in FLAGS.items():
        parser.add_argument(f"--{flag}", dest=flag, metavar="VALUE", help=text)
    return parser


FLAGS = {
    "entry-script": "the scoring script (AZUREML_ENTRY_SCRIPT)",
    "model-dir": "the model directory (AZUREML_MODEL_DIR)",
    "host": "the address to listen on (MLPACKAGE_HOST, 0.0.0.0)",
    "port": "the port to listen on (MLPACKAGE_PORT, 5001); 0 takes any free one",
    "worker-count": "how many processes score, one request at a time each (WORKER_COUNT, 1)",
    "worker-python": "the interpreter of the user's environment (MLPACKAGE_WORKER_PYTHON)",
}
