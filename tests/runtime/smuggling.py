"""Requests whose end two parsers can place differently, each with another request hidden in its body."""

from __future__ import annotations

from dataclasses import dataclass

HIDDEN = b"GET /score?hidden HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"POST /score?last HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast"
LENGTH = len(HIDDEN)
CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (LENGTH, HIDDEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A head and what follows it. The server refuses the request with one of the statuses, and closes."""

    says: str
    fields: bytes
    body: bytes
    line: bytes = b"POST /score HTTP/1.1"
    statuses: tuple[int, ...] = (400, 501)

    @property
    def sent(self) -> bytes:
        return self.line + b"\r\nHost: x\r\n" + self.fields + b"\r\n" + self.body + LAST


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A head and a body that hides a request. The server answers it and goes on behind the body."""

    says: str
    fields: bytes
    body: bytes = HIDDEN
    line: bytes = b"POST /score HTTP/1.1"

    @property
    def sent(self) -> bytes:
        return self.line + b"\r\nHost: x\r\n" + self.fields + b"\r\n" + self.body + LAST


def _counted(value: bytes, says: str, body: bytes = HIDDEN) -> Refused:
    return Refused(says=says, fields=b"Content-Length: %b\r\n" % value, body=body)


def _coded(value: bytes, says: str, body: bytes = b"0\r\n\r\n" + HIDDEN) -> Refused:
    return Refused(says=says, fields=b"Transfer-Encoding: %b\r\n" % value, body=body)


def _chunked(body: bytes, says: str) -> Refused:
    return Refused(says=says, fields=b"Transfer-Encoding: chunked\r\n", body=body)


CODED = b"Transfer-Encoding: chunked\r\n"
NUMBER = b"%d" % LENGTH
REFUSED = [
    Refused(says="CL.TE", fields=b"Content-Length: 5\r\n" + CODED, body=b"0\r\n\r\n" + HIDDEN),
    Refused(says="TE.CL", fields=CODED + b"Content-Length: 5\r\n", body=b"0\r\n\r\n" + HIDDEN),
    Refused(says="TE.CL where the length is right", fields=CODED + b"Content-Length: %d\r\n" % len(CHUNK), body=CHUNK),
    Refused(says="TE.TE", fields=CODED + b"Transfer-Encoding: x\r\n", body=b"0\r\n\r\n" + HIDDEN),
    Refused(
        says="TE.TE, the unknown one first", fields=b"Transfer-Encoding: x\r\n" + CODED, body=b"0\r\n\r\n" + HIDDEN
    ),
    Refused(says="chunked twice", fields=CODED * 2, body=b"0\r\n\r\n" + HIDDEN),
    _coded(b"chunked, chunked", "chunked twice in one field"),
    _coded(b"gzip, chunked", "another coding before chunked"),
    _coded(b"chunked, identity", "identity after chunked"),
    _coded(b"identity", "identity alone"),
    _coded(b"xchunked", "a coding that ends with chunked"),
    _coded(b"chunkedx", "a coding that begins with chunked"),
    _coded(b'"chunked"', "a quoted coding"),
    _coded(b"\x0bchunked", "a vertical tab before the coding"),
    _coded(b"chunked;q=1", "a coding with a parameter"),
    _coded(b"", "an empty coding"),
    Refused(says="a folded coding", fields=b"Transfer-Encoding:\r\n chunked\r\n", body=b"0\r\n\r\n" + HIDDEN),
    Refused(says="a folded field", fields=b"X-One: 1\r\n Content-Length: %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="a folded field before all", fields=b" X-One: 1\r\nContent-Length: %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="a space before the colon", fields=b"Content-Length : %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="a tab before the colon", fields=b"Transfer-Encoding\t: chunked\r\n", body=CHUNK),
    Refused(says="NUL in a name", fields=b"Content-\x00Length: %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="NUL in a value", fields=b"X-One: \x00\r\nContent-Length: %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="a field without a colon", fields=b"Content-Length\r\n", body=HIDDEN),
    Refused(says="a field without a name", fields=b": 5\r\nContent-Length: %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="a bare CR in a value", fields=b"X-One: 1\rContent-Length: %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="double Content-Length", fields=b"Content-Length: 0\r\nContent-Length: %b\r\n" % NUMBER, body=HIDDEN),
    Refused(says="the same Content-Length twice", fields=b"Content-Length: %b\r\n" % NUMBER * 2, body=HIDDEN),
    _counted(NUMBER + b", " + NUMBER, "a list of lengths"),
    _counted(b"-1", "a negative length"),
    _counted(b"+" + NUMBER, "a length with a plus"),
    _counted(b"0x%x" % LENGTH, "a hexadecimal length"),
    _counted(b"1_0", "a length with an underscore"),
    _counted(b"", "an empty length"),
    _counted(NUMBER + b" 0", "a length with a space in it"),
    _counted(b"%d" % (2**64 + LENGTH), "a length over 64 bits"),
    _counted("\u0663".encode(), "a length in other digits"),
    _chunked(b"-1\r\n" + HIDDEN, "a negative chunk"),
    _chunked(b"+%x\r\n%b\r\n0\r\n\r\n" % (LENGTH, HIDDEN), "a chunk with a plus"),
    _chunked(b"0x%x\r\n%b\r\n0\r\n\r\n" % (LENGTH, HIDDEN), "a chunk with 0x"),
    _chunked(b" %x\r\n%b\r\n0\r\n\r\n" % (LENGTH, HIDDEN), "a space before a chunk's size"),
    _chunked(b"%x x\r\n%b\r\n0\r\n\r\n" % (LENGTH, HIDDEN), "more after a chunk's size"),
    _chunked(b"%x\n%b\n0\n\n" % (LENGTH, HIDDEN), "bare LF after a chunk's size"),
    _chunked(b"1%016x\r\n%b\r\n0\r\n\r\n" % (LENGTH, HIDDEN), "a chunk's size over 64 bits"),
    _chunked(b"\r\n0\r\n\r\n" + HIDDEN, "a chunk without a size"),
    _chunked(b";a\r\n0\r\n\r\n" + HIDDEN, "a chunk that has only an extension"),
    _chunked(b"5\r\nhello0\r\n\r\n" + HIDDEN, "a chunk without an end"),
    _chunked(b"3\r\nhello\r\n0\r\n\r\n" + HIDDEN, "a chunk that is longer than its size"),
    _chunked(b"1\r\na\n0\r\n\r\n" + HIDDEN, "bare LF after a chunk"),
    _chunked(b"0;a=\x00\r\n\r\n" + HIDDEN, "NUL in an extension"),
    _chunked(b"0\r\nX-One\r\n\r\n" + HIDDEN, "a trailer without a colon"),
    Refused(says="HTTP/1.0 with a coding", line=b"POST /score HTTP/1.0", fields=CODED, body=CHUNK),
    Refused(says="a version of its own", line=b"POST /score HTTP/1.2", fields=b"", body=HIDDEN, statuses=(400,)),
    Refused(says="HTTP/2", line=b"PRI * HTTP/2.0", fields=b"", body=HIDDEN, statuses=(400,)),
    Refused(says="a lower-case version", line=b"POST /score http/1.1", fields=b"", body=HIDDEN),
    Refused(says="no version", line=b"GET /score", fields=b"", body=HIDDEN, statuses=(400,)),
    Refused(says="CONNECT", line=b"CONNECT x:80 HTTP/1.1", fields=b"", body=HIDDEN, statuses=(405,)),
    Refused(
        says="CONNECT with a body",
        line=b"CONNECT x:80 HTTP/1.1",
        fields=b"Content-Length: %b\r\n" % NUMBER,
        body=HIDDEN,
        statuses=(400, 405),
    ),
    Refused(says="two hosts", fields=b"Host: y\r\n", body=HIDDEN),
    Refused(says="the same host twice", fields=b"Host: x\r\n", body=HIDDEN),
    Refused(says="a control character in the target", line=b"GET /score?\x01 HTTP/1.1", fields=b"", body=HIDDEN),
    Refused(says="a space in the target", line=b"GET /score?a b HTTP/1.1", fields=b"", body=HIDDEN),
]
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
COUNTED = b"Content-Length: %b\r\n" % NUMBER
ANSWERED = [
    Answered(says="a length", fields=COUNTED),
    Answered(says="a length with zeros before it", fields=b"Content-Length: 000%b\r\n" % NUMBER),
    Answered(says="chunks", fields=CODED, body=CHUNK),
    Answered(says="chunks with extensions", fields=CODED, body=CHUNK.replace(b"\r\nGET", b';a="b"\r\nGET')),
    Answered(
        says="a request in a trailer", fields=CODED, body=CHUNK[:-2] + b"X-One: GET /score?hidden HTTP/1.1\r\n\r\n"
    ),
    Answered(says="framing in a trailer", fields=CODED, body=CHUNK[:-2] + b"Content-Lengths: 40\r\nHost: y\r\n\r\n"),
    Answered(says="websocket with a length", fields=WEBSOCKET + COUNTED),
    Answered(says="websocket with chunks", fields=WEBSOCKET + CODED, body=CHUNK),
    Answered(says="websocket without a body", fields=WEBSOCKET, body=b"", line=b"GET /score HTTP/1.1"),
    Answered(says="h2c with a length", fields=H2C + COUNTED),
    Answered(says="h2c with chunks", fields=H2C + CODED, body=CHUNK),
    Answered(says="h2c without a body", fields=H2C, body=b"", line=b"GET /score HTTP/1.1"),
    Answered(says="Expect", fields=b"Expect: 100-continue\r\n" + COUNTED),
    Answered(says="GET with a body", fields=COUNTED, line=b"GET /score HTTP/1.1"),
    Answered(says="OPTIONS with chunks", fields=CODED, body=CHUNK, line=b"OPTIONS /score HTTP/1.1"),
    Answered(says="an underscore instead of a dash", fields=b"Content_Length: 0\r\nTransfer_Encoding: x\r\n" + COUNTED),
]
