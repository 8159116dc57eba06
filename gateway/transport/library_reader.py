"""Reads a connection on which something unusual came, with the state machine of the library `websockets`."""

from __future__ import annotations

import dataclasses
import logging
from typing import Final, Protocol

from websockets.exceptions import PayloadTooBig
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from gateway.realtime.frame_encoder import WINDOW_BITS

# How many bytes are parsed at a time. Between them the limits are checked, for peers that send very many small frames.
PIECE: Final = 16 * 1024

# Its lines about single connections are of no use in the log.
log = logging.getLogger("websockets.server")
log.setLevel(logging.ERROR)


class FrameHandler(Protocol):
    """Takes what was read."""

    @property
    def deaf(self) -> bool:
        """Whether nothing is read any more."""

    def got_message(self, opcode: int, data: bytes) -> None: ...

    def got_ping(self, payload: bytes) -> None: ...

    def got_pong(self, payload: bytes) -> None: ...

    def got_close(self, code: int, payload: bytes) -> None: ...

    def fail(self, code: int, reason: str) -> None: ...

    def too_large(self) -> None: ...

    def expected(self) -> bool:
        """Count a frame that is no message by itself; whether to handle it."""


class Packed(Extension):
    """Stands for permessage-deflate on a connection that is closing: its messages stay compressed and unread."""

    name = PerMessageDeflate.name

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return dataclasses.replace(frame, rsv1=False)

    def encode(self, frame: Frame) -> Frame:
        return frame


class LibraryReader:
    """Only reads: what the library would write is dropped, and the handler answers."""

    __slots__ = ("_handler", "_library", "_opcode", "_parts")

    def __init__(self, handler: FrameHandler, client_bits: int, message_bytes: int) -> None:
        """`client_bits` is the window of what the client compresses, 0 when it may not."""
        self._handler = handler
        self._library = ServerProtocol(state=State.OPEN, max_size=message_bytes, logger=log)
        if client_bits:
            self._library.extensions = [PerMessageDeflate(True, True, client_bits, WINDOW_BITS)]
        # The fragments of a message so far.
        self._opcode = 0
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            if self._handler.deaf:
                return
            self._feed(data[start : start + PIECE])

    def skip(self) -> None:
        """Go on for the close frame alone."""
        if self._library.extensions:
            self._library.extensions = [Packed()]

    def close(self) -> None:
        """Read no more. The library's parser and its exception hold the library, which would not be freed at once."""
        self._library.parser.close()
        self._library.parser_exc = None

    def _feed(self, piece: bytes) -> None:
        library = self._library
        library.receive_data(piece)
        # The handler answers.
        library.data_to_send()
        for event in library.events_received():
            if isinstance(event, Frame) and not self._handler.deaf:
                self._handle(event)
        if library.parser_exc is not None and not self._handler.deaf:
            if isinstance(library.parser_exc, PayloadTooBig):
                self._handler.too_large()
            elif library.close_sent is not None:
                self._handler.fail(library.close_sent.code, library.close_sent.reason)

    def _handle(self, event: Frame) -> None:
        payload = bytes(event.data)
        match event.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                self._opcode = event.opcode
                self._parts = [payload]
                self._message(event.fin)
            case Opcode.CONT:
                if self._handler.expected():
                    self._parts.append(payload)
                    self._message(event.fin)
            case Opcode.PING:
                self._handler.got_ping(payload)
            case Opcode.PONG:
                self._handler.got_pong(payload)
            case Opcode.CLOSE:
                code = self._library.close_rcvd.code if self._library.close_rcvd is not None else 1005
                self._handler.got_close(int(code), payload)

    def _message(self, complete: bool) -> None:
        if complete:
            parts, self._parts = self._parts, []
            self._handler.got_message(self._opcode, b"".join(parts))
