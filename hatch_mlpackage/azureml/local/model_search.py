"""Find a registered model by its id, or the latest one by name, tags, properties and framework."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hatch_mlpackage.azureml.exceptions import WebserviceException
from hatch_mlpackage.azureml.local.models import Document, find_model, list_models, not_found

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")


def check_model_name(name: str) -> None:
    """Raise WebserviceException where no model can have the name."""
    if not _NAME.fullmatch(name):
        raise WebserviceException(
            "Error, provided model name is invalid. It must only consist of letters, numbers, dashes, periods, or "
            "underscores, start with a letter or number, and be between 1 and 255 characters long."
        )


class ModelQuery:
    """The tags, properties, run and framework that a model must have."""

    def __init__(
        self,
        *,
        tags: Sequence[Any] | None,
        properties: Sequence[Any] | None,
        run_id: str | None,
        framework: str | None,
    ) -> None:
        self._pairs = [("tags", *_pair(tag)) for tag in tags or ()]
        self._pairs += [("properties", *_pair(each)) for each in properties or ()]
        self._of_a_run = run_id is not None  # no run registers models here
        self._framework = framework

    def matches(self, document: Mapping[str, Any]) -> bool:
        return (
            not self._of_a_run
            and self._framework in {None, document["framework"]}
            and all(
                key in document[where] and value in {None, document[where][key]} for where, key, value in self._pairs
            )
        )


def _pair(asked: Any) -> tuple[str, str | None]:
    return (asked, None) if isinstance(asked, str) else (asked[0], str(asked[1]))


def find_document(
    workspace: Path, identity: str | None, name: str | None = None, query: ModelQuery | None = None
) -> Document:
    """Return the document of the model with an id, or of the latest model of a name that matches.

    Raises WebserviceException where no model does.
    """
    if not identity and not name:
        raise WebserviceException("Error, one of id or name must be provided.")
    if identity:
        known, _, version = identity.rpartition(":")
        is_one = _NAME.fullmatch(known) and version.isascii() and version.isdecimal()
        found = find_model(workspace, known, int(version)) if is_one else None
        if found is None:
            raise WebserviceException(not_found(identity))
        return found
    for document in list_models(workspace, name) if _NAME.fullmatch(str(name)) else ():
        if query is None or query.matches(document):
            return document
    raise WebserviceException(f"ModelNotFound: Model with name {name} not found in provided workspace")
