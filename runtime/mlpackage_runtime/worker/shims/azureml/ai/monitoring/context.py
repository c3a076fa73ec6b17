"""Define the contexts that link an output to its input."""

import uuid
from typing import Dict, Optional


class CorrelationContext:
    """The base of the contexts that scripts write themselves."""

    def get_id(self) -> str:
        raise NotImplementedError

    def get_headers(self) -> Dict[str, str]:
        raise NotImplementedError


class BasicCorrelationContext(CorrelationContext):
    """An id, and the headers of the request where there are any."""

    def __init__(self, id: Optional[str] = None, headers: Optional[Dict[str, str]] = None) -> None:  # noqa: A002
        self._id = id or str(uuid.uuid4())
        self._headers = headers or {}

    def get_id(self) -> str:
        return self._id

    def get_headers(self) -> Dict[str, str]:
        return self._headers
