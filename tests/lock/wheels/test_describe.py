from __future__ import annotations

import contextlib
import http.server
import re
import socketserver
import threading
import zipfile
from io import BytesIO

import pytest

from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.lock.wheels.describe import WheelContents, choose_wheel, license_of, modules_of, read_contents
from hatch_mlpackage.project.target import Target

TARGET = Target(python="3.11", platform="linux/amd64", libc="manylinux_2_36")
METADATA = "Metadata-Version: 2.4\nName: a\nVersion: 1\nLicense-Expression: MIT\n"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: BSD\n", "MIT OR Apache-2.0"),
        ("License: BSD\n", "BSD"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", "MIT License"),
        (f"License: {'x' * 200}\n", "x" * 100),
        ("License-Expression: MIT OR\n  Apache-2.0\n", "MIT OR Apache-2.0"),
        ("License: MIT\tor\u00a0BSD\x1b[2J\u202e\n", "MIT or BSD[2J"),
        (f"License-Expression: {'MIT OR ' * 200}MIT\nLicense: MIT\n", "MIT"),
        ("License:\n        The first line\n        The second\n", "The first line"),
        (
            "Classifier: License :: OSI Approved :: BSD License\nClassifier: License :: OSI Approved :: MIT License\n",
            "BSD License AND MIT License",
        ),
        ("Classifier: Programming Language :: Python\n", ""),
    ],
)
def test_license_of(fields, expected):
    """The licence is one printable line of the expression, else of the text, else of the classifiers."""
    assert license_of(f"Metadata-Version: 2.1\nName: a\n{fields}\nLicense: not a field\n") == expected


def wheel(*, padding=0, name="a.py"):
    """Make a wheel of one file whose METADATA lies `padding` bytes before its end."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, b"x" * 300_000)
        archive.writestr("a-1.dist-info/METADATA", METADATA)
        archive.writestr("a-1.dist-info/large", b"y" * padding)
    return stream.getvalue()


@pytest.fixture
def serve():
    """Give a function that serves files on loopback; it returns its URL and the sizes sent.

    `ranges` says whether it sends parts of a file, and `ends` whether it sends parts counted from the end.
    """
    servers = []

    def start(files, *, ranges=True, ends=True):
        sent = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                content, span = files.get(self.path), re.match(r"bytes=(\d*)-(\d+)", self.headers.get("Range", ""))
                if content is None:
                    self.send_error(404)
                    return
                if span and not span[1]:
                    if not ends:
                        self.send_error(416)
                        return
                    first = max(len(content) - int(span[2]), 0)
                    span = (None, first, len(content) - 1)
                part = content[int(span[1]) : int(span[2]) + 1] if span and ranges else content
                self.send_response(206 if span and ranges else 200)
                if span and ranges:
                    self.send_header("Content-Range", f"bytes {span[1]}-{span[2]}/{len(content)}")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                sent.append(len(part))
                self.wfile.write(part)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}", sent

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_index_that_serves_metadata(serve):
    """An index that serves only the METADATA of a wheel gives the licence but no modules."""
    url, sent = serve({"/a-1-py3-none-any.whl.metadata": METADATA.encode()})

    assert (read_contents(f"{url}/a-1-py3-none-any.whl"), sent) == (WheelContents(license="MIT"), [len(METADATA)])


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("padding", [0, 200_000])
def test_an_index_that_serves_parts(serve, padding, ends):
    """The licence and modules are read from parts of the wheel, wherever METADATA lies in it."""
    content = wheel(padding=padding)
    url, sent = serve({"/a-1-py3-none-any.whl": content}, ends=ends)

    assert read_contents(f"{url}/a-1-py3-none-any.whl") == WheelContents(
        license="MIT", modules=("a",), size=len(content)
    )
    assert sum(sent) < len(content)


def test_one_answer_is_enough(serve):
    """One request for the end of a wheel is enough for most wheels."""
    url, sent = serve({"/a-1-py3-none-any.whl": wheel()})

    assert (read_contents(f"{url}/a-1-py3-none-any.whl").modules, sent) == (("a",), [65536])


@pytest.mark.parametrize("files", [{}, {"/a-1-py3-none-any.whl": b"no wheel"}])
def test_an_index_that_tells_nothing(serve, files):
    """A wheel that cannot be read has no licence and raises nothing."""
    url, _ = serve(files)

    assert read_contents(f"{url}/a-1-py3-none-any.whl") == WheelContents()


def test_an_index_that_serves_whole_files_only(serve):
    """A wheel is not downloaded whole for its licence."""
    url, _ = serve({"/a-1-py3-none-any.whl": wheel()}, ranges=False)

    assert read_contents(f"{url}/a-1-py3-none-any.whl") == WheelContents()


@pytest.mark.parametrize("headers", [{}, {"Content-Range": "bytes 0-1/x"}, {"Content-Range": "bytes 0-1/99999999999"}])
def test_an_index_that_serves_nonsense(headers):
    """An answer without its place in the file, or with more than was asked for, describes nothing."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(206)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the client leaves
                for _ in range(70):
                    self.wfile.write(bytes(1 << 20))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        found = read_contents(f"http://127.0.0.1:{server.server_port}/a-1-py3-none-any.whl")
        server.shutdown()
        thread.join()

    assert found == WheelContents()


def patched(changes):
    """Return a wheel with bytes changed in both headers of METADATA, at offsets counted from the first one's start."""
    content, name = bytearray(wheel()), b"a-1.dist-info/METADATA"
    for start in (content.index(name) - 30, content.rindex(name) - 46 + 2):
        for offset, value in changes.items():
            content[start + offset] = value
    return bytes(content)


@pytest.mark.parametrize(
    "changes",
    [{6: 1}, {8: 99}, {8: 8}, {8: 12}, {8: 14}, {4: 255}],
    ids=["encrypted", "unknown method", "no deflate", "no bzip2", "no lzma", "version"],
)
def test_a_wheel_that_cannot_be_unpacked(tmp_path, changes):
    """A wheel that is encrypted, packed in an unknown way or damaged describes nothing, and raises nothing."""
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(patched(changes))

    assert read_contents(path.as_uri()) == WheelContents()


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 150 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\nshort",
    ],
    ids=["no status", "many headers", "long header", "breaks off"],
)
def test_an_index_that_does_not_speak_http(answer):
    """An index whose answers are no HTTP describes nothing, and raises nothing."""

    class Raw(socketserver.StreamRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):  # the client leaves
                self.request.recv(10_000)
                self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Raw) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            found = read_contents(f"http://127.0.0.1:{server.server_address[1]}/a-1-py3-none-any.whl")
        finally:
            server.shutdown()
            thread.join()

    assert found == WheelContents()


def test_a_wheel_on_disk(tmp_path):
    """A wheel of a local index is read from its file URL, and never from a bare path."""
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(wheel())

    read = WheelContents(license="MIT", modules=("a",), size=len(wheel()))
    assert (read_contents(path.as_uri()), read_contents(str(path))) == (read, WheelContents())


@pytest.mark.parametrize(("name", "modules"), [("nvidia/lib/libnccl.so.2", ()), ("a.pth", None)])
def test_a_wheel_without_modules(tmp_path, name, modules):
    """A wheel of libraries has no modules; those of a wheel that adds folders to look in are not known."""
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(wheel(name=name))

    assert read_contents(path.as_uri()).modules == modules


def entry(name, digit):
    return {"url": f"https://index.example/{name}#x", "hashes": {"sha256": digit * 64}}


def test_the_wheel_that_the_image_installs():
    """The most specific of the locked wheels that load in the image is described."""
    (pin,) = read_pins("a==1 " + " ".join(f"--hash=sha256:{digit * 64}" for digit in "1234"))
    wheels = [
        entry("a-1-py3-none-any.whl", "1"),
        entry("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", "2"),
        entry("a-1-cp311-cp311-manylinux_2_40_x86_64.whl", "3"),
        entry("a-1-cp312-cp312-manylinux_2_28_x86_64.whl", "4"),
        entry("a-1-cp311-cp311-manylinux_2_36_x86_64.whl", "5"),
    ]

    assert choose_wheel(wheels, pin, TARGET) == wheels[1]
    assert choose_wheel(wheels[2:], pin, TARGET) == {}


@pytest.mark.parametrize(
    ("names", "modules"),
    [
        (["a/__init__.py", "a/b/__init__.py", "a/b/c.py", "a-1.dist-info/METADATA"], ("a",)),
        (["six.py", "six-1.dist-info/RECORD"], ("six",)),
        (["_yaml/__init__.py", "yaml/__init__.py", "yaml/_yaml.cpython-312-x86_64-linux-gnu.so"], ("_yaml", "yaml")),
        (["google/auth/__init__.py", "google/oauth2/__init__.py"], ("google.auth", "google.oauth2")),
        (["google/protobuf/__init__.py", "google/_upb/_message.abi3.so"], ("google._upb._message", "google.protobuf")),
        (["m.abi3.so", "n.cp312-win_amd64.pyd"], ("m", "n")),
        (["a-1.data/purelib/p.py", "a-1.data/platlib/q/__init__.py", "a-1.data/scripts/s.py"], ("p", "q")),
        (["numpy.libs/libopenblas.so", "pandas-stubs/__init__.pyi", "share/doc/readme.txt"], ()),
        (["compiled/__init__.cpython-312-x86_64-linux-gnu.so"], ("compiled",)),
        (["a/__init__.pyc", "a/__pycache__/b.cpython-312.pyc", "__pycache__/c.cpython-312.pyc"], ("a",)),
        (["nvidia/nccl/lib/libnccl.so.2", "nvidia/nccl/include/nccl.h"], ()),
        ([], ()),
    ],
)
def test_modules_of(names, modules):
    """The file names of a wheel show its packages, modules, compiled modules and parts of namespaces."""
    assert modules_of(names) == modules
