"""Explain why a Python file cannot be parsed, here or by the image's Python."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from hatch_mlpackage.project.sources.newer_syntax import NewerSyntax, is_older


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntaxProblem:
    """Where and why a file cannot be parsed, and how to correct it."""

    line: int
    what: str
    fix: str


def syntax_error(error: Exception, python: str = "") -> SyntaxProblem:
    """Explain what `parse_python` raised; `python` is the image's, as X.Y, where it is known."""
    reason = getattr(error, "msg", None) or str(error)
    return SyntaxProblem(
        line=getattr(error, "lineno", None) or 1,
        what=f"syntax error: {reason.rstrip('.?')}.",
        fix=_next_step(error, reason, python),
    )


def too_new(found: NewerSyntax, python: str) -> SyntaxProblem:
    """Explain a construct that only a newer Python than the image's can read."""
    return SyntaxProblem(
        line=found.line,
        what=f"syntax error: the image has Python {python}, and {found.name} needs Python {found.since}.",
        fix=f'Write it in another way, or set python-version = "{found.since}".',
    )


def _next_step(error: Exception, reason: str, python: str) -> str:
    """Say how to correct a syntax error; blame the running Python only for newer syntax that it may not know."""
    if isinstance(error, TabError):
        return "Indent with spaces alone."
    if "codec can't decode" in reason or reason.startswith("unknown encoding"):
        return "Save it as UTF-8, or name its encoding in its first line: # coding: latin-1"
    if "print" in reason:
        return "This is Python 2, and images have Python 3: write print(…)."
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python and not is_older(running, python):
        return f"Correct it. The image has Python {python}, which does not load newer syntax than its own."
    return f"The script was read as Python {running}; for newer syntax run this tool with a newer Python."
