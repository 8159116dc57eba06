"""The client of clamd has a verdict, or says why there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from devcloud.clamd import EICAR
from modules.files.scanning.clamd import Clamd, ScannerSilent, StreamTooLong
from tests.devcloud.aws import Aws


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def test_it_tells_what_was_found(scanner: str) -> None:
    clamd = Clamd(scanner, 5.0)
    assert await clamd.scan(pieces(b"clean", b"", os.urandom(300_000))) == ""
    assert await clamd.scan(pieces()) == ""
    assert await clamd.scan(pieces(b"x", EICAR[:10], EICAR[10:])) == "Eicar-Test-Signature"


@pytest.mark.parametrize("state", [{"mode": "silent"}, {"mode": "closes"}, {"mode": "away"}, {"seconds": 5}])
async def test_without_a_verdict_it_says_so(aws: Aws, scanner: str, state: dict[str, object]) -> None:
    await aws.drive("PUT", "scanner", json=state)
    with pytest.raises(ScannerSilent):
        await Clamd(scanner, 0.3).scan(pieces(b"clean"))


async def test_a_stream_is_too_long(aws: Aws, scanner: str) -> None:
    await aws.drive("PUT", "scanner", json={"most_bytes": 1000})
    with pytest.raises(StreamTooLong):
        await Clamd(scanner, 5.0).scan(pieces(bytes(900), bytes(900)))


@pytest.mark.parametrize("answer", [b"stream: Cannot scan. ERROR\0", b"stream: OK", b"x" * 10_000])
async def test_an_answer_that_is_none_lets_nothing_pass(answer: bytes) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ScannerSilent):
            await Clamd(f"127.0.0.1:{port}", 1.0).scan(pieces(b"clean"))


async def test_what_the_pieces_raise_comes_through(scanner: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise RuntimeError("S3 has gone")

    with pytest.raises(RuntimeError, match="S3 has gone"):
        await Clamd(scanner, 5.0).scan(broken())
