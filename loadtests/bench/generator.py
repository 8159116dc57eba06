"""Members of one room on sockets as cheap as Python has them, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

SENT_AT = b'"text":"@'


class Member(WSListener):  # type: ignore[misc]
    """One socket. It decodes replies, and of a push only the time at which it was sent."""

    def __init__(self, latencies: list[float]) -> None:
        self.received = 0
        self._latencies = latencies
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._transport: WSTransport | None = None
        self._next = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        if payload.startswith(b'{"push"'):
            at = payload.find(SENT_AT)
            if at >= 0:
                begin = at + len(SENT_AT)
                self.received += 1
                self._latencies.append(time.perf_counter() - float(payload[begin : payload.index(b" ", begin)]))
            return
        reply = msgspec.json.decode(payload)
        future = self._replies.pop(reply["id"], None)
        if future is not None and not future.done():
            future.set_result(reply)

    async def call(self, **command: Any) -> dict[str, Any]:
        self._next += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[self._next] = future
        assert self._transport is not None
        self._transport.send(WSMsgType.TEXT, msgspec.json.encode({"id": self._next, **command}))
        reply = await asyncio.wait_for(future, 30)
        if "error" in reply:
            raise RuntimeError(f"{command['cmd']} was refused: {reply['error']}")
        ok: dict[str, Any] = reply["ok"]
        return ok

    def close(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()


async def enter(url: str, token: str, room: str, latencies: list[float]) -> Member:
    """Connect and join."""
    _, member = await ws_connect(lambda: Member(latencies), url)
    await member.call(cmd="connect", token=token)
    await member.call(cmd="join", room=room)
    return member  # type: ignore[no-any-return]


def text(size: int) -> str:
    """A chat text of about `size` characters that carries the time of sending."""
    return f"@{time.perf_counter():.6f} ".ljust(size, "x")
