"""One WebSocket connection after its handshake (RFC 6455), served by calls without a task of its own.

Nearly every frame of a client is whole and small: one message, a pong, a close. Those are read here. A connection on
which anything else comes is handed to the state machine of the library `websockets`, which is made at that moment and
reads it from then on: fragments, large frames that come in pieces, and all that breaks the standard
(`transport/library_reader.py`). What both find is handled here, so that a connection behaves the same whoever reads it.

    open ──close()──► closing ──the client's close frame, or a deadline──► closed
      └──the client's close frame, or a broken frame─────────────────────────┘
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from websockets.exceptions import ProtocolError
from websockets.frames import Close, apply_mask  # type: ignore[attr-defined]

from gateway.errors import CloseCode
from gateway.protocol.bucket import Bucket
from gateway.protocol.frames import frame
from gateway.realtime.frame_encoder import TRAILER
from gateway.settings import Settings
from gateway.transport.bounded_pending import BoundedPending
from gateway.transport.handshake import Extension
from gateway.transport.keepalive import KeepAlive
from gateway.transport.library_reader import PIECE, LibraryReader
from gateway.transport.reset import reset

# How long a peer may take to read up to a close frame and to answer it, in seconds.
CLOSE_TIMEOUT: Final = 5.0
# How long a peer that floods may take to read why it is closed, in seconds.
FLOOD_TIMEOUT: Final = 1.0
# The longest frame that is waited for here when it comes in pieces.
WHOLE: Final = 4096

BINARY, CLOSE = 0x2, 0x8
# The first byte of frames that are read here: final, with no reserved bit but that of compressed messages.
FINAL_TEXT, FINAL_BINARY, FINAL_CLOSE, FINAL_PING, FINAL_PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
PACKED_TEXT, PACKED_BINARY = 0xC1, 0xC2
READ_HERE: Final = frozenset(
    (FINAL_TEXT, FINAL_BINARY, FINAL_CLOSE, FINAL_PING, FINAL_PONG, PACKED_TEXT, PACKED_BINARY)
)
MASKED: Final = 0x80
SIZE_OF_TWO_BYTES: Final = 126

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


class Endpoints:
    """What the connections of a process share."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings, connections: set[object]) -> None:
        """`connections` are those that the server waits for when it stops."""
        self.loop = loop
        self.connections = connections
        self.silent = BoundedPending(settings.silent_sockets)
        self.keepalive = KeepAlive(loop, settings.ping_interval, settings.ping_timeout)
        # The protocol's own limit is smaller once connected, and closes with a code of its own.
        self.message_bytes = settings.connect_bytes
        self.whole_bytes = min(WHOLE, settings.connect_bytes)
        self.soft_bytes = settings.outbound_soft_bytes
        self._rate = settings.command_rate * settings.flood_factor
        self._burst = settings.command_burst * settings.flood_factor

    def frame_bucket(self) -> Bucket:
        """The limit on the frames of one connection that are no messages."""
        return Bucket(self._rate, self._burst)


class WebSocketEndpoint(asyncio.Protocol):
    """One connection; an asyncio protocol, and implements `gateway.realtime.member.Sink`."""

    __slots__ = (
        "__weakref__",
        "_client_bits",
        "_closing",
        "_deaf",
        "_frames",
        "_held",
        "_late",
        "_library",
        "_receiver",
        "_rest",
        "_shared",
        "_timer",
        "on_close",
        "takes_compressed",
        "transport",
    )

    def __init__(self, shared: Endpoints, transport: asyncio.Transport, extension: Extension) -> None:
        self.transport = transport
        # Called when this class wants to close the connection; the session puts its own function here.
        self.on_close: OnClose | None = None
        # Whether the client reads frames that were compressed once for all members of a room.
        self.takes_compressed = extension.shared
        self._shared = shared
        self._client_bits = extension.client_bits
        self._receiver: Receiver | None = None
        self._library: LibraryReader | None = None
        # The beginning of a frame.
        self._rest = b""
        self._held = False
        # Whether a close frame was sent, or the connection is being closed without one.
        self._closing = False
        # How many bytes came while it was closing.
        self._late = 0
        # Whether nothing is read any more.
        self._deaf = False
        # Limits the frames that are no messages. It is made when the first such frame comes.
        self._frames: Bucket | None = None
        # Resets the connection.
        self._timer: asyncio.TimerHandle | None = None

    def open(self, receiver: Receiver) -> None:
        """Begin: `receiver` gets the messages. More than the soft limit of unread bytes make the client lag."""
        shared = self._shared
        self._receiver = receiver
        self.transport.set_write_buffer_limits(high=shared.soft_bytes)
        shared.connections.add(self)
        shared.silent.enter(self, self._make_room)
        shared.keepalive.enter(self)

    # What is written

    @property
    def fast_write(self) -> Callable[[bytes], None]:
        """Writes at once, without a check of what is unread."""
        return self.transport.write

    def write(self, data: bytes) -> None:
        """Write complete frames; does nothing on a connection that is closing."""
        if not self._closing and not self.transport.is_closing():
            self.transport.write(data)

    def buffered(self) -> int:
        """How many bytes the operating system has not taken yet."""
        return self.transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, and reset when the peer has not answered it in time."""
        if self._closing or self.transport.is_closing():
            return
        self.transport.write(frame(FINAL_CLOSE, Close(code, reason).serialize()))
        self._closing = True
        if self._library is not None:
            self._library.skip()
        self._shared.keepalive.leave(self)
        self.hold(False)
        self._reset_after(CLOSE_TIMEOUT)
        self._end(code)

    def hold(self, held: bool) -> None:
        """Stop or resume reading from the client; what was read already is still delivered."""
        if held is not self._held and not self.transport.is_closing():
            self._held = held
            (self.transport.pause_reading if held else self.transport.resume_reading)()

    # What the event loop calls

    def data_received(self, data: bytes) -> None:
        if self._closing:
            # What was on its way is passed over up to the close frame. More than one message's worth is a flood.
            self._late += len(data)
            self._deaf = self._deaf or self._late > self._shared.message_bytes
        if self._library is not None:
            self._feed_library(data)
            return
        if self._rest:
            data = self._rest + data
            self._rest = b""
        position, end = 0, len(data)
        while end - position >= 6 and not self._deaf:
            first, size = data[position], data[position + 1] - MASKED
            start = position + 6
            if size == SIZE_OF_TWO_BYTES:
                size = (data[position + 2] << 8) | data[position + 3]
                start = position + 8
                if FINAL_CLOSE <= first < PACKED_TEXT or size > self._shared.message_bytes:
                    break
            elif not 0 <= size < SIZE_OF_TWO_BYTES:
                break
            stop = start + size
            if stop > end:
                break
            if self._closing and first != FINAL_CLOSE and first in READ_HERE:
                pass
            elif not self._read(first, apply_mask(data[start:stop], data[start - 4 : start])):
                break
            position = stop
            if self._closing and end - position > PIECE:
                # A peer that was closed in the middle of a flood need not answer the close frame. A timer resets it.
                self._deaf = True
        if position < end and not self._deaf:
            rest = data[position:]
            if self._may_be_read_here(rest):
                self._rest = rest
            else:
                self._feed_library(rest)

    def _feed_library(self, data: bytes) -> None:
        if self._library is None:
            self._library = LibraryReader(self, self._client_bits, self._shared.message_bytes)
            if self._closing:
                self._library.skip()
        if not self._deaf:
            self._library.feed(data)
            self._deaf = self._deaf or (self._closing and len(data) > PIECE)
        elif not self._held:
            # What is behind a message that was too large to be read.
            self._part()

    def eof_received(self) -> None:
        # The transport closes by itself once the client has read everything, which may never happen.
        self._cut_off_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        shared = self._shared
        shared.silent.leave(self)
        shared.keepalive.leave(self)
        shared.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._closing = self._deaf = True
        if self._library is not None:
            self._library.close()
            # It has this object, which would not be freed at once.
            self._library = None
        self._end(1005)

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.lagging(True)

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.lagging(False)

    # What the server calls

    def shutdown(self) -> None:
        if not self._closing:
            self._close_with(CloseCode.DRAIN)
        elif self._timer is None:
            self.transport.close()

    def ping(self, payload: bytes) -> None:
        self.write(frame(FINAL_PING, payload))

    def ping_timeout(self) -> None:
        if not self._closing and not self.transport.is_closing():
            self._close_with(CloseCode.PING_TIMEOUT)

    # What was read, here or by the library

    @property
    def deaf(self) -> bool:
        """Whether nothing is read any more."""
        return self._deaf

    def got_message(self, opcode: int, data: bytes) -> None:
        if self._closing or self._receiver is None:
            return
        self._shared.silent.leave(self)
        if opcode == BINARY:
            self._receiver.received(data)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            # RFC 6455, section 8.1.
            self.fail(1007, "")
            return
        self._receiver.received(text)

    def got_ping(self, payload: bytes) -> None:
        # A pong may be left out when later ones are pending (RFC 6455, section 5.5.3), and for who does not read.
        if self.expected() and self.buffered() <= self._shared.soft_bytes:
            self.write(frame(FINAL_PONG, payload))

    def got_pong(self, payload: bytes) -> None:
        if not self._shared.keepalive.answered(self, payload):
            self.expected()

    def got_close(self, code: int, payload: bytes) -> None:
        """The client's close frame, which the standard wants sent back."""
        self._deaf = True
        if not self._closing:
            self.write(frame(FINAL_CLOSE, payload))
            self._end(code)
        self._part()

    def fail(self, code: int, reason: str) -> None:
        """Fail the connection (RFC 6455, section 7.1.7)."""
        self._deaf = True
        if not self._closing:
            self.write(frame(FINAL_CLOSE, Close(code, reason).serialize()))
            self._end(code)
        self._part()

    def too_large(self) -> None:
        """A message is larger than the limit, and is not read."""
        self._deaf = True
        if not self._closing:
            self._close_with(CloseCode.MESSAGE_TOO_LARGE)

    def expected(self) -> bool:
        """Count a frame that is no message by itself, under the limit of commands; whether to handle it."""
        if self._deaf:
            return False
        if self._frames is None:
            self._frames = self._shared.frame_bucket()
        if self._frames.take(self._shared.loop.time()) == 0.0:
            return True
        self._deaf = True
        if not self._closing:
            self._close_with(CloseCode.FLOOD)
        self.hold(True)
        # Its answer to the close frame comes after everything it has sent, which is too much to read.
        self._reset_after(FLOOD_TIMEOUT)
        return False

    # Further down

    def _read(self, first: int, payload: bytes) -> bool:
        """Handle one frame; False when it is not one of those that are read here."""
        if first in (FINAL_TEXT, FINAL_BINARY):
            self.got_message(first & 0x0F, payload)
        elif first in (PACKED_TEXT, PACKED_BINARY):
            data = self._unpacked(payload)
            if data is None:
                return False
            self.got_message(first & 0x0F, data)
        elif first == FINAL_PONG:
            self.got_pong(payload)
        elif first == FINAL_PING:
            self.got_ping(payload)
        elif first == FINAL_CLOSE:
            try:
                code = int(Close.parse(payload).code)
            except (ProtocolError, UnicodeDecodeError):
                return False
            self.got_close(code, payload)
        else:
            return False
        return True

    def _unpacked(self, payload: bytes) -> bytes | None:
        """The message in a compressed frame; None when there is anything wrong with it (RFC 7692, section 7.2.2)."""
        if not self._client_bits:
            return None
        inflate = zlib.decompressobj(-self._client_bits)
        try:
            data = inflate.decompress(payload + TRAILER, self._shared.message_bytes)
        except zlib.error:
            return None
        return None if inflate.unconsumed_tail else data

    def _may_be_read_here(self, rest: bytes) -> bool:
        """Whether this is the beginning of a frame that is read here once it is whole."""
        first = rest[0]
        if first not in READ_HERE or (first >= 0xC0 and not self._client_bits):
            return False
        if len(rest) == 1:
            return True
        size = rest[1] - MASKED
        if size != SIZE_OF_TWO_BYTES:
            return 0 <= size < SIZE_OF_TWO_BYTES and len(rest) < 6 + size
        if first & 0x0F >= CLOSE:
            return False
        size = int.from_bytes(rest[2:4], "big")
        return len(rest) < 4 or (size <= self._shared.whole_bytes and len(rest) < 8 + size)

    def _close_with(self, code: CloseCode) -> None:
        if self.on_close is None:
            self.close(code, code.reason)
        else:
            self.on_close(code)

    def _make_room(self) -> None:
        """Close this connection: it has been silent for longer than any other, and there are too many of them."""
        self._close_with(CloseCode.DRAIN)

    def _part(self) -> None:
        """Close the connection behind what was written, which the client may not read."""
        self._closing = True
        self._shared.keepalive.leave(self)
        self.transport.close()
        self._reset_after(CLOSE_TIMEOUT)

    def _cut_off_soon(self) -> None:
        if self._timer is None:
            self._reset_after(CLOSE_TIMEOUT)

    def _reset_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._shared.loop.call_later(seconds, reset, self.transport)

    def _end(self, code: int) -> None:
        if self._receiver is not None:
            # At once, because uvloop's transport raises when it is written to after its end.
            self._receiver.over()
            # Not from here: the caller that closes may be in the middle of a loop over members.
            self._shared.loop.call_soon(self._lost, code)

    def _lost(self, code: int) -> None:
        receiver, self._receiver, self.on_close = self._receiver, None, None
        if receiver is not None:
            receiver.lost(code)
