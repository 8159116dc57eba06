"""An answer's head and body leave in one write, and nothing that a client waits for is held back."""

from __future__ import annotations

import asyncio

from gateway.transport.answer_writer import AnswerWriter


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
