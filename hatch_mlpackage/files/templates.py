"""Fill the templates of a context; nothing else in the package uses Jinja."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.files.resources import templates_directory

if TYPE_CHECKING:
    import jinja2


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template of a context or of a generated script; a missing value is an error, not an empty text."""
    return _environment(templates_directory()).get_template(template).render(values)


@cache
def _environment(folder: Path) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - `mlpackage lock --check` and other verbs that fill none start a tenth sooner

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder / name for name in ("context", "no-code")], encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Dockerfiles, Markdown and Python, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
    )
