"""Server-sent events, for networks that block WebSocket. They carry the same pushes (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any, Final

from litestar import Request
from litestar.response import Stream
from litestar.types import Receive, Scope, Send

from gateway.protocol.codec import JSON
from gateway.protocol.messages import Push

COMMENT: Final = b":\n\n"
# The most bytes that the server gets at once. It takes a piece when the client has read most of the one before.
PIECE: Final = 64 * 1024


class EventEncoder:
    """Writes a push as an event. The event of a durable push has the push's position as its id, for `Last-Event-ID`."""

    def __init__(self, epoch: str) -> None:
        self.codec = JSON
        self._epoch = epoch

    def frame(self, message: Any) -> bytes:
        data = b"data: " + JSON.encode(message) + b"\n\n"
        if isinstance(message, Push) and message.seq is not None:
            return f"id: {message.room}|{self._epoch}|{message.seq}\n".encode() + data
        return data

    plain = frame


@cache
def event_encoder(epoch: str) -> EventEncoder:
    """The encoder that all streams share, so that a room's event is encoded once."""
    return EventEncoder(epoch)


class EventStream:
    """A sink whose other end is an HTTP response; implements `gateway.realtime.member.Sink`."""

    # There is no fast path: before each write the unread bytes have to be checked.
    fast_write: Callable[[bytes], None] | None = None

    def __init__(self, heartbeat: float) -> None:
        self._heartbeat = heartbeat
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._over = False
        # Called once, when the gateway ends the stream. The handler of the stream puts its own function here.
        self.on_close: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        if not self._over:
            self._chunks.append(data)
            self._size += len(data)
            self._news.set()

    def buffered(self) -> int:
        return self._size

    def close(self, code: int, reason: str) -> None:
        """End the response after what was written; there is no close code here, the `disconnect` push says why."""
        if not self._over:
            self._over = True
            self._news.set()
            self.on_close()

    def leave(self) -> None:
        """The client is gone: the response ends, and nothing is written to it any more."""
        self._over = True
        self._chunks.clear()
        self._news.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they are written. A comment now and then keeps proxies from closing an idle stream."""
        while True:
            if self._chunks:
                data = self._next()
                yield data
                # The server has passed it on to the client only now. Until then it counts as unread.
                self._size -= len(data)
                continue
            if self._over:
                return
            self._news.clear()
            try:
                async with asyncio.timeout(self._heartbeat):
                    await self._news.wait()
            except TimeoutError:
                yield COMMENT

    def _next(self) -> bytes:
        """The next whole events, up to the size of a piece."""
        taken = [self._chunks.popleft()]
        size = len(taken[0])
        while self._chunks and size + len(self._chunks[0]) <= PIECE:
            taken.append(self._chunks.popleft())
            size += len(taken[-1])
        return b"".join(taken)


class EventStreamResponse(Stream):
    """The response whose body a sink has. It ends with the sink, or when the client leaves."""

    def __init__(self, sink: EventStream, chunks: AsyncIterator[bytes], headers: dict[str, str]) -> None:
        super().__init__(chunks, media_type="text/event-stream", headers=headers)
        self._sink = sink
        self._chunks = chunks

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> Any:
        """An ASGI application in place of Litestar's, which cancels what it waits for when the client leaves.

        That exception would keep everything that it passes through until the garbage collector comes.
        """
        head = super().to_asgi_response(app, request, **options)

        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            await head.start_response(send)
            if head.is_head_response:
                self._sink.leave()
            watching = asyncio.create_task(self._watch(receive))
            try:
                async for chunk in self._chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                watching.cancel()

        return respond

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._sink.leave()
