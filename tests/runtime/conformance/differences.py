"""List the documented differences by their names in docs/runtime-differences.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pair import Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Hold the original's answer and ours; texts are regular expressions for the whole body."""

    original: int | tuple[int, ...]
    ours: int
    original_body: str = ".*"
    our_body: str = ".*"
    header: str = ""  # the only header that differs

    def explains(self, original: Seen, ours: Seen) -> bool:
        expected = self.original if isinstance(self.original, tuple) else (self.original,)
        if original.status not in expected or ours.status != self.ours:
            return False
        if self.header:
            return original.body == ours.body and _without(original, self.header) == _without(ours, self.header)
        found = re.fullmatch(self.original_body, original.body.decode("latin-1"), re.DOTALL)
        return bool(found and re.fullmatch(self.our_body, ours.body.decode("latin-1"), re.DOTALL))


def _without(seen: Seen, name: str) -> list[tuple[str, str]]:
    return [header for header in seen.headers if header[0] != name]


SCRIPT_ERROR = re.escape('{"message": "An unexpected error occurred in scoring script. Check the logs for more info."}')
INTERNAL_ERROR = re.escape('{"message": "An unexpected internal error occurred. Check the logs for more info."}')
MISMATCH = r'{"message": "The input does not match the schema of run\(\): .+"}'
NO_JSON = r'{"message": "POST body could not be decoded as JSON: .+"}'
FORM = r'\["str", "(a=1&b=2|--b--)"\]'

DIFFERENCES = {
    "schema-mismatch": Difference(original=500, ours=400, original_body=SCRIPT_ERROR, our_body=MISMATCH),
    "plain-results": Difference(original=500, ours=200, original_body=INTERNAL_ERROR, our_body=r"[^<]+"),
    "async-run": Difference(original=500, ours=200, original_body=INTERNAL_ERROR, our_body='"x"'),
    "form-body": Difference(original=200, ours=200, original_body=r'\["str", ""\]', our_body=FORM),
    "gzip-body": Difference(original=(400, 500), ours=200, our_body=r"\[.*1.*2.*\]"),
    "undecodable-json": Difference(original=500, ours=400, original_body=INTERNAL_ERROR, our_body=NO_JSON),
    "own-timeout": Difference(original=500, ours=500, original_body=".*timeout after.*", our_body=SCRIPT_ERROR),
    "deadline": Difference(original=200, ours=500, our_body='{"message": "Scoring timeout after 400 ms"}'),
    "system-exit": Difference(original=500, ours=500, original_body="<html>.*", our_body=SCRIPT_ERROR),
    "dates-in-headers": Difference(original=200, ours=200, header="expires"),
    "allow": Difference(original=405, ours=405, header="allow"),
    "expect": Difference(original=417, ours=200),
}
