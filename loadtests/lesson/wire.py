"""A WebSocket client over gevent's sockets that does as little as it can for a message.

It knows what the gateway sends: unfragmented, uncompressed messages.
"""

from __future__ import annotations

import base64
import os
from urllib.parse import urlsplit

from gevent import socket

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
CHUNK = 64 * 1024
HANDSHAKE_TIMEOUT = 20.0


class Closed(ConnectionError):
    """The connection is over; `code` is 1006 when no close frame came."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class WebSocket:
    """One connection. One greenlet may read while others write."""

    def __init__(self, url: str) -> None:
        """Connect. Raises OSError."""
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=HANDSHAKE_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ksmp.v1.json\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            data = self._socket.recv(4096)
            if not data:
                raise Closed(1006)
            head += data
        head, _, self._buffer = head.partition(b"\r\n\r\n")
        status = head.partition(b"\r\n")[0]
        if b" 101" not in status:
            self._socket.close()
            raise ConnectionError(f"the handshake was answered with {status.decode(errors='replace')}")
        self._socket.settimeout(None)
        self._closed = 0

    def send(self, payload: bytes) -> None:
        """Raises OSError."""
        self._frame(TEXT, payload)

    def receive(self) -> list[bytes]:
        """Wait for a text message. Returns all that are there. Raises Closed, OSError."""
        messages: list[bytes] = []
        while not messages:
            if self._closed:
                raise Closed(self._closed)
            data = self._socket.recv(CHUNK)
            if not data:
                raise Closed(1006)
            self._parse(self._buffer + data if self._buffer else data, messages)
        return messages

    def close(self) -> None:
        """Close the connection. A greenlet that reads gets Closed or an OSError."""
        try:
            self._frame(CLOSE, (1000).to_bytes(2, "big"))
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _parse(self, data: bytes, messages: list[bytes]) -> None:
        """Take all whole frames. The rest stays in the buffer."""
        at, end = 0, len(data)
        while at + 2 <= end:
            size, begin = data[at + 1], at + 2
            if size >= 126:
                begin += 2 if size == 126 else 8
                if begin > end:
                    break
                size = int.from_bytes(data[at + 2 : begin], "big")
            if begin + size > end:
                break
            self._take(data[at], data[begin : begin + size], messages)
            at = begin + size
        self._buffer = data[at:]

    def _take(self, first: int, payload: bytes, messages: list[bytes]) -> None:
        kind = first & 0x0F
        if kind == TEXT and first & 0x80:
            messages.append(payload)
        elif kind == PING:
            self._frame(PONG, payload)
        elif kind == CLOSE:
            self._closed = int.from_bytes(payload[:2], "big") or 1005
        elif kind != PONG:
            raise ConnectionError(f"a frame that the gateway does not send begins with {first:#x}")

    def _frame(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        # A mask of zeros is a mask; nobody attacks a proxy here.
        self._socket.sendall(bytes([0x80 | kind]) + length + bytes(4) + payload)
