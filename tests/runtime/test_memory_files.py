"""Large bodies pass between server and worker in files in memory, and in frames where there can be no files."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import random
import resource
import signal
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from measuring import children, forget_peaks, memory_files, peak_mb
from mlpackage_runtime import frames, memory_files as passed
from pythons import interpreter

if TYPE_CHECKING:
    from runtime_service import Service, Start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory")

MIB = 2**20
LARGE = 5 * MIB  # so large that requests and answers go in files
ECHO = """
    import time

    def init():
        pass

    def run(raw_data):
        if raw_data.startswith("slow"):
            time.sleep(1)
        return raw_data
"""
LENGTH = """
    def init():
        pass

    def run(raw_data):
        return len(raw_data)
"""


def text(size: int) -> str:
    return random.Random(size).randbytes(size // 2 + 1).hex()[:size]


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def comes_back(service: Service, size: int) -> bool:
    body = text(size)
    answer = service.post(body)
    return (answer.status_code, answer.text == f'"{body}"') == (200, True)


@pytest.mark.parametrize("size", [4 * MIB - 3, 4 * MIB - 2, 4 * MIB - 1, 4 * MIB])
def test_bodies_on_both_sides_of_the_limits_come_back_whole(serve: Start, size: int) -> None:
    """A body is the same whether it lies in a frame or in a file."""
    assert comes_back(serve(ECHO), size)


def test_a_large_body_lies_in_a_file_until_its_answer(serve: Start) -> None:
    """The server has the body once, outside its own memory, and keeps nothing of it."""
    service = serve(ECHO)
    pid = service.process.pid
    assert comes_back(service, 10)
    before = open_files(pid)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(service.post, "slow" + "x" * LARGE)
        service.wait_until(lambda: memory_files(pid) == [LARGE + 4], "the body to lie in a file")
    assert len(answer.result().text) == LARGE + 6
    service.wait_until(lambda: (open_files(pid), memory_files(pid)) == (before, []), "the files to be closed")
    (worker,) = children(pid)
    assert memory_files(worker) == []


@pytest.mark.slow
def test_the_servers_memory_is_flat_over_large_bodies(serve: Start) -> None:
    """A hundred bodies of 64 MiB, there or back, do not make the server larger by a quarter of one."""
    service = serve(
        """
        def init():
            pass

        def run(raw_data):
            return "x" * int(raw_data) if len(raw_data) < 100 else len(raw_data)
        """
    )
    pid, size = service.process.pid, 64 * MIB
    assert service.post("x" * LARGE).json() == LARGE
    forget_peaks(pid)
    before, files, body = peak_mb(pid), open_files(pid), b"x" * size
    there = {service.post(body).json() for _ in range(50)}
    back = {len(service.post(str(size)).content) for _ in range(50)}
    assert (there, back, open_files(pid)) == ({size}, {size + 2}, files)
    assert peak_mb(pid) < before + 16


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries cannot be tuned")
def test_the_parts_of_bodies_take_no_new_memory(serve: Start) -> None:
    """The server uses its memory again, instead of getting each page of each body from the system."""
    service = serve(LENGTH)
    pid = service.process.pid
    body = b"x" * MIB

    def faults() -> int:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[7])

    for _ in range(20):
        service.post(body)
    before = faults()
    for _ in range(50):
        assert service.post(body).json() == MIB
    assert (faults() - before) / 50 < 64  # of 256 pages that each body has


# Forbids memfd_create() to the interpreter and to what it starts, as the seccomp profile of a container does.
FORBIDDING = """#!{python}
import ctypes, os, platform, struct, sys
number = {{"x86_64": 319, "aarch64": 279}}[platform.machine()]
# Load the number of the system call; where it is memfd_create's, return the error, and else allow it.
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | {error}), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, struct.pack("HL", len(steps), ctypes.addressof(program))) == 0  # PR_SET_SECCOMP
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS], ids=errno.errorcode.get)
def test_without_files_in_memory_bodies_go_in_frames(
    serve: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server_python: str, error: int
) -> None:
    """A container may forbid memfd_create(), and an old kernel lacks it: nobody notices."""
    forbidding = tmp_path / "python"
    forbidding.write_text(FORBIDDING.format(python=server_python, error=error), encoding="utf-8")
    forbidding.chmod(0o755)
    monkeypatch.setattr("runtime_service.SERVER_PYTHON", str(forbidding))
    service = serve(ECHO)
    assert comes_back(service, LARGE)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(service.post, "slow" + "x" * LARGE)
        while not answer.done():
            assert memory_files(service.process.pid) == []
            time.sleep(0.05)
    assert "Traceback" not in service.log


@pytest.mark.parametrize("limit", [MIB, 6 * MIB], ids=["a first part", "a later part"])
def test_where_files_fail_bodies_go_in_frames(serve: Start, limit: int) -> None:
    """A file that cannot grow, in the middle of a body, costs nothing; nor does it for those that come later."""
    service = serve(ECHO)
    assert comes_back(service, 2 * LARGE)
    for pid in (service.process.pid, *children(service.process.pid)):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    assert comes_back(service, 2 * LARGE)
    assert memory_files(service.process.pid) == []
    for pid in (service.process.pid, *children(service.process.pid)):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert comes_back(service, 2 * LARGE)
    assert len(service.worker_pids()) == 1


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8"])
def test_workers_of_old_pythons_pass_files(serve: Start, version: str) -> None:
    """The interpreters that lack os.memfd_create() read and write such files, too."""
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    service = serve(ECHO, f"--worker-python={python}")
    assert comes_back(service, LARGE)


def test_a_script_that_has_used_up_all_descriptors_gets_its_bodies(serve: Start) -> None:
    """The worker keeps one in reserve for the file of a request."""
    service = serve(
        """
        import os, resource

        def init():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

        held = []

        def run(raw_data):
            try:
                while len(held) < 100:
                    held.append(os.dup(0))
            except OSError:
                pass
            return [len(held) < 64, len(raw_data)]
        """
    )
    assert [service.post("x" * LARGE).json() for _ in range(3)] == [[True, LARGE]] * 3
    assert len(service.worker_pids()) == 1


def test_more_large_bodies_than_files(serve: Start) -> None:
    """The server opens a limited number of files, and has further bodies in its own memory."""
    service = serve(LENGTH)
    pid, size, number = service.process.pid, LARGE, 70
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size
    with contextlib.ExitStack() as opened:
        clients = [
            opened.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=30))
            for _ in range(number)
        ]
        for client in clients:
            client.sendall(head + b"x" * (size - 1))
        service.wait_until(lambda: len(memory_files(pid)) == 64, "the files")
        for client in clients:
            client.sendall(b"x")
        answers = [client.makefile("rb").read() for client in clients]
    assert [answer.rpartition(b"\r\n\r\n")[2] for answer in answers] == [b"%d" % size] * number
    assert memory_files(pid) == []


def test_a_client_that_leaves_takes_its_file_along(serve: Start) -> None:
    """Nothing stays of a body that does not arrive whole, or of an answer that nobody takes."""
    service = serve(ECHO)
    pid = service.process.pid
    assert comes_back(service, LARGE)
    before = open_files(pid)
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", service.port)) as half,
        socket.create_connection(("127.0.0.1", service.port)) as whole,
    ):
        half.sendall(head % (2 * LARGE) + b"x" * LARGE)
        whole.sendall(head % (2 * LARGE) + b"x" * 2 * LARGE)
        whole.recv(1000)
        service.wait_until(lambda: sorted(memory_files(pid))[-1:] == [2 * LARGE + 2], "the answer to wait in a file")
        assert len(memory_files(pid)) == 2
    service.wait_until(lambda: (open_files(pid), memory_files(pid)) == (before, []), "the files to be closed")
    assert comes_back(service, LARGE)


def test_a_worker_that_is_killed_leaves_no_file(serve: Start) -> None:
    """Neither the file that it was reading nor those that it had not read."""
    service = serve(ECHO)
    pid = service.process.pid
    assert comes_back(service, LARGE)
    before = open_files(pid)
    for _ in range(3):
        with ThreadPoolExecutor(3) as pool:
            closing = {"connection": "close"}
            answers = [pool.submit(service.post, "slow" + "x" * LARGE, headers=closing) for _ in range(3)]
            service.wait_until(lambda: len(memory_files(pid)) == 3, "the bodies to lie in files")
            time.sleep(0.1)
            os.kill(service.worker_pids()[-1], signal.SIGKILL)
        assert sorted(answer.result().status_code for answer in answers) == [200, 200, 500]
    service.wait_until(lambda: open_files(pid) <= before and not memory_files(pid), "the files to be closed")


# A worker that answers its first request as the script below says, and whose replacements are honest.
LIAR = """#!{python}
import fcntl, os, socket, struct, sys
try:
    open({marker!r}, "x").close()
except FileExistsError:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server, files = (socket.socket(fileno=int(fd)) for fd in sys.argv[3:5])
server.recv(65536)
server.sendall(struct.pack("!BIQ", {ready}, 0, 2) + b"{{}}")
server.recv(65536)

def answer(fd):
    files.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", fd))])

def sealed(size, written, seals=15):
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(fd, b"x" * written)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, 1033, seals)
    return fd

{lie}
server.sendall(struct.pack("!BIQ", {response}, 3, 0) + b"200")
while server.recv(65536):
    pass
"""
LIES = {
    "no file": "pass",
    "bytes without a file": "files.send(b'f')",
    "a file that can be cut": "answer(sealed(100, 100, 0))",
    "a file that can be written": "answer(sealed(100, 100, 7))",
    "a huge file without contents": "answer(sealed(2**42, 100))",
    "a pipe": "answer(os.pipe()[0])",
    "a device": "answer(os.open('/dev/zero', os.O_RDONLY))",
    "a file of a disk": "answer(os.open(__file__, os.O_RDONLY))",
    "a socket": "answer(server.fileno())",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_script_cannot_answer_with_files_of_its_own(serve: Start, tmp_path: Path, lie: str) -> None:
    """What is not a whole, unchangeable file in memory ends the worker, and neither blocks the server nor fills it."""
    liar = tmp_path / "python"
    told = {"ready": frames.READY, "response": frames.RESPONSE_IN_FILE, "lie": LIES[lie]}
    liar.write_text(LIAR.format(python=sys.executable, marker=str(tmp_path / "first"), **told), encoding="utf-8")
    liar.chmod(0o755)
    service = serve(ECHO, f"--worker-python={liar}")
    assert service.post("x").status_code == 500
    service.wait_for_log(r"(Worker \d+ sent an answer in a file that cannot be used)")
    assert comes_back(service, LARGE)
    assert (memory_files(service.process.pid), "Traceback" in service.log) == ([], False)


def test_a_script_cannot_change_a_request_that_goes_to_another_worker(serve: Start) -> None:
    """While its thread has the file of a request open, it can neither cut nor write it."""
    service = serve(
        """
        import errno, os, threading

        seen = set()

        def watch():
            while True:
                for fd in range(3, 64):
                    try:
                        if "memfd:mlpackage-body" in os.readlink("/proc/self/fd/%d" % fd):
                            seen.update(attempt(fd))
                    except OSError:
                        pass

        def attempt(fd):
            for change in (lambda: os.ftruncate(fd, 0), lambda: os.pwrite(fd, b"y", 0)):
                try:
                    change()
                    yield "changed"
                except OSError as error:
                    yield errno.errorcode[error.errno]

        def init():
            threading.Thread(target=watch, daemon=True).start()

        def run(raw_data):
            return [len(raw_data), "y" in raw_data, sorted(seen)]
        """
    )
    outcomes: set[str] = set()
    for _ in range(20):
        *answer, seen = service.post("x" * 4 * LARGE).json()
        assert answer == [4 * LARGE, False]
        outcomes |= set(seen)
        if "EPERM" in outcomes:
            break
    # The descriptor may have been that of another file by then, which cannot be cut.
    assert {"EPERM"} <= outcomes <= {"EPERM", "EINVAL", "ESPIPE", "EBADF"}


def test_only_a_sealed_file_in_memory_is_final() -> None:
    """A file that is not sealed, a pipe, a device, a file on a disk and a closed descriptor are not."""
    made = passed.create()
    passed.write(made, b"some bytes")
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as disk, open("/dev/zero", "rb") as device:  # noqa: PTH123 - a device
        others = [passed.is_final(fd) for fd in (made, reading, disk.fileno(), device.fileno())]
    passed.finish(made)
    final = passed.is_final(made)
    for fd in (made, reading, writing):
        os.close(fd)
    assert (others, final, passed.is_final(made)) == ([False] * 4, True, False)


def test_files_arrive_in_order_and_once() -> None:
    """A receiver gets each file that was sent, and an error where there is none."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(0)
        for number in range(3):
            fd = passed.create()
            passed.write(fd, b"%d" % number)
            assert passed.send(ours, fd)
            os.close(fd)
        received = [passed.receive(theirs) for _ in range(3)]
        assert [os.pread(fd, 10, 0) for fd in received] == [b"0", b"1", b"2"]
        assert [os.get_inheritable(fd) for fd in received] == [False] * 3
        for fd in received:
            os.close(fd)
        with pytest.raises(BlockingIOError):
            passed.receive(theirs)


def test_a_full_socket_takes_no_file() -> None:
    """The sender learns at once that the body must go in its frame."""
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as file:
        ours.settimeout(0)
        sent = 0
        while sent < 10_000 and passed.send(ours, file.fileno()):
            sent += 1
        assert 8 <= sent < 10_000
