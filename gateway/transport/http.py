"""HTTP under uvicorn, with a deadline for everything that a client may leave unfinished.

uvicorn waits without limit for the rest of a head, for the rest of a body, and for the client to read. Here each of
them has a deadline, and an unfinished head has a size limit. The number of unfinished requests is limited too: with one
more, the oldest is cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.settings import Settings
from gateway.transport.answer_writer import AnswerWriter
from gateway.transport.bounded_pending import BoundedPending
from gateway.transport.reset import reset

# In the scope of a request: a function that gives the client a short time to read the rest of the response.
LAST_MOMENT: Final = "ksmp.last_moment"

LastMoment = Callable[[], None]


class HttpConfig(uvicorn.Config):
    """uvicorn's configuration, with what the protocol classes share; there is one in each process."""

    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        super().__init__(app, http=HttpProtocol, **options)
        self.settings = settings
        self.unfinished = BoundedPending(settings.unfinished_requests)
        self.silent = BoundedPending(settings.silent_sockets)


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection.

        head ──headers complete──► body ──message complete──► answering ──more bytes──► head
          └──────── WebSocket upgrade: another protocol class has the connection ─────────┘

    In `head` and `body` the gateway waits for the client, until a deadline.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        if not isinstance(config, HttpConfig):
            raise RuntimeError("serve this application with gateway.server: HttpProtocol needs an HttpConfig")
        self._settings = config.settings
        self._unfinished = config.unfinished
        # Bytes that the parser has not used yet: the head so far, trailers, or the framing of a body's chunks.
        self._pending = 0
        self._in_body = False
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None

    # What is waited for

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self._settings.header_timeout)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None:
            self._wait(self._settings.header_timeout)
        self._pending += len(data)
        super().data_received(data)
        if self._pending > self._settings.header_bytes and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._pending = 0
        self._in_body = True
        self.scope["extensions"] = {LAST_MOMENT: self._last_moment}  # type: ignore[dict-item]
        self._wait(self._settings.body_timeout)
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before and self.scope["method"] != "HEAD":
            self.cycle.transport = AnswerWriter(self.transport, self.loop)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._pending = 0
        self._in_body = False
        self._waited()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._pending = 0
        self._waited()
        super().handle_websocket_upgrade()

    def _wait(self, seconds: float) -> None:
        """Wait for the client for so many seconds from now on."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._too_late)
        self._unfinished.enter(self, self._cut_off)

    def _waited(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._unfinished.leave(self)

    def _too_late(self) -> None:
        self._deadline = None
        if self._in_body and self.flow.read_paused:
            # The application is slow to take the body, so this is not the client's fault.
            self._wait(self._settings.body_timeout)
        elif self._pending or self._in_body:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    # What the client is to read

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._settings.read_timeout, self._cut_off)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._last_moment()
            return
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._in_body:
            # The request was answered before its body ended. Nobody needs the rest.
            self._wait(self._settings.close_timeout)

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._last_moment()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._last_moment()

    def eof_received(self) -> None:
        # The transport closes by itself once the client has read everything.
        self._last_moment()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._last_moment()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waited()
        for timer in (self._unread, self._end):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        # uvicorn leaves this timer running after an error.
        self._unset_keepalive_if_required()
        self._let_go()

    def _let_go(self) -> None:
        """Break what leads from this object back to it, so that it is freed without the garbage collector.

        A request that is still being served keeps what it needs.
        """
        # The timers held the transport, and with it what the client did not read.
        self._unread = self._end = None
        self.pipeline.clear()
        # The scope has a function of this object, and the cycle has the scope.
        self.cycle = self.scope = self.parser = None  # type: ignore[assignment]

    def _refuse(self, status: HTTPStatus) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n",
            )
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self._last_moment()

    def _last_moment(self) -> None:
        if self._end is None and self.parser is not None:
            self._end = self.loop.call_later(self._settings.close_timeout, self._cut_off)

    def _cut_off(self) -> None:
        reset(self.transport)
