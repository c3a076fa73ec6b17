"""Define a request as the server hands it over, and the forms in which scripts see it."""

import codecs
import json
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple


class Request(NamedTuple):
    """One HTTP request. `headers` are the names (in lower case) and values in turn, as they were sent."""

    method: bytes
    path: bytes
    query: bytes
    client: bytes
    request_id: bytes
    headers: Sequence[bytes]
    body: bytes

    def header(self, name: bytes) -> str:
        """Return the value of a header, its repetitions joined as HTTP allows, or an empty string."""
        headers = self.headers
        if name not in headers:
            return ""
        values = [headers[at + 1] for at in range(0, len(headers), 2) if headers[at] == name]
        return b",".join(values).decode("latin-1")

    def titled_headers(self) -> Dict[str, str]:
        """Return all headers as the scripts know them: `X-Request-Id`, repetitions joined with commas.

        A name with an underscore is left out, because the original would take it for the same name with a dash.
        """
        titled: Dict[str, str] = {}
        headers = [part.decode("latin-1") for part in self.headers]
        for name, value in zip(headers[::2], headers[1::2]):
            title = name.title()
            if "_" not in name:
                titled[title] = f"{titled[title]},{value}" if title in titled else value
        return titled

    def query_values(self) -> Dict[str, Any]:
        """Return the query: each value parsed as JSON where it parses, a repeated name as a list."""
        from urllib.parse import parse_qsl  # which few requests need

        values: Dict[str, List[Any]] = {}
        query = self.query.decode("latin-1")
        for name, text in parse_qsl(query, keep_blank_values=True, errors="mlpackage.percent"):
            values.setdefault(name, []).append(_parsed(text))
        return {name: found if len(found) > 1 else found[0] for name, found in values.items()}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _percent(error: UnicodeError) -> Tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(f"%{byte:02X}" for byte in wrong), error.end


codecs.register_error("mlpackage.percent", _percent)  # bytes of a query that are not UTF-8 stay as they were sent
