"""The stand-in for clamd answers as clamd does, and behaves as badly as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from devcloud.clamd import EICAR
from tests.devcloud.aws import Aws


@pytest.fixture
async def address(aws: Aws) -> AsyncIterator[str]:
    yield (await aws.drive("GET", "scanner"))["address"]
    await aws.drive("PUT", "scanner", json={})


async def said(address: str, command: bytes, *chunks: bytes, seconds: float = 10.0) -> bytes:
    """What comes until the connection ends."""
    host, _, port = address.partition(":")
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(command)
            for chunk in chunks:
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
            return await reader.read()
        finally:
            writer.close()


async def scanned(address: str, *chunks: bytes, seconds: float = 10.0) -> bytes:
    return await said(address, b"zINSTREAM\0", *chunks, b"", seconds=seconds)


async def test_commands_are_answered_as_they_were_asked(address: str) -> None:
    assert await said(address, b"zPING\0") == b"PONG\0"
    assert await said(address, b"nPING\n") == b"PONG\n"
    assert await said(address, b"PING\n") == b"PONG\n"
    assert (await said(address, b"zVERSION\0")).startswith(b"ClamAV ")
    assert await said(address, b"zSHUTDOWN\0") == b"UNKNOWN COMMAND\0"


async def test_the_test_file_is_found_wherever_it_is(address: str) -> None:
    assert await scanned(address, b"clean", b"x" * 100_000) == b"stream: OK\0"
    assert await scanned(address) == b"stream: OK\0"
    found = b"stream: Eicar-Test-Signature FOUND\0"
    assert await scanned(address, b"x" * 1000 + EICAR + b"y") == found
    # Also where two chunks meet.
    assert await scanned(address, b"x" + EICAR[:20], EICAR[20:]) == found


async def test_a_stream_may_be_too_long(aws: Aws, address: str) -> None:
    await aws.drive("PUT", "scanner", json={"most_bytes": 10})
    assert await scanned(address, b"x" * 10) == b"stream: OK\0"
    assert await scanned(address, b"x" * 5, b"x" * 6) == b"INSTREAM size limit exceeded. ERROR\0"


async def test_it_is_slow_silent_and_away(aws: Aws, address: str) -> None:
    await aws.drive("PUT", "scanner", json={"seconds": 0.3, "times": 1})
    begun = time.monotonic()
    assert await scanned(address, b"x") == b"stream: OK\0"
    assert time.monotonic() - begun >= 0.3
    await aws.drive("PUT", "scanner", json={"mode": "infected", "times": 1})
    assert await scanned(address, b"x") == b"stream: Eicar-Test-Signature FOUND\0"
    assert await scanned(address, b"x") == b"stream: OK\0"
    await aws.drive("PUT", "scanner", json={"mode": "silent"})
    with pytest.raises(TimeoutError):
        await scanned(address, b"x", seconds=0.3)
    await aws.drive("PUT", "scanner", json={"mode": "closes"})
    # It depends on who was faster.
    with contextlib.suppress(ConnectionError):
        assert await scanned(address, b"x") == b""
    await aws.drive("PUT", "scanner", json={"mode": "away"})
    with pytest.raises(ConnectionRefusedError):
        await scanned(address, b"x")
    up = await aws.drive("PUT", "scanner", json={})
    assert up["address"] == address
    assert await scanned(address, b"x") == b"stream: OK\0"
    await aws.drive("PUT", "scanner", status=400, json={"mode": "asleep"})
