"""A server that gets webhooks, and answers each as a test wants it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from razorpay import Utility


@dataclass
class Received:
    """One POST of a webhook."""

    body: bytes
    headers: dict[str, str]
    document: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.document = json.loads(self.body)

    @property
    def event(self) -> str:
        return str(self.document["event"])

    @property
    def id(self) -> str:
        return self.headers["x-razorpay-event-id"]

    def entity(self, kind: str) -> dict[str, Any]:
        entity: dict[str, Any] = self.document["payload"][kind]["entity"]
        return entity

    def verify(self, secret: str) -> None:
        """That the SDK accepts the signature. Raises SignatureVerificationError."""
        Utility().verify_webhook_signature(self.body.decode(), self.headers["x-razorpay-signature"], secret)


class Receiver:
    """`statuses` are the next answers; 200 when there are none. A status of 0 is no answer at all."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.status = 200

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hooks"

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def events(self) -> list[str]:
        return [received.event for received in self.received]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(Received(body, headers))
        status = self.statuses.pop(0) if self.statuses else self.status
        if status:
            writer.write(f"HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        else:
            await reader.read()
        writer.close()
