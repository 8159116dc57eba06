"""A peer that keeps to no rule: bytes as they are over one blocking TCP connection, for use in a thread."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from typing import Any, Final

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
TIMEOUT: Final = 15.0


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv1: bool = False, size: int | None = None) -> bytes:
    """A client's frame, masked with zeros; `size` is what it says its payload is, when that is a lie."""
    size = len(payload) if size is None else size
    head = bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


def command(cmd: str, id: int | None = None, **fields: Any) -> bytes:
    message = {"cmd": cmd, **({"id": id} if id is not None else {}), **fields}
    return frame(TEXT, json.dumps(message).encode())


class Peer:
    """One connection. It answers no pings, and close frames only while `answers`."""

    answers = True

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.link = socket.socket()
        if receive_buffer is not None:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.link.settimeout(TIMEOUT)
        self.link.connect(("127.0.0.1", port))
        self.received = b""
        self.codes: list[int] = []
        self.pongs: list[bytes] = []

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def send(self, data: bytes) -> bool:
        """Whether the other end still took it."""
        try:
            self.link.sendall(data)
        except OSError:
            return False
        return True

    def status(self) -> int:
        """Of the next response, whose head is read; 0 when the connection ends without one."""
        while b"\r\n\r\n" not in self.received:
            if not self._receive():
                return 0
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        self.head = head.decode()
        return int(head.split(b" ", 2)[1])

    def upgrade(self, *, origin: str | None = None, deflate: bool = False) -> int:
        """Ask for a WebSocket; the status of the answer."""
        lines = [
            "GET /realtime HTTP/1.1",
            "Host: x",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol: ksmp.v1.json",
        ]
        if origin is not None:
            lines.append(f"Origin: {origin}")
        if deflate:
            lines.append("Sec-WebSocket-Extensions: permessage-deflate")
        return self.status() if self.send("\r\n".join([*lines, "", ""]).encode()) else 0

    def signed_in(self, token: str, **fields: Any) -> dict[str, Any]:
        """Open a socket and connect; what the reply carries."""
        assert self.upgrade(deflate=fields.pop("deflate", False)) == 101
        return self.call("connect", token=token, **fields)

    def call(self, cmd: str, **fields: Any) -> dict[str, Any]:
        """The `ok` or the `error` of the reply."""
        assert self.send(command(cmd, 1, **fields))
        while (message := self.message()) is not None:
            if message.get("id") == 1:
                result: dict[str, Any] = message.get("ok", message.get("error"))
                return result
        raise AssertionError(f"closed with {self.codes}")

    def next(self) -> tuple[int, bytes] | None:
        """The next frame as opcode and payload, None at the end of the connection."""
        while True:
            data = self.received
            if len(data) >= 2:
                size, head = data[1] & 0x7F, 2
                if size >= 126:
                    head = 4 if size == 126 else 10
                    size = int.from_bytes(data[2:head], "big")
                if len(data) >= head + size and len(data) >= head:
                    self.received = data[head + size :]
                    return data[0] & 0x0F, data[head : head + size]
            if not self._receive():
                return None

    def message(self) -> dict[str, Any] | None:
        """The next text, None at the end; close codes and pongs on the way are kept."""
        while (one := self.next()) is not None:
            opcode, payload = one
            if opcode == TEXT:
                message: dict[str, Any] = json.loads(payload)
                return message
            if opcode == CLOSE:
                self.codes.append(int.from_bytes(payload[:2], "big"))
                if self.answers:
                    self.send(frame(CLOSE, payload))
            elif opcode == PONG:
                self.pongs.append(payload)
        return None

    def close_code(self) -> int | None:
        """Read to the end of the connection; the code of the one close frame on the way."""
        while self.message() is not None:
            pass
        assert len(self.codes) <= 1
        return self.codes[0] if self.codes else None

    def told(self) -> int | None:
        """The code of the close frame, as soon as it comes; None when the connection ends without one."""
        while (one := self.next()) is not None:
            if one[0] == CLOSE:
                return int.from_bytes(one[1][:2], "big")
        return None

    def cut_off(self, seconds: float) -> bool:
        """Whether the other end resets the connection within this time. Nothing is read."""
        watch = select.poll()
        watch.register(self.link, 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(seconds * 1000))

    def ended(self, seconds: float) -> bool:
        """Whether the other end closes the connection within this time; what comes before is dropped."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.link.settimeout(left)
            with contextlib.suppress(TimeoutError):
                if not self._receive():
                    return True
            self.received = b""
        return False

    def _receive(self) -> bool:
        try:
            data = self.link.recv(1 << 16)
        except TimeoutError:
            raise
        except OSError:
            return False
        self.received += data
        return bool(data)
