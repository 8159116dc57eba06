"""The WebSocket endpoint as uvicorn serves it: lets the hub write whole frames to the socket.

It adds three things to uvicorn's own class. A `Sink` in the scope's extensions, so that a room's frame,
made once, goes to every member's transport as it is. The protocol's close codes for what the library
closes by itself (ping timeout, oversize, shutdown). And permessage-deflate without context takeover on
the server's side, so that a compressed frame does not belong to one connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from gateway.errors import CloseCode
from gateway.realtime.encoding import WINDOW_BITS

EXTENSION: Final = "ksmp.endpoint"
# How long a peer may take to answer a close frame, or to read what stands before it.
CLOSE_TIMEOUT: Final = 5.0

Ending = Callable[[CloseCode], None]


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
            self.conn = ServerProtocol(
                extensions=[
                    ServerPerMessageDeflateFactory(
                        server_no_context_takeover=True,
                        server_max_window_bits=WINDOW_BITS,
                        client_max_window_bits=12,
                        compress_settings={"memLevel": 5},
                    )
                ],
                max_size=config.ws_max_size,
                logger=logging.getLogger("uvicorn.error"),
            )
        # Whoever serves the connection says here how it wants to end it.
        self.ending: Ending = self._end

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
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(Frame(Opcode.CLOSE, Close(code, reason).serialize()).serialize(mask=False))
        self.close_sent = True
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if (scope := getattr(self, "scope", None)) is not None:
            # The application's task was created and has not run yet.
            scope["extensions"][EXTENSION] = self

    def handle_parser_exception(self) -> None:
        if isinstance(self.conn.parser_exc, PayloadTooBig) and self.handshake_complete and not self.close_sent:
            # The library has a close frame of its own ready, with 1009.
            self.conn.data_to_send()
            self.ending(CloseCode.MESSAGE_TOO_LARGE)
            return
        super().handle_parser_exception()

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        if not self.close_sent and not self.transport.is_closing():
            self.ending(CloseCode.PING_TIMEOUT)

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.ending(CloseCode.DRAIN)
            return
        super().shutdown()

    def _end(self, code: CloseCode) -> None:
        self.close(code, code.reason)
