"""Read values from flags, variables and the configuration file, and refuse those that cannot be used."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Mapping, TypeVar

T = TypeVar("T")

LAST_PORT = 65535
SWITCH = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False}


class SettingsError(Exception):
    """A setting has a value that cannot be used; the text names it and says what is allowed."""


class Values:
    """The three sources of a setting, where an empty text counts as absent."""

    def __init__(self, flags: Mapping[str, str], environ: Mapping[str, str], file: Mapping[str, str]) -> None:
        self._flags = flags
        self._environ = environ
        self._file = file

    def read(self, flag: str, variable: str, default: T, read: Callable[[str], T]) -> T:
        if flag in self._flags:
            text, name = self._flags[flag], f"--{flag}"
        else:
            text, name = self._environ.get(variable) or self._file.get(variable, ""), variable
        if text == "":
            return default
        try:
            return read(text)
        except ValueError as error:
            raise SettingsError(f"{name} is {text!r}: {error}") from None


def read_file(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            values = json.load(file)
    except OSError as error:
        raise SettingsError(f"the configuration file {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsError(f"the configuration file {path} is not JSON: {error}.") from None
    if not isinstance(values, dict):
        raise SettingsError(f"the configuration file {path} is not a JSON object.")
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def existing(path: str) -> str:
    """Return the path of a file or folder as it was given."""
    if not os.path.exists(path):
        raise ValueError(f"nothing lies at {os.path.abspath(path)}. Give the folder that holds the model.")
    return path


def port_number(text: str) -> int:
    """Return a port number; 0 stands for any free port."""
    number = _whole(text)
    if not 0 <= number <= LAST_PORT:
        raise ValueError("it must be a port between 1 and 65535.")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("it must be a whole number.") from None


def at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = _whole(text)
        if number < least:
            raise ValueError(f"it must be {least} or more.")
        return number

    return read


def none_or_at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = at_least(0)(text)
        if 0 < number < least:
            raise ValueError(f"it must be 0, for no limit, or at least MLPACKAGE_BODY_LIMIT, which is {least}.")
        return number

    return read


def one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"it must be one of {', '.join(allowed)}.")
        return text

    return read


def switch(text: str) -> bool:
    """Return whether a text means yes."""
    if text.lower() not in SWITCH:
        raise ValueError("it must be on or off, or 1 or 0.")
    return SWITCH[text.lower()]


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("it must be a number of seconds.") from None
    if not 0 <= number < float("inf"):
        raise ValueError("it must be a number of seconds, 0 or more.")
    return number
