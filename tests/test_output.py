"""Lines whose reader is slow, gone, or was never there: the writer goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gateway.telemetry.output import Output

LINE = "x" * 2047


@contextlib.contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that holds two lines."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    try:
        yield reading, writing
    finally:
        for end in (reading, writing):
            with contextlib.suppress(OSError):
                os.close(end)


def read_to(reading: int, last: str) -> list[str]:
    """All lines up to this one."""
    data = b""
    while not data.endswith(f"{last}\n".encode()):
        data += os.read(reading, 65_536)
    return data.decode().splitlines()


def test_lines_wait_for_a_slow_reader() -> None:
    with pipe() as (reading, writing):
        output = Output(writing)
        lines = [f"{number} {LINE}" for number in range(50)]
        for line in lines:
            output.write(line)
        assert read_to(reading, lines[-1]) == lines
        output.flush(5.0)
        # As before, without the thread.
        output.write("after")
        assert read_to(reading, "after") == ["after"]
        assert output.take_lost() == 0


def test_lines_over_the_limit_are_lost_and_counted() -> None:
    with pipe() as (reading, writing):
        output = Output(writing, limit=5 * 2048)
        for _ in range(50):
            output.write(LINE)
        assert output.take_lost() == 0, "it is not known yet whether writing works again"
        kept: list[str] = []
        reader = threading.Thread(target=lambda: kept.extend(read_to(reading, "after")), daemon=True)
        reader.start()
        output.flush(5.0)
        lost = output.take_lost()
        output.write("after")
        reader.join(5.0)
        # Five wait, and two or three are in the pipe or with the thread.
        assert kept == [LINE] * (50 - lost) + ["after"]
        assert 40 < lost < 45
        assert output.take_lost() == 0


def test_a_reader_who_is_gone_is_no_error() -> None:
    with pipe() as (reading, writing):
        output = Output(writing)
        os.close(reading)
        for _ in range(3):
            output.write(LINE)
        output.flush(5.0)
        assert output.take_lost() == 0


LOGGING = """
import sys, structlog
from gateway.telemetry import logs

logs.configure("info", "json")
log = structlog.get_logger()
for number in range(2000):
    log.info("some.line", number=number, text="x" * 1000)
print("went on", flush=True)
sys.stdin.readline()
log.info("later.line")
"""


def test_a_log_that_nobody_reads_holds_nothing_up() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LOGGING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        ending = threading.Timer(20, process.kill)
        ending.start()
        assert process.stdout.readline() == b"went on\n"
        read = [process.stderr.readline() for _ in range(500)]
        assert process.stdin is not None
        process.stdin.close()
        read += process.stderr.readlines()
        assert process.wait(10) == 0
        ending.cancel()
        assert any(b"later.line" in line for line in read)
        assert any(b"log.lines_lost" in line for line in read)
    finally:
        process.kill()


HANGING = """
import signal, sys, uvicorn
from gateway import server

server.DUMP_TIME = 0.3
running = server.GatewayServer(uvicorn.Config(None), exit_timeout=0.1)
signal.signal(signal.SIGTERM, running.handle_exit)
print("up", flush=True)
while True:
    pass
"""


def test_a_hanging_gateway_ends_though_nobody_reads_where_it_stood() -> None:
    with pipe() as (_, writing):
        os.write(writing, bytes(4096))
        process = subprocess.Popen([sys.executable, "-c", HANGING], stdout=subprocess.PIPE, stderr=writing)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            process.terminate()
            assert process.wait(10) == -signal.SIGALRM
        finally:
            process.kill()


CLOSED = """
import os, socket, sys
from click.testing import CliRunner
from gateway import cli

cli.main(["--version"], standalone_mode=False)
cli.main(["settings"], standalone_mode=False)
with socket.socket() as one:
    sys.exit(one.fileno())
"""


def test_no_socket_gets_the_number_of_a_closed_stream() -> None:
    def close() -> None:
        os.closerange(0, 3)

    run: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run
    done = run([sys.executable, "-c", CLOSED], preexec_fn=close, check=False, timeout=20)
    assert done.returncode > 2


@pytest.mark.parametrize("closed", [1, 2])
def test_nothing_is_written_where_a_stream_was_closed(closed: int) -> None:
    output = Output(os.dup(closed))
    begun = time.monotonic()
    os.close(output._descriptor)
    output.write("nowhere")
    assert time.monotonic() - begun < 5
