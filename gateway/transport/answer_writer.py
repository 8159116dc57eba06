"""Sends the head of an answer together with its body: one packet and one system call, where uvicorn makes two."""

from __future__ import annotations

import asyncio
from typing import Final

INTERIM: Final = b"HTTP/1.1 100"


class AnswerWriter:
    """Stands for the transport while one answer is written.

    The head waits for the body that follows at once, at most until the event loop's next round. An answer to HEAD has
    no body, so it needs no such writer.
    """

    __slots__ = ("_head", "_later", "_loop", "_started", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._started = False
        self._head = b""
        self._later: asyncio.Handle | None = None

    def write(self, data: bytes) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif self._started or data.startswith(INTERIM):
            self._transport.write(data)
        else:
            self._started = True
            self._head = data
            self._later = self._loop.call_soon(self._flush)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        """Send a head that waits, because no body has followed yet."""
        if self._later is None:
            return
        if self._transport.is_closing():
            # uvloop's transport raises when it is written to after its end.
            self._later.cancel()
            self._later, self._head = None, b""
        else:
            self.write(b"")
