"""One WebSocket connection under uvicorn, served by callbacks without a task of its own.

It adds these things to uvicorn's own class:

- a `Sink` in the scope's extensions. A room's frame is made once and written to every member's transport as it is;
- a `Receiver` that takes over after the handshake. From then on each message is a call, the ASGI task has ended, and
  the handshake's data is freed;
- the protocol's close codes where the library closes by itself: ping timeout, oversize, shutdown;
- permessage-deflate without context takeover. A compressed frame fits every connection, and no connection keeps a
  compression window.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request

from gateway.errors import CloseCode
from gateway.protocol.bucket import Bucket
from gateway.realtime.frame_encoder import WINDOW_BITS
from gateway.transport.http import HttpConfig
from gateway.transport.reset import reset

log = logging.getLogger("uvicorn.error")

EXTENSION: Final = "ksmp.endpoint"
# How long a peer may take to read up to a close frame and to answer it, in seconds.
CLOSE_TIMEOUT: Final = 5.0
# How long a peer that floods may take to read why it is closed, in seconds.
FLOOD_TIMEOUT: Final = 1.0
# How many bytes are parsed at a time. Between them the limits are checked, for peers that send very many small frames.
PIECE: Final = 16 * 1024
DEFLATE: Final = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=WINDOW_BITS,
    client_max_window_bits=12,
    compress_settings={"memLevel": 5},
)

# uvicorn's own `send` waits for such an event. Connections that were handed over do not use it and share this one.
WRITABLE: Final = asyncio.Event()

OnClose = Callable[[CloseCode], None]


class Receiver(Protocol):
    """Serves a connection after its handshake. No call may wait."""

    def received(self, data: bytes | str) -> None:
        """Take one message of the client."""

    def lagging(self, behind: bool) -> None:
        """The client has more unread bytes than the limit, or no longer."""

    def over(self) -> None:
        """The connection is ending: nothing may be written any more. `lost` follows in the loop's next turn."""

    def lost(self, code: int) -> None:
        """The connection has ended; called once, and nothing is received after it."""


class WebSocketEndpoint(WebSocketsSansIOProtocol):
    """One WebSocket connection; implements `gateway.realtime.member.Sink`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = CLOSE_TIMEOUT
        if config.ws_per_message_deflate:
            self.conn.available_extensions = [DEFLATE]
        if not isinstance(config, HttpConfig):
            raise RuntimeError("serve this application with gateway.server: its sockets need an HttpConfig")
        self._common = config
        # Limits the frames that are no messages. It is made when the first such frame comes.
        self._frames: Bucket | None = None
        # Called when this class wants to close the connection; the session puts its own function here.
        self.on_close: OnClose = self._end
        self._receiver: Receiver | None = None
        self._ignoring_input = False

    def hand_over(self, receiver: Receiver, *, high: int) -> None:
        """Give the messages from now on to `receiver`. More than `high` unread bytes make the client lag."""
        self._receiver = receiver
        self.transport.set_write_buffer_limits(high=high)
        waiting: asyncio.Queue[Any] = self.queue
        self.queue = _Handed(self)  # type: ignore[assignment]
        while not waiting.empty():
            self.queue.put_nowait(waiting.get_nowait())
        self.hold(False)

    def hold(self, held: bool) -> None:
        """Stop or resume reading from the client; what was read already is still delivered."""
        if held is not self.read_paused and not self.transport.is_closing():
            self.read_paused = held
            (self.transport.pause_reading if held else self.transport.resume_reading)()

    @property
    def fast_write(self) -> Callable[[bytes], None]:
        """Writes at once, without a check of what is unread."""
        return self.transport.write

    def write(self, data: bytes) -> None:
        """Write complete frames; does nothing on a connection that is closing."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    @property
    def takes_compressed(self) -> bool:
        """Whether the client reads frames that were compressed once for all members of a room."""
        return any(
            isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= WINDOW_BITS
            for extension in self.conn.extensions
        )

    def buffered(self) -> int:
        """How many bytes the operating system has not taken yet."""
        return self.transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, and abort when the peer has not answered it in time."""
        if self.close_sent or self.transport.is_closing():
            return
        self.transport.write(Frame(Opcode.CLOSE, Close(code, reason).serialize()).serialize(mask=False))
        self.close_sent = True
        self.stop_keepalive()
        self.hold(False)
        self.close_timer = self.loop.call_later(self.close_timeout, reset, self.transport)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            if self._ignoring_input:
                return
            super().data_received(data[start : start + PIECE])
            # A peer that was closed in the middle of a flood need not answer the close frame. A timer aborts it.
            self._ignoring_input = self._ignoring_input or (self.close_sent and start + PIECE < len(data))

    def eof_received(self) -> None:
        # The transport closes by itself once the client has read everything, which may never happen.
        self._cut_off_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        self._common.silent.leave(self)
        super().connection_lost(exc)

    def handle_cont(self, event: Frame) -> None:
        if self._expected():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        if not self._expected():
            return
        if self.buffered() > self._common.settings.outbound_soft_bytes:
            # It does not read. A pong may be left out when later ones are pending (RFC 6455, section 5.5.3).
            self.conn.data_to_send()
            return
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if bytes(event.data) == self.pending_ping_payload or self._expected():
            super().handle_pong(event)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        if self.transport.is_closing():
            self._cut_off_soon()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        self._common.silent.enter(self, self._make_room)
        if (scope := getattr(self, "scope", None)) is not None:
            # The application's task exists and has not run yet, so it will see this extension.
            scope["extensions"][EXTENSION] = self

    async def run_asgi(self) -> None:
        """Run the application for the handshake. A connection that was handed over goes on without it."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            log.exception("Exception in ASGI application")
            self.send_500_response()
        if self._receiver is None:
            if not self.handshake_complete:
                self.send_500_response()
            if self.close_timer is None:
                self.transport.close()
            return
        # Only the handshake needs these. They would be most of the memory of a connection.
        del self.scope, self.request, self.response
        self.writable = WRITABLE

    def pause_writing(self) -> None:
        if self._receiver is None:
            super().pause_writing()
        else:
            self._receiver.lagging(True)

    def resume_writing(self) -> None:
        if self._receiver is None:
            super().resume_writing()
        else:
            self._receiver.lagging(False)

    def send_receive_event_to_app(self) -> None:
        self._common.silent.leave(self)
        if self._receiver is None:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self._receiver.received(data)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            # RFC 6455, section 8.1.
            self.conn.send_close(1007)
            self.handle_parser_exception()
            return
        self._receiver.received(text)

    def handle_parser_exception(self) -> None:
        if isinstance(self.conn.parser_exc, PayloadTooBig) and self.handshake_complete and not self.close_sent:
            # Drop the close frame 1009 that the library has prepared.
            self.conn.data_to_send()
            self.on_close(CloseCode.MESSAGE_TOO_LARGE)
            return
        super().handle_parser_exception()
        self._cut_off_soon()

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        if not self.close_sent and not self.transport.is_closing():
            self.on_close(CloseCode.PING_TIMEOUT)

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.on_close(CloseCode.DRAIN)
            return
        super().shutdown()

    def _end(self, code: CloseCode) -> None:
        self.close(code, code.reason)

    def _expected(self) -> bool:
        """Count a frame that is no message by itself, under the limit of commands; whether to handle it."""
        if self._ignoring_input:
            return False
        if self._frames is None:
            settings = self._common.settings
            rate, burst = settings.command_rate, settings.command_burst
            self._frames = Bucket(rate * settings.flood_factor, burst * settings.flood_factor)
        if self._frames.take(self.loop.time()) == 0.0:
            return True
        self._ignoring_input = True
        if self.handshake_complete and not self.close_sent:
            self.on_close(CloseCode.FLOOD)
        self.hold(True)
        # Its answer to the close frame comes after everything it has sent, which is too much to read.
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(FLOOD_TIMEOUT, reset, self.transport)
        return False

    def _make_room(self) -> None:
        """Close this connection: it has been silent for longer than any other, and there are too many of them."""
        if self.handshake_complete:
            self.on_close(CloseCode.DRAIN)
        else:
            reset(self.transport)

    def _cut_off_soon(self) -> None:
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(self.close_timeout, reset, self.transport)

    def _lost(self, code: int) -> None:
        receiver, self._receiver = self._receiver, _NOBODY
        if receiver is not None:
            receiver.lost(code)


class _Handed:
    """Takes the place of uvicorn's queue of a connection's events, and acts on each event at once."""

    def __init__(self, endpoint: WebSocketEndpoint) -> None:
        self._endpoint = endpoint

    def put_nowait(self, event: Mapping[str, Any]) -> None:
        endpoint = self._endpoint
        if event["type"] == "websocket.disconnect":
            if endpoint._receiver is not None:
                # At once, because uvloop's transport raises when it is written to after its end.
                endpoint._receiver.over()
            # Not from here: the caller that closes may be in the middle of a loop over members.
            endpoint.loop.call_soon(endpoint._lost, event.get("code", 1005))
        elif event["type"] == "websocket.receive" and endpoint._receiver is not None:
            text = event.get("text")
            endpoint._receiver.received(event["bytes"] if text is None else text)


class _Nobody:
    """Receives for a connection that has ended."""

    def received(self, data: bytes | str) -> None:
        pass

    def lagging(self, behind: bool) -> None:
        pass

    def over(self) -> None:
        pass

    def lost(self, code: int) -> None:
        pass


_NOBODY: Final = _Nobody()
