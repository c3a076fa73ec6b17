"""What can go wrong in a worker, each with the answer or the exit status it leads to."""

from __future__ import annotations


class StartError(Exception):
    """The entry script cannot start; the text says what and where."""


class RefusedRequest(Exception):  # noqa: N818 - it is the client's, not ours
    """The request is not what the script takes: a status and a message for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
