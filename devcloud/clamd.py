"""A stand-in for ClamAV's daemon on a port of its own: `INSTREAM`, `PING` and `VERSION`, as clients of clamd use them.

It finds the EICAR test file and nothing else. A test has it be slow, or say nothing, or go away (CONTROL.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Final, Literal

import msgspec

# The test file that every scanner takes for a virus, in two pieces: this source is none.
EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD" + rb"-ANTIVIRUS-TEST-FILE!$H+H*"
FOUND: Final = "Eicar-Test-Signature"
VERSION: Final = "ClamAV 1.4.6/27812/Mon Nov 30 09:26:39 2026"
# A command is no longer.
LINE: Final = 1024
CHUNK_MOST: Final = 64 * 1024**2


class ScannerState(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What it does from now on, for the next `times` streams, or for all when it is 0.

    `up` scans; `infected` finds something in each stream; `silent` takes all bytes and never answers; `closes` ends
    each connection; `away` does not listen. It answers after `seconds`. More bytes than `most_bytes` are refused, as
    clamd's StreamMaxLength does.
    """

    mode: Literal["up", "infected", "silent", "closes", "away"] = "up"
    seconds: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    times: Annotated[int, msgspec.Meta(ge=0)] = 0
    most_bytes: Annotated[int, msgspec.Meta(ge=1)] = 100 * 1024**2


class ScannerAnswer(msgspec.Struct, kw_only=True):
    """What the control answers: the state, where it listens, and how many streams and bytes it has read whole."""

    state: ScannerState
    address: str
    streams: int
    bytes: int


class Clamd:
    """Listens on `port` of `host` between `start` and `stop`; without a port it chooses one."""

    def __init__(self, host: str, port: int = 0) -> None:
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._state = ScannerState()
        self._streams = 0
        self._bytes = 0

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._connections:
                writer.transport.abort()
            self._server = None

    async def set(self, state: ScannerState) -> None:
        """Have it behave like this; connections that are open are ended."""
        self._state = state
        await self.stop()
        if state.mode != "away":
            await self.start()

    def answer(self) -> ScannerAnswer:
        address = f"{self._host}:{self._port}"
        return ScannerAnswer(state=self._state, address=address, streams=self._streams, bytes=self._bytes)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            # Those who go away in the middle are no error.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._converse(reader, writer)
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state = self._taken()
        if state.mode == "closes":
            return
        command, end = await _command(reader)
        match command:
            case "PING":
                said = "PONG"
            case "VERSION":
                said = VERSION
            case "INSTREAM":
                said = await self._scan(reader, state)
            case _:
                said = "UNKNOWN COMMAND"
        if state.mode == "silent":
            await reader.read()
            return
        await asyncio.sleep(state.seconds)
        writer.write(said.encode() + end)
        await writer.drain()

    async def _scan(self, reader: asyncio.StreamReader, state: ScannerState) -> str:
        size, tail, found = 0, b"", state.mode == "infected"
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            size += length
            if size > state.most_bytes or length > CHUNK_MOST:
                return "INSTREAM size limit exceeded. ERROR"
            seen = tail + await reader.readexactly(length)
            found = found or EICAR in seen
            tail = seen[-len(EICAR) :]
        self._streams += 1
        self._bytes += size
        return f"stream: {FOUND} FOUND" if found else "stream: OK"

    def _taken(self) -> ScannerState:
        """The state for one connection."""
        state = self._state
        if state.times == 1:
            self._state = ScannerState(most_bytes=state.most_bytes)
        elif state.times:
            self._state = msgspec.structs.replace(state, times=state.times - 1)
        return state


async def _command(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The command, and what ends it and its answer: `z` in front means a zero byte, `n` or nothing a line's end."""
    first = await reader.readexactly(1)
    end = b"\0" if first == b"z" else b"\n"
    rest = await reader.readuntil(end)
    line = rest if first in b"zn" else first + rest
    return line.removesuffix(end).decode(errors="replace").strip(), end
