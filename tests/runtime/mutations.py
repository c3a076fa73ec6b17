"""Makes streams of HTTP requests that are right, unusual or slightly broken, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

HIDDEN = b"GET /score?hidden HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"POST /score?last HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast"

METHODS = [b"POST", b"POST", b"POST", b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"]
ODD_METHODS = [b"CONNECT", b"PRI", b"post", b"M-SEARCH", b"X", b"P\x00ST", b"", b"POST\t"]
TARGETS = [
    *(b"/score", b"/score", b"/score", b"/score?a=1&b=%20", b"/score?" + b"q" * 300, b"/", b"/swagger.json", b"/none"),
    *(b"http://x/score", b"http://x/score?a=1", b"/sc%6fre", b"/score%0A", b"/score/", b"/score?a=/../score"),
]
ODD_TARGETS = [
    b"//x/score",
    b"*",
    b"x:443",
    b"/score#part",
    b"/./score",
    b"/score;v=1",
    b"/score%00",
    b"/sc ore",
    b"http:",
]
FIELDS = [
    *(
        b"X-One: 1",
        b"x-one: 2",
        b"X-Two:\ttabbed \t",
        b"X-Empty:",
        b"X-Under_score: 1",
        b"Accept: */*, text/html;q=0.5",
    ),
    *(b"X-High: \xe9\xff", b"Expect: 100-continue", b"Upgrade: websocket\r\nConnection: Upgrade", b"TE: trailers"),
    *(b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__", b"Trailer: X-Late"),
    *(
        b"Connection: keep-alive",
        b"X-Request-Id: " + b"i" * 30,
        b"Content-Type: application/json",
        b"Via: 1.0 a, 1.1 b",
    ),
    *(b"Keep-Alive: timeout=5", b"X-Long: " + b"v" * 3000, b"Cookie: a=b; c=d"),
]
HOSTS = [b"Host: x", b"host:x:80", b"HOST: [::1]:80", b"Host: a.example "]
ODD_HOSTS = [b"", b"Host: x\r\nHost: x", b"Host: x\r\nHost: y", b"Host: a b", b"Host: x/y", b"Host : x", b"Host: \xff"]
ODD_VERSIONS = [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.10", b"HTTP/1", b"HTTQ/1.1"]
CODINGS = [b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"Transfer-Encoding:  chunked "]
ODD_CODINGS = [
    *(b"Transfer-Encoding: Chunked", b"Transfer-Encoding: chunked\t"),
    *(b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: xchunked"),
    *(b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    *(
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3",
        b"Transfer-Encoding: identity",
    ),
    *(
        b"Transfer-Encoding:\r\n chunked",
        b"Transfer-Encoding:",
        b'Transfer-Encoding: "chunked"',
        b"Transfer_Encoding: chunked",
    ),
]
SIZES = ["{0:x}", "{0:X}", "000{0:x}"]
ODD_SIZES = ["{0:x} ", " {0:x}", "+{0:x}", "-{0:x}", "0x{0:x}", "{0:x}\t", "{0:x}_", "f{0:017x}"]
ODD_LENGTHS = [
    "+{0}",
    "-{0}",
    "0{0}",
    "{0}, {0}",
    "{0},",
    "{0}.0",
    "0x{0:x}",
    " {0} ",
    "{0} 0",
    "{0}\r\nContent-Length: {1}",
    "",
]
EXTENSIONS = [b"", b"", b";a", b";a=b", b';a="b;c"', b";" + b"e" * 200]
ODD_EXTENSIONS = [b" ; a = b", b";a=\x00", b";\rb", b';a="\r\nX: y"']
TRAILERS = [b"", b"", b"X-Late: 1\r\n", b"X-Late: 1\r\nHost: y\r\n"]
ODD_TRAILERS = [b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n", b"bad\r\n", b": x\r\n", b"X-Late : 1\r\n"]
LINE_ENDS = [b"\n", b"\r", b"\r\n\r\n", b"\n\r", b"\x00\r\n", b" \r\n", b"\r\n "]


def stream(source: random.Random) -> tuple[bytes, bool]:
    """Return one to four requests and a last one that asks for the end, and whether a server has to answer them all."""
    kinds = [source.choice(ODDITIES) if source.random() < 0.2 else "" for _ in range(source.randint(1, 4))]
    whole = b"".join(_request(source, odd) for odd in kinds) + LAST
    if source.random() < 0.2:
        return source.choice(DAMAGES)(source, whole), False
    return whole, not any(kinds)


def pieces(source: random.Random, data: bytes) -> list[bytes]:
    """Return bytes cut at random places, or into single bytes around the first end of a head."""
    cuts = sorted(source.sample(range(1, len(data)), min(source.choice([0, 0, 1, 2, 5, 20]), len(data) - 1)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _request(source: random.Random, odd: str) -> bytes:
    """Return a request in which one part, `odd`, is unusual or wrong, or none."""
    version = source.choice(ODD_VERSIONS) if odd == "version" else b"HTTP/1.1"
    host = source.choice(ODD_HOSTS if odd == "host" else HOSTS)
    fields = [host, *source.sample(FIELDS, source.choice([0, 0, 1, 2, 4]))]
    way = WAYS.get(odd) or source.choice([_counted, _chunked, _without])
    framing, sent = way(source, _body(source), odd)
    fields.insert(source.randint(0, len(fields)), framing)
    method = source.choice(ODD_METHODS if odd == "method" else METHODS)
    target = source.choice(ODD_TARGETS if odd == "target" else TARGETS)
    return b"\r\n".join([b" ".join([method, target, version]), *filter(None, fields)]) + b"\r\n\r\n" + sent


def _body(source: random.Random) -> bytes:
    makers: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b'{"data": [1, 2]}',
        lambda: source.randbytes(source.randrange(300)),
        lambda: HIDDEN,
        lambda: b"0\r\n\r\n" + HIDDEN,
        lambda: b"z" * source.choice([1023, 8192, 70_000]),
    ]
    return source.choice(makers)()


def _counted(source: random.Random, body: bytes, odd: str) -> tuple[bytes, bytes]:
    shape = source.choice(ODD_LENGTHS) if odd == "length" else "{0}"
    return b"Content-Length: " + shape.format(len(body), len(body) + 1).encode(), body


def _without(source: random.Random, body: bytes, odd: str) -> tuple[bytes, bytes]:
    return b"", b""


def _chunked(source: random.Random, body: bytes, odd: str) -> tuple[bytes, bytes]:
    coding = source.choice(ODD_CODINGS if odd == "coding" else CODINGS)
    return coding, b"".join(_chunks(source, body, odd))


def _chunks(source: random.Random, body: bytes, odd: str) -> Iterator[bytes]:
    while body:
        size = source.randint(1, len(body))
        shape = source.choice(ODD_SIZES if odd == "size" else SIZES)
        extension = source.choice(ODD_EXTENSIONS if odd == "extension" else EXTENSIONS)
        yield shape.format(size).encode() + extension + b"\r\n" + body[:size] + b"\r\n"
        body = body[size:]
    yield source.choice([b"0", b"0", b"000", b"0;last"]) + b"\r\n"
    yield source.choice(ODD_TRAILERS if odd == "trailer" else TRAILERS) + b"\r\n"


WAYS = {"length": _counted, **dict.fromkeys(("coding", "size", "extension", "trailer"), _chunked)}
ODDITIES = ("method", "target", "version", "host", *WAYS)


def _changed_byte(source: random.Random, data: bytes) -> bytes:
    at = source.randrange(len(data))
    return data[:at] + source.randbytes(1) + data[at + 1 :]


def _changed_line_end(source: random.Random, data: bytes) -> bytes:
    ends = data.split(b"\r\n")
    at = source.randrange(1, len(ends))
    return b"\r\n".join(ends[:at]) + source.choice(LINE_ENDS) + b"\r\n".join(ends[at:])


def _cut_out(source: random.Random, data: bytes) -> bytes:
    at = source.randrange(len(data))
    return data[:at] + data[at + source.randint(1, 20) :]


def _cut_off(source: random.Random, data: bytes) -> bytes:
    return data[: source.randrange(1, len(data))]


def _doubled_line(source: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    at = source.randrange(len(lines))
    return b"\r\n".join([*lines[:at], lines[at], *lines[at:]])


DAMAGES = [_changed_byte, _changed_line_end, _cut_out, _cut_off, _doubled_line]
