"""HTTP under uvicorn, with a deadline for everything that a client may leave unfinished.

uvicorn waits without limit for the rest of a head, for the rest of a body, and for the client to read. Here each of
them has a deadline, and a head has a size limit. The number of unfinished requests is limited too: with one more, the
oldest is cut off. A request whose head breaks HTTP is refused before the application sees it.

A handshake for a WebSocket at `/realtime` is answered here, from the headers that the parser has read already. It does
not pass the application. Every other request to upgrade is served as if it did not ask (RFC 9110, section 7.8): the
parser would end such a request at its head and take the body for the next request, so it reads the head again without
that header. CONNECT is refused for the same reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Protocol, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway import clock
from gateway.protocol.codec import Codec
from gateway.settings import Settings
from gateway.transport import handshake
from gateway.transport.answer_writer import AnswerWriter
from gateway.transport.bounded_pending import BoundedPending
from gateway.transport.client_address import ClientAddresses
from gateway.transport.deadline import Deadline
from gateway.transport.endpoint import Endpoints, WebSocketEndpoint
from gateway.transport.handshake import Handshake
from gateway.transport.refusal import refusal
from gateway.transport.refused_handshakes import RefusedHandshakes
from gateway.transport.reset import reset

# In the scope of a request: a function that gives the client a short time to read the rest of the response.
LAST_MOMENT: Final = "ksmp.last_moment"

LastMoment = Callable[[], None]


class Sockets(Protocol):
    """Serves WebSockets."""

    path: str

    def admit(self, origin: str | None) -> None:
        """Raises `handshake.Refused` when no connection from this origin is taken now."""

    def serve(self, endpoint: WebSocketEndpoint, codec: Codec, host: str) -> None:
        """Serve a connection of a client at this address, whose handshake is answered."""


class HttpConfig(uvicorn.Config):
    """uvicorn's configuration, with what the protocol classes share; there is one in each process."""

    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        # uvicorn's own classes for WebSockets are not used.
        super().__init__(app, http=HttpProtocol, ws="none", **options)
        self.settings = settings
        self.addresses = ClientAddresses(settings.trusted_proxies)
        self.refused_handshakes = RefusedHandshakes(settings, self.addresses)
        self.unfinished = BoundedPending(settings.unfinished_requests)
        # The server sets it before it listens.
        self.sockets: Sockets | None = None
        self._endpoints: Endpoints | None = None

    def endpoints(self, loop: asyncio.AbstractEventLoop, state: ServerState) -> Endpoints:
        if self._endpoints is None:
            self._endpoints = Endpoints(loop, self.settings, cast(set[object], state.connections))
        return self._endpoints


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection.

        head ──headers complete──► body ──message complete──► answering ──more bytes──► head
          └──────── handshake: a WebSocketEndpoint has the connection ──────────┘

    In `head` and `body` the gateway waits for the client, until a deadline. A head that comes while another request is
    being answered has no deadline until then, and nothing that is wrong with it harms that answer.
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
        self._common = config
        self._settings = config.settings
        self._unfinished = config.unfinished
        # Bytes that the parser has not used yet: the head so far, trailers, or the framing of a body's chunks.
        self._pending = 0
        self._in_body = False
        # The request whose body is being read.
        self._incomplete: RequestResponseCycle | None = None
        # The last answer, which waits for those before it; nothing is read any more.
        self._farewell: bytes | None = None
        # Set when a head is complete: what to answer in place of the application.
        self._refused: bytes | None = None
        self._handshake: Handshake | None = None
        # Whether this head asks for an upgrade that is not made.
        self._ignored_upgrade = False
        self._deadline: Deadline | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._unread_bytes = 0
        self._end: asyncio.TimerHandle | None = None

    # What is waited for

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self._settings.header_timeout)

    def data_received(self, data: bytes) -> None:
        if self._farewell is not None:
            return
        self._unset_keepalive_if_required()
        self._pending += len(data)
        rest = self._parse(data)
        if self.parser is None or self.transport.is_closing():
            return
        if self._refused is not None:
            self._refuse(self._refused)
        elif self._handshake is not None:
            self._upgrade(self._handshake, rest)
        elif self._pending > self._settings.header_bytes:
            self._refuse(refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head or a trailer is too large"))
        elif self._deadline is None:
            # A request that came whole needs no deadline.
            if self._in_body:
                self._wait(self._settings.body_timeout)
            elif self._pending and not self._answering():
                self._wait(self._settings.header_timeout)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers are dropped: nothing of the application expects a header behind the body (RFC 9110, section 6.5.1).
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._pending = 0
        self._in_body = True
        if self._refused is not None or self._handshake is not None:
            return
        version = self.parser.get_http_version()
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        self._refused = self._fault(version)
        if self._refused is not None:
            return
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        if self.parser.should_upgrade():
            if self._is_handshake(version):
                self._greet()
            else:
                self._ignored_upgrade = True
            return
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        scope["extensions"] = {LAST_MOMENT: self._last_moment}  # type: ignore[dict-item]
        self._stop_waiting()
        self._begin(version)

    def on_body(self, body: bytes) -> None:
        self._pending = 0
        if self._refused is None and self._handshake is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._pending = 0
        self._in_body = False
        if self._ignored_upgrade:
            return
        self._incomplete = None
        self._waited()
        if self._refused is None and self._handshake is None:
            self.scope["extensions"][clock.ARRIVED_AT] = clock.now()  # type: ignore[assignment]
            super().on_message_complete()

    def _parse(self, data: bytes) -> bytes:
        """Feed the parser; what is behind a handshake is returned."""
        while True:
            try:
                self.parser.feed_data(data)
                return b""
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
            except httptools.HttpParserError:
                self._refused = self._refused or refusal(HTTPStatus.BAD_REQUEST, "this is not HTTP")
                return b""
            if self._handshake is not None or self._refused is not None:
                return data
            data = self._without_upgrade() + data

    def _without_upgrade(self) -> bytes:
        """The head that was just read, as a client would send it that asks for no upgrade; for a new parser."""
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self._ignored_upgrade = False
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn has it: a request behind the last one of a connection is no fault.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"\r\n".join([*lines, b"", b""])

    def _fault(self, version: str) -> bytes | None:
        """The answer to a head that breaks HTTP."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._settings.header_bytes:
            return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too large")
        if version not in ("1.0", "1.1"):
            return refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here")
        if self.scope["method"] == "CONNECT":
            return refusal(HTTPStatus.BAD_REQUEST, "this is no proxy")
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            # RFC 9112, section 3.2.
            return refusal(HTTPStatus.BAD_REQUEST, "a request has one Host header")
        return None

    def _begin(self, version: str) -> None:
        """Start the application for this request, or queue the request behind those before it."""
        before = self.cycle
        transport: Any = self.transport
        if self.scope["method"] != "HEAD":
            transport = AnswerWriter(transport, self.loop)
        made = Http10Cycle if version == "1.0" else RequestResponseCycle
        self.cycle = made(
            scope=self.scope,
            transport=transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self._incomplete = self.cycle
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    # Handshakes

    def _is_handshake(self, version: str) -> bool:
        sockets, scope = self._common.sockets, self.scope
        return (
            sockets is not None
            and scope["method"] == "GET"
            and version == "1.1"
            and scope["path"].rstrip("/") == sockets.path
            # A handshake behind a request that is not answered yet would be answered before it.
            and (self.cycle is None or self.cycle.response_complete)
            and handshake.is_upgrade(self.headers)
        )

    def _greet(self) -> None:
        try:
            found = handshake.read(self.headers, self.server_state.default_headers)
            cast(Sockets, self._common.sockets).admit(found.origin)
        except handshake.Refused as refused:
            self._refused = self._common.refused_handshakes.answer(refused, self.client, self.headers)
        else:
            self._handshake = found

    def _upgrade(self, accepted: Handshake, rest: bytes) -> None:
        transport, sockets = self.transport, cast(Sockets, self._common.sockets)
        self._waited()
        self.connections.discard(self)
        self._cancel_timers()
        self._let_go()
        transport.write(accepted.response)
        shared = self._common.endpoints(self.loop, self.server_state)
        endpoint = WebSocketEndpoint(shared, transport, accepted.extension)
        transport.set_protocol(endpoint)
        sockets.serve(endpoint, accepted.codec, self._common.addresses.host(self.client, self.headers))
        if rest:
            endpoint.data_received(rest)

    # Deadlines

    def _wait(self, seconds: float) -> None:
        """Wait for the client for so many seconds from now on."""
        self._stop_waiting()
        self._deadline = Deadline(self.loop, seconds, self._too_late)
        self._unfinished.enter(self, self._cut_off)

    def _waited(self) -> None:
        self._stop_waiting()
        self._unfinished.leave(self)

    def _stop_waiting(self) -> None:
        """Without a deadline. The request keeps its place among the unfinished ones."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self._in_body and self.flow.read_paused:
            # The application is slow to take the body, so this is not the client's fault.
            self._wait(self._settings.body_timeout)
        elif self._pending or self._in_body:
            self._refuse(refusal(HTTPStatus.REQUEST_TIMEOUT, "the request did not come in time"))
        else:
            self._close()

    # What the client is to read

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._expect_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _expect_reading(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self._settings.read_timeout, self._look_at_unread)

    def _look_at_unread(self) -> None:
        """Cut a client off that has read nothing; who reads slowly may go on."""
        if self.transport.get_write_buffer_size() < self._unread_bytes:
            self._expect_reading()
        else:
            self._cut_off()

    def on_response_complete(self) -> None:
        last = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing():
            self._last_moment()
            return
        if last and self._farewell is not None:
            self.transport.write(self._farewell)
            self._close()
            return
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._in_body:
            # The request was answered before its body ended. Nobody needs the rest.
            self._wait(self._settings.close_timeout)
        elif last and self._pending:
            # The beginning of a head came meanwhile.
            self._unset_keepalive_if_required()
            self._wait(self._settings.header_timeout)

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
        super().connection_lost(exc)
        self._cancel_timers()
        self._let_go()

    def _cancel_timers(self) -> None:
        # uvicorn leaves this one running after an error.
        self._unset_keepalive_if_required()
        for timer in (self._unread, self._end):
            if timer is not None:
                timer.cancel()
        # The timers held the transport, and with it what the client did not read.
        self._unread = self._end = None

    def _let_go(self) -> None:
        """Break what leads from this object back to it, so that it is freed without the garbage collector.

        A request that is still being served keeps what it needs.
        """
        self.pipeline.clear()
        # The scope has a function of this object, the cycle has the scope, and the parser has all functions.
        self.cycle = self.scope = self.parser = self._incomplete = None  # type: ignore[assignment]

    def _answering(self) -> bool:
        """Whether a request is being answered, or waits for that."""
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, response: bytes) -> None:
        """Answer in place of the application, behind the answers to requests before this one; and close."""
        refused = self._incomplete
        if self._in_body and refused is not None:
            if not self.pipeline or self.pipeline[0][0] is not refused:
                # The application has this request already.
                if not refused.response_started:
                    refused.disconnected = True
                    refused.message_event.set()
                    self.transport.write(response)
                self._close()
                return
            self.pipeline.popleft()
        elif not self._answering():
            self.transport.write(response)
            self._close()
            return
        self._waited()
        self._farewell = response

    def _close(self) -> None:
        self.transport.close()
        self._last_moment()

    def _last_moment(self) -> None:
        if self._end is None and self.parser is not None:
            self._end = self.loop.call_later(self._settings.close_timeout, self._cut_off)

    def _cut_off(self) -> None:
        reset(self.transport)


class Http10Cycle(RequestResponseCycle):
    """Answers a client of HTTP/1.0, which knows no chunks: a body of unknown size ends with the connection."""

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            if all(name.lower() != b"content-length" for name, _ in message.get("headers", ())):
                self.chunked_encoding = False
                self._endless = True
        elif getattr(self, "_endless", False):
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)
