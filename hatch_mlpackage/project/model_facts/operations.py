"""Split a pickle into its operations, and skip the values that nobody reads: the bytes of arrays."""

from __future__ import annotations

import io
import pickletools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, cast

from hatch_mlpackage.project.model_facts.facts import CutShortError, UnloadableModelError, UnreadableModelError
from hatch_mlpackage.project.model_facts.stream import LONGEST, LONGEST_KEPT, Stream

_LONGEST_NUMBER = 64  # bytes
# The first bytes of the boosters in pickles, whose heads are kept: those of XGBoost and of LightGBM.
_UBJSON, _LIGHTGBM = b"{L\0\0\0", b"tree\n"
# How many bytes of an argument hold its length, by pickletools' codes for it.
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_Read = Callable[[Stream], Any]


def operations(stream: Stream) -> Iterator[tuple[str, Any]]:
    """Yield the name and the argument of each operation, up to the one that ends the pickle.

    Raises UnreadableModelError, or whatever `pickletools` raises on bytes that are not a pickle.
    """
    read, work = stream.read, stream.budget.work
    while True:
        work()
        code = read(1)
        if code not in _OPERATIONS:
            raise UnloadableModelError("it is not a pickle") if code else CutShortError("it is cut short")
        name, argument = _OPERATIONS[code]
        if name == "STOP":
            return
        yield name, _argument(argument, stream) if argument else None


def _argument(argument: _Read, stream: Stream) -> Any:
    try:
        return argument(stream)
    except UnreadableModelError:
        raise
    except ValueError:  # of pickletools, for what ends too early among others
        if stream.read(1):
            raise
        raise CutShortError("it is cut short") from None


def _plain(read: Callable[[IO[bytes]], Any]) -> _Read:
    return lambda stream: read(cast("IO[bytes]", stream))


def _text_line(read: Callable[[IO[bytes]], Any]) -> _Read:
    def text(stream: Stream) -> object:
        line = stream.line()
        return "" if line is None else _kept(stream, read(io.BytesIO(line)))

    return text


def _names_line(read: Callable[[IO[bytes]], Any]) -> _Read:
    return lambda stream: _kept(stream, read(cast("IO[bytes]", stream)))


def _counted(width: int, convert: Callable[[bytes], Any]) -> _Read:
    def value(stream: Stream) -> object:
        size = int.from_bytes(stream.exactly(width), "little")
        if size > LONGEST_KEPT:
            return _kept(stream, convert(_head_of_booster(stream, size)))
        return _kept(stream, convert(stream.exactly(size)))

    return value


def _head_of_booster(stream: Stream, size: int) -> bytes:
    """Skip a long value, and return its first bytes if it is a booster."""
    head = stream.exactly(len(_UBJSON)) if size <= LONGEST else b""
    if head in {_UBJSON, _LIGHTGBM}:
        head += stream.exactly(LONGEST_KEPT - len(head))
    stream.skip(size - len(head))
    if head.startswith(_LIGHTGBM):
        return head[: head.rfind(b"\n") + 1]  # whole lines, and so whole letters
    return head if head.startswith(_UBJSON) else b""


def _kept(stream: Stream, value: Any) -> Any:
    if isinstance(value, str | bytes):
        stream.budget.keep(value)
    return value


def _integer(content: bytes) -> int:
    if len(content) > _LONGEST_NUMBER:
        return sys.maxsize  # no count or size is so large
    return int.from_bytes(content, "little", signed=True)


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


def _reader(operation: pickletools.OpcodeInfo) -> _Read | None:
    """Choose how an operation's argument is read."""
    if operation.arg is None:
        return None
    read = operation.arg.reader
    width = _LENGTHS.get(operation.arg.n)
    if width is None:
        if operation.name in {"STRING", "UNICODE"}:
            return _text_line(read)
        return _names_line(read) if operation.arg.n == pickletools.UP_TO_NEWLINE else _plain(read)
    if "UNICODE" in operation.name:
        return _counted(width, _decode)
    if operation.name.startswith("LONG"):
        return _counted(width, _integer)
    latin = operation.name in {"BINSTRING", "SHORT_BINSTRING"}
    return _counted(width, (lambda content: content.decode("latin-1")) if latin else bytes)


_OPERATIONS: Mapping[bytes, tuple[str, _Read | None]] = {
    operation.code.encode("latin-1"): (operation.name, _reader(operation)) for operation in pickletools.opcodes
}
