"""Provide the response for scripts that choose its status and headers themselves."""

# mypy: disable-error-code="import-not-found, misc, no-any-return, unused-ignore"
import json
import re
from typing import Any, Mapping

from werkzeug.wrappers import Response

# A comma separates repetitions of a header, except in a quoted text and after the day of a date.
PART = re.compile(r'(?:"[^"]*"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[a-z]*day)?,|[^,])+')


class AMLResponse(Response):
    """werkzeug's response with the original's constructor."""

    default_mimetype = "text/html"

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, str] = {},
        json_str: bool = False,  # noqa: FBT001, FBT002 - the original's signature
        run_function_failed: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Make a response: the message is text, bytes or an iterable of parts, or with `json_str` any JSON value."""
        if message is None or json_str:
            text = json.dumps({} if message is None else message)
            super().__init__(text, status=status_code, mimetype="application/json")
        else:
            super().__init__(message, status=status_code)
            if "Content-Type" in response_headers:
                self.headers.remove("Content-Type")
        self.headers["x-ms-run-function-failed"] = str(run_function_failed)
        for name, value in response_headers.items():
            for part in PART.findall(str(value)):
                self.headers.add(name, part.strip())
