"""Make small files that cost a naive reader gigabytes or minutes, one for each way that a format allows."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

MB = 1 << 20
PICKLE = b"\x80\x04"
MAIN_FILE = {"tensorflow": "saved_model.pb", "mlflow": "MLmodel"}
TORCHSCRIPT = b"c__torch__\nNet\n)\x81}b."


def repeated(piece: bytes, count: int) -> Iterator[bytes]:
    """Yield blocks that are the piece so many times."""
    block = piece * (MB // len(piece) or 1)
    whole, rest = divmod(count * len(piece), len(block))
    for _ in range(whole):
        yield block
    yield block[:rest]


def squeezed(pieces: Iterable[bytes], compressor: Any = None) -> bytes:
    compressor = compressor or zlib.compressobj(9)
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


def squeezed_pickle(piece: bytes, count: int, head: bytes = PICKLE, tail: bytes = b".") -> bytes:
    return squeezed([head, *repeated(piece, count), tail])


def array_of(shape: bytes, code: bytes = b"u1") -> bytes:
    """Return a pickle's operations for what joblib writes before the bytes of an array."""
    names = [b"X" + len(name).to_bytes(4, "little") + name for name in (b"shape", b"dtype", code)]
    wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
    return PICKLE + wrapper + names[0] + shape + names[1] + b"cnumpy\ndtype\n" + names[2] + b"\x85Rub"


def zeros(compressor: Any = None) -> bytes:
    return squeezed([array_of(b"J" + (128 * MB).to_bytes(4, "little")), *repeated(bytes(MB), 128)], compressor)


def doubled() -> bytes:
    """Return operations for lists that hold the one before them twice, sixty times over; the last is kept as 60."""
    return PICKLE + b"]\x94" + b"".join(b"](h%ch%ce\x94" % (index, index) for index in range(60))


def archive(members: Mapping[str, Iterable[bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as opened:
        for name, pieces in members.items():
            with opened.open(name, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
    return packed.getvalue()


def schema(head: bytes, piece: bytes, count: int, tail: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    return archive({"schema.json": [head, *repeated(piece, count), tail]}, compression)


def pytorch(members: Mapping[str, Iterable[bytes]]) -> bytes:
    """Return an exported program's archive with further members."""
    return archive({"m/models/model.json": [b"{}"], **members})


def many_members(count: int) -> bytes:
    """Return an archive whose list of members is large, as the names are long."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for index in range(count):
            opened.writestr(f"{index:05000}", b"")
    return packed.getvalue()


def overlapping(count: int) -> bytes:
    """Return an archive whose many pickles are one and the same stretch of the file."""
    content = squeezed([PICKLE, *repeated(b"N0", 100_000), b"N."], zlib.compressobj(9, zlib.DEFLATED, -15))
    local = zipfile.ZipInfo("a.pkl")
    local.compress_type, local.file_size, local.compress_size = zipfile.ZIP_DEFLATED, 200_004, len(content)
    local.CRC = zlib.crc32(b"".join([PICKLE, *repeated(b"N0", 100_000), b"N."]))
    packed = io.BytesIO(pytorch({}))
    with zipfile.ZipFile(packed, "a") as opened:
        place = packed.seek(0, io.SEEK_END)
        packed.write(local.FileHeader() + content)
        opened.start_dir = packed.tell()
        for index in range(count):
            info = zipfile.ZipInfo(f"{index}.pkl")
            for field in ("compress_type", "file_size", "compress_size", "CRC"):
                setattr(info, field, getattr(local, field))
            info.header_offset, info.orig_filename = place, "a.pkl"
            opened.filelist.append(info)
            opened.NameToInfo[info.filename] = info
        opened.comment = b"-"  # makes zipfile write the list of the members
    return packed.getvalue()


def nested(depth: int) -> bytes:
    inner = archive({"m/data.pkl": [b"N."]})
    for _ in range(depth):
        inner = archive({"x.pt": [inner]}, zipfile.ZIP_STORED)
    return pytorch({"x.pt": [inner]})


def header(text: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx(graph: bytes) -> bytes:
    return field(7, graph) + field(8, b"")


def onnx_input(tensor: bytes) -> bytes:
    return onnx(field(11, field(1, b"x") + field(2, field(1, tensor))))


def text_of_ubjson(text: bytes) -> bytes:
    return b"L" + struct.pack(">q", len(text)) + text


def aliases(form: bytes) -> bytes:
    """Return nine mappings or lists, each of which holds the one before it nine times."""
    first = b"a: &a {x: 1}\n" if b"<<" in form else b"a: &a [1,1,1]\n"
    return first + b"".join(
        b"%c: &%c %s\n" % (letter, letter, form % b",".join([b"*%c" % (letter - 1)] * 9))
        for letter in range(ord("b"), ord("m"))
    )


MLFLOW = b"flavors: {python_function: {loader_module: m}}\n"
RIDGE = b"csklearn.linear_model\nRidge\n)\x81}"
BOMBS: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "zlib": ("sklearn", zeros),
    "gzip": ("sklearn", lambda: zeros(zlib.compressobj(9, wbits=31))),
    "bz2": ("sklearn", lambda: zeros(bz2.BZ2Compressor())),
    "xz": ("sklearn", lambda: zeros(lzma.LZMACompressor(preset=0))),
    "lzma": ("sklearn", lambda: zeros(lzma.LZMACompressor(format=lzma.FORMAT_ALONE, preset=0))),
    "lzma dictionary": (
        "sklearn",
        lambda: zeros(
            lzma.LZMACompressor(
                format=lzma.FORMAT_ALONE,
                filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 29, "preset": 0}],
            )
        ),
    ),
    "empty gzip files": ("sklearn", lambda: gzip.compress(b"") * 200_000),
    "empty bz2 files": ("sklearn", lambda: bz2.compress(b"") * 200_000),
    "array that lies": ("sklearn", lambda: squeezed([array_of(b"\x8a\x06\x00\x00\x00\x00\x00\x7f"), bytes(99)])),
    "array of many dimensions": (
        "sklearn",
        lambda: squeezed([array_of(b"(" + b"".join(repeated(b"\x8a\x08" + b"\x7f" * 8, 100_000)) + b"t"), b"."]),
    ),
    "arrays of objects": ("sklearn", lambda: squeezed_pickle(array_of(b"K\x01", b"O8"), 50_000)),
    "one value": (
        "sklearn",
        lambda: squeezed_pickle(bytes(MB), 300, PICKLE + b"\x8e" + (300 * MB).to_bytes(8, "little")),
    ),
    "value that lies": ("sklearn", lambda: squeezed([PICKLE + b"\x8e" + b"\x7f" * 8])),
    "value of a file that lies": ("sklearn", lambda: PICKLE + b"\x8e" + b"\x7f" * 8),
    "values": ("sklearn", lambda: squeezed_pickle(b"B" + MB.to_bytes(4, "little") + bytes(MB), 300)),
    "kept texts": ("sklearn", lambda: squeezed_pickle(b"X\x00\xff\x00\x00" + bytes(0xFF00), 4000)),
    "integers": ("sklearn", lambda: squeezed_pickle(b"\x8b" + MB.to_bytes(4, "little") + b"\x7f" * MB, 300)),
    "digits": ("sklearn", lambda: squeezed_pickle(b"L" + b"7" * 4200 + b"L\n", 20_000)),
    "lines": ("sklearn", lambda: squeezed_pickle(b"S'" + b"\\x41" * 200_000 + b"'\n", 200)),
    "lines of unicode": ("sklearn", lambda: squeezed_pickle(b"V" + b"\\u0041" * 100_000 + b"\n", 200)),
    "dicts": ("sklearn", lambda: squeezed_pickle(b"}", 20_000_000)),
    "marks": ("sklearn", lambda: squeezed_pickle(b"(", 20_000_000)),
    "memo": ("sklearn", lambda: squeezed_pickle(b"]\x94", 10_000_000)),
    "pops": ("sklearn", lambda: squeezed_pickle(b"N0", 10_000_000)),
    "calls": ("sklearn", lambda: squeezed_pickle(b")R", 5_000_000, PICKLE + b"N")),
    "states": ("sklearn", lambda: squeezed_pickle(b"N)R", 2_000_000, PICKLE, b"b" * 2_000_000 + b".")),
    "memo of one hash": (
        "sklearn",
        lambda: squeezed([b"N", *(b"p%d\n" % (index * ((1 << 61) - 1)) for index in range(100_000))]),
    ),
    "tuples": ("sklearn", lambda: squeezed_pickle(b"\x85", 20_000_000, PICKLE + b"N")),
    "names": ("sklearn", lambda: squeezed([PICKLE, *(b"c%d\n%d\n0" % (index, index) for index in range(300_000))])),
    "module of doubled lists": ("sklearn", lambda: doubled() + b"X\x01\x00\x00\x00a\x93."),
    "version of doubled lists": (
        "sklearn",
        lambda: doubled() + b"0" * 61 + RIDGE + b"X\x10\x00\x00\x00_sklearn_versionh\x3csb.",
    ),
    "count of features": ("sklearn", lambda: PICKLE + RIDGE + b"X\x0e\x00\x00\x00n_features_in_J\xff\xff\xff\x7fsb."),
    "skops lists": ("skops", lambda: schema(b"[", b"[],", 20_000_000, b"0]")),
    "skops dicts": ("skops", lambda: schema(b"[", b"{},", 20_000_000, b"0]")),
    "skops text": ("skops", lambda: schema(b'"', b"\\ud83d\\ude00", 2_000_000, b'"')),
    "skops spaces": ("skops", lambda: schema(b"", b" ", 200 * MB, b"0")),
    "skops brackets": ("skops", lambda: schema(b"", b"[", 50 * MB, b"")),
    "skops inner JSON": (
        "skops",
        lambda: schema(
            b'{"__loader__":"ListNode","content":[',
            b'{"__loader__":"JsonNode","content":"[[],[],[]]"},',
            300_000,
            b"0]}",
        ),
    ),
    "skops one array named often": (
        "skops",
        lambda: archive(
            {
                "schema.json": [
                    b'{"__loader__":"ListNode","content":[',
                    *repeated(b'{"__loader__":"NdArrayNode","file":"a"},', 50_000),
                    b"0]}",
                ],
                "a": [header(b"(" + b"1," * 32_000 + b")")],
            }
        ),
    ),
    "skops brackets in a header": (
        "skops",
        lambda: archive(
            {"schema.json": [b'{"__loader__":"NdArrayNode","file":"a"}'], "a": [header(b"(" * 60_000)]},
        ),
    ),
    "skops in bz2": ("skops", lambda: schema(b"[", b"[],", 300_000, b"0]", zipfile.ZIP_BZIP2)),
    "skops in lzma": ("skops", lambda: schema(b"[", b"[],", 2_000_000, b"0]", zipfile.ZIP_LZMA)),
    "members": ("skops", lambda: many_members(1800)),
    "members of one stretch": ("pytorch", lambda: overlapping(20_000)),
    "inner archives": ("pytorch", lambda: nested(50)),
    "inner zeros": ("pytorch", lambda: pytorch({"x.pt": repeated(bytes(MB), 500)})),
    "pickles": (
        "pytorch",
        lambda: pytorch({f"{it}.pkl": [PICKLE, *repeated(b"N0", 500_000), b"N."] for it in range(20)}),
    ),
    "pytorch pickle": ("pytorch", lambda: archive({"m/data.pkl": [PICKLE, *repeated(b"]\x94", 10_000_000)]})),
    "torchscript": (
        "pytorch",
        lambda: archive({"m/data.pkl": [TORCHSCRIPT], "m/code/__torch__.py": repeated(b"x;", 30_000_000)}),
    ),
    "torchscript heads": (
        "pytorch",
        lambda: archive(
            {
                "m/data.pkl": [TORCHSCRIPT],
                "m/code/__torch__.py": [b"class Net(Module):\n", *repeated(b"  def forward(\n", 2_000_000)],
            }
        ),
    ),
    "torchscript arguments": (
        "pytorch",
        lambda: archive(
            {
                "m/data.pkl": [TORCHSCRIPT],
                "m/code/__torch__.py": [b"class Net(Module):\n  def forward(x=", *repeated(b"(", 60_000), b":\n"],
            }
        ),
    ),
    "program": ("pytorch", lambda: archive({"m/models/model.json": [b"[", *repeated(b"[],", 20_000_000), b"0]"]})),
    "onnx fields": ("onnx", lambda: onnx(b"\x08\x00" * 5_000_000)),
    "onnx names": ("onnx", lambda: onnx(field(5, field(8, b"x" * 1_000_000)) * 50)),
    "onnx names that are distinct": (
        "onnx",
        lambda: onnx(b"".join(field(5, field(8, b"%d" % index)) for index in range(500_000))),
    ),
    "onnx dimensions": ("onnx", lambda: onnx_input(b"\x08\x01" + field(2, field(1, b"\x08\x01") * 1_000_000))),
    "onnx few dimensions": ("onnx", lambda: onnx_input(b"\x08\x01" + field(2, field(1, b"\x08\x01") * 3000))),
    "onnx length that lies": ("onnx", lambda: b"\x3a" + b"\xff" * 9 + b"\x01"),
    "tensorflow fields": ("tensorflow", lambda: field(2, field(1, field(4, b"serve")) + field(5, b"") * 5_000_000)),
    "tensorflow signatures": (
        "tensorflow",
        lambda: field(
            2,
            field(1, field(4, b"serve"))
            + b"".join(field(5, field(1, b"%d" % index) + field(2, b"")) for index in range(500_000)),
        ),
    ),
    "xgboost lists": ("xgboost", lambda: b'{"learner":[' + b"[]," * 10_000_000 + b"0]}"),
    "xgboost quotes": ("xgboost", lambda: b'{"' + b'\\"' * 10_000_000),
    "xgboost numbers": ("xgboost", lambda: b'{"a":[' + b"1," * 30_000_000),
    "xgboost numbers without a bracket": ("xgboost", lambda: b'{"a":' + b"1," * 10_000_000),
    "xgboost brackets": ("xgboost", lambda: b'{"a":' + b"[" * 10_000_000),
    "xgboost count": (
        "xgboost",
        lambda: b'{"learner":{"learner_model_param":{"num_feature":"2000000000"}},"version":[1]}',
    ),
    "ubjson nulls": ("xgboost", lambda: b"{" + text_of_ubjson(b"a") + b"[" + b"Z" * 10_000_000),
    "ubjson lists": ("xgboost", lambda: b"{" + text_of_ubjson(b"a") + b"[" + b"[]" * 10_000_000),
    "ubjson no-ops": ("xgboost", lambda: b"{" + text_of_ubjson(b"a") + b"N" * 10_000_000),
    "ubjson length that lies": ("xgboost", lambda: b"{L" + b"\x7f" * 8),
    "ubjson array that lies": ("xgboost", lambda: b"{" + text_of_ubjson(b"a") + b"[$d#L" + b"\x7f" * 8),
    "ubjson count that lies": ("xgboost", lambda: b"{" + text_of_ubjson(b"a") + b"[$Z#L" + b"\x7f" * 8),
    "ubjson texts": ("xgboost", lambda: b"{" + text_of_ubjson(b"a") + b"[" + (b"S" + text_of_ubjson(b"x" * MB)) * 50),
    "lightgbm lines": ("lightgbm", lambda: b"tree\n" + b"".join(b"a%d=\n" % index for index in range(2_000_000))),
    "lightgbm names": (
        "lightgbm",
        lambda: b"tree\nmax_feature_idx=9999999\nfeature_names=" + b"a " * 9_999_999 + b"a\n",
    ),
    "lightgbm categories": (
        "lightgbm",
        lambda: b"tree\nmax_feature_idx=0\nfeature_names=a\n" + b"\npandas_categorical:[" * 50_000 + b"\n" * 500_000,
    ),
    "mlflow lists": ("mlflow", lambda: b"flavors: [" + b"[]," * 2_000_000 + b"]"),
    "mlflow brackets": ("mlflow", lambda: b"flavors: " + b"[" * 2_000_000),
    "mlflow word": ("mlflow", lambda: b"a: " + b"x" * (7 * MB)),
    "mlflow keys": ("mlflow", lambda: b"".join(b"a%d: 1\n" % index for index in range(500_000))),
    "mlflow keys of one hash": (
        "mlflow",
        lambda: (
            b"flavors: {python_function: {%s}}"
            % b",".join(b"%d: 1" % (index * ((1 << 61) - 1)) for index in range(20_000))
        ),
    ),
    "mlflow aliases": ("mlflow", lambda: aliases(b"[%s]")),
    "mlflow merges": ("mlflow", lambda: aliases(b"{<<: [%s]}")),
    "mlflow itself": ("mlflow", lambda: b"flavors: &a [*a]"),
    "mlflow digits": ("mlflow", lambda: MLFLOW + b"a: " + b"1" * 1_000_000),
    "mlflow sixties": ("mlflow", lambda: MLFLOW + b"a: 1" + b":1" * 1_000_000),
    "mlflow sixties and a fraction": ("mlflow", lambda: MLFLOW + b"a: 1" + b":1" * 1_000_000 + b".5"),
    "mlflow inputs": ("mlflow", lambda: MLFLOW + b"signature: {inputs: '[" + b"{}," * 2_000_000 + b"0]'}\n"),
}
