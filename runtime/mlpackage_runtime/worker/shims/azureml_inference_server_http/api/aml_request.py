"""Provide `@rawhttp`, the decorator of scripts whose run() gets werkzeug's request."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
from typing import Any, Callable, TypeVar

from werkzeug.wrappers import Request

Run = TypeVar("Run", bound=Callable[..., Any])

_rawHttpRequested = False  # noqa: N816 - the original's name, which other code may look at


class AMLRequest(Request):
    """The request that run() gets."""


def rawhttp(func: Run) -> Run:
    """Ask for the raw request; the decorator may stand on any function and always applies to run()."""
    global _rawHttpRequested  # noqa: PLW0603 - as the original does
    _rawHttpRequested = True
    return func
