"""An answer's head and body leave in one write, and nothing that a client waits for is held back."""

from __future__ import annotations

import asyncio
import socket
import struct
from urllib.parse import urlsplit

import pytest

from gateway.transport.answer_writer import AnswerWriter
from ksmp_testkit import Running


class Wire(asyncio.Transport):
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


async def test_head_and_body_are_one_write() -> None:
    wire = Wire()
    writer = AnswerWriter(wire, asyncio.get_running_loop())
    writer.write(b"head ")
    assert wire.writes == []
    writer.write(b"body")
    writer.write(b"more")
    await asyncio.sleep(0)
    assert wire.writes == [b"head body", b"more"]


async def test_a_head_whose_body_comes_later_does_not_wait_for_it() -> None:
    wire = Wire()
    writer = AnswerWriter(wire, asyncio.get_running_loop())
    writer.write(b"head ")
    await asyncio.sleep(0)
    assert wire.writes == [b"head "]
    writer.write(b"body")
    assert wire.writes == [b"head ", b"body"]


async def test_an_interim_answer_is_sent_at_once() -> None:
    wire = Wire()
    writer = AnswerWriter(wire, asyncio.get_running_loop())
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    writer.write(b"head ")
    writer.write(b"body")
    assert wire.writes[1:] == [b"head body"]


async def test_closing_sends_the_head_first() -> None:
    wire = Wire()
    writer = AnswerWriter(wire, asyncio.get_running_loop())
    writer.write(b"head ")
    writer.close()
    await asyncio.sleep(0)
    assert wire.writes == [b"head "]
    assert writer.is_closing()


async def test_a_head_whose_client_has_left_is_dropped() -> None:
    wire = Wire()
    writer = AnswerWriter(wire, asyncio.get_running_loop())
    failed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    writer.write(b"head ")
    wire.closed = True
    await asyncio.sleep(0)
    writer.close()
    assert (wire.writes, failed) == ([], [])


# Where `struct tcp_info` of Linux has `tcpi_data_segs_in`.
SEGMENTS = struct.Struct("152xI")


async def test_an_answer_is_one_packet(node: Running) -> None:
    where = urlsplit(node.url)
    loop = asyncio.get_running_loop()
    with socket.socket() as link:
        link.setblocking(False)
        await loop.sock_connect(link, (where.hostname, where.port))
        for number in (1, 2, 3):
            await loop.sock_sendall(link, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += await loop.sock_recv(link, 65_536)
            info = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            if len(info) < SEGMENTS.size:
                pytest.skip("this kernel counts no segments: run the test on Linux 4.6 or later")
            assert SEGMENTS.unpack_from(info)[0] == number
