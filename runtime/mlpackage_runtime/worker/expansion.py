"""Limit what a small body can become: by its compression, or as the values of a JSON document."""

import zlib

from mlpackage_runtime.frames import WorkerSettings
from mlpackage_runtime.worker.errors import RefusedRequest

FREE = 2**20  # decompressed bytes that need no ratio
CODINGS = frozenset(("gzip", "x-gzip", "deflate"))


class Limits:
    """How far a body may expand; 0 stands for no limit."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._decompressed = settings.decompressed_limit
        self._ratio = settings.compression_ratio
        self._values = settings.json_limit

    def decoded(self, body: bytes, coding: str) -> bytes:
        """Return a body without its Content-Encoding. Raises RefusedRequest."""
        if coding in CODINGS:
            return self._inflated(body)
        if coding in {"", "identity"}:
            return body
        raise RefusedRequest(415, f"Content-Encoding {coding} is not supported: send gzip, deflate or none")

    def check_values(self, body: bytes) -> None:
        """Refuse JSON text with too many values, before a parser makes an object of each. Raises RefusedRequest."""
        if not self._values or len(body) <= self._values:
            return
        if body.count(b",") + body.count(b"[") + body.count(b"{") > self._values:
            raise RefusedRequest(413, f"The body must not have more than {self._values} values.")

    def _inflated(self, body: bytes) -> bytes:
        by_ratio = max(FREE, len(body) * self._ratio) if self._ratio else 0
        most = min(filter(None, (self._decompressed, by_ratio)), default=0)
        unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: the first bytes of the body tell gzip from zlib
        try:
            plain = unpack.decompress(body, most + 1 if most else 0)
        except zlib.error as error:
            raise RefusedRequest(400, f"The body could not be decompressed: {error}") from None
        if most and len(plain) > most:
            raise RefusedRequest(413, self._too_large(most))
        if not unpack.eof:
            raise RefusedRequest(400, "The body could not be decompressed: it is cut off")
        if unpack.unused_data:
            raise RefusedRequest(400, "The body could not be decompressed: it has more than one part")
        return plain

    def _too_large(self, most: int) -> str:
        if most == self._decompressed:
            return f"The decompressed body must not exceed {most} bytes."
        return f"The body must not be compressed to less than 1/{self._ratio} of its size."
