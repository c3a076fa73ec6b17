"""Define the errors that end a worker's start, or that go to the client."""


class StartError(Exception):
    """The entry script cannot start; the text says why and where."""


class RefusedRequest(Exception):  # noqa: N818 - an error of the client's
    """The script cannot take the request; `status` and `message` are for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
