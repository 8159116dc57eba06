"""One socket of the generator, as cheap as Python has it, so that the server is what is measured."""

from __future__ import annotations

import array
import asyncio
import time
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from loadtests.bench.dialects import MARK, REPLY, Dialect

PATIENCE = 30.0


class Member(WSListener):
    """Counts the deliveries it gets; implements `loadtests.bench.dialects.Client`."""

    def __init__(self, dialect: Dialect) -> None:
        self.received = 0
        self.open = False
        self.joined: Any = None
        self.latest = b""
        self.pushed = 0
        self._dialect = dialect
        self._transport: WSTransport | None = None
        self._numbers = 0
        # Answers that came before they were waited for stay here as well.
        self._answers: dict[int, asyncio.Future[Any]] = {}
        # When to come back to another server, in seconds; done when this one goes away.
        self.dismissed: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.open = True

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.open = False
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the server closed the connection"))
                # Nobody may be waiting for it any more.
                waiting.exception()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if MARK in payload and not payload.startswith(REPLY):
            self.received += 1
            self.latest = payload
        else:
            self.other(frame.msg_type, payload)

    def other(self, kind: WSMsgType, payload: bytes) -> None:
        """Take a frame that is no delivery."""
        if kind == WSMsgType.TEXT:
            self._dialect.received(self, payload)
        elif kind == WSMsgType.CLOSE:
            self.close()

    def write(self, payload: bytes) -> None:
        if self._transport is not None and self.open:
            self._transport.send(WSMsgType.TEXT, payload)

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def answer(self, key: int) -> Any:
        try:
            return await asyncio.wait_for(self._answer(key), PATIENCE)
        finally:
            self._answers.pop(key, None)

    def settle(self, key: int, value: Any = None, *, refused: str = "") -> None:
        waiting = self._answer(key)
        if waiting.done():
            return
        if refused:
            waiting.set_exception(RuntimeError(f"refused: {refused}"))
            waiting.exception()
        else:
            waiting.set_result(value)

    def dismiss(self, seconds: float) -> None:
        if not self.dismissed.done():
            self.dismissed.set_result(seconds)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()

    def _answer(self, key: int) -> asyncio.Future[Any]:
        return self._answers.setdefault(key, asyncio.get_running_loop().create_future())


class TimedMember(Member):
    """Notes for every delivery how long it took and which text it was."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.latencies = array.array("d")
        self.texts: set[int] = set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        at = payload.find(MARK)
        if at < 0 or payload.startswith(REPLY):
            self.other(frame.msg_type, payload)
            return
        sent_at, number, _ = payload[at + len(MARK) : at + 48].split(b" ", 2)
        self.latencies.append(time.perf_counter() - float(sent_at))
        self.texts.add(int(number))
        self.received += 1
        self.latest = payload


def text(number: int, size: int) -> str:
    """A chat text of `size` characters that carries the time of sending and its number."""
    return f"@{time.perf_counter():.6f} {number} ".ljust(size, "x")
