"""Batched direct gets: several messages of a stream for one request (NATS ADR-31).

nats-py has no call for them yet. All requests of the process share one wildcard inbox. The last token of the reply
subject names the request that the answer belongs to.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from nats.aio.msg import Msg

from gateway.bus.connection import NatsBus
from gateway.errors import Unavailable


@dataclass(slots=True)
class _Request:
    done: asyncio.Future[None]
    messages: list[tuple[bytes, Mapping[str, str]]] = field(default_factory=list)
    pending: int = 0


@dataclass(frozen=True, slots=True)
class DirectBatch:
    """The (body, headers) of each message, ascending by sequence; `pending` is how many more match."""

    messages: list[tuple[bytes, Mapping[str, str]]]
    pending: int


class DirectReader:
    """Asks any replica of a stream. An answer may miss the newest messages. It never misses one before its last."""

    def __init__(self, bus: NatsBus, stream: str) -> None:
        self._bus = bus
        self._subject = f"$JS.API.DIRECT.GET.{stream}"
        self._ids = itertools.count(1)
        self._requests: dict[str, _Request] = {}
        self._inbox = ""

    async def start(self) -> None:
        if self._inbox:
            return
        self._inbox = self._bus.client.new_inbox()
        await self._bus.subscribe(f"{self._inbox}.*", self._answer)

    async def get(self, query: Mapping[str, Any], *, timeout: float = 0.5, tries: int = 3) -> DirectBatch:
        """Run one batched query; raises Unavailable when no replica answered in `tries` tries."""
        for attempt in range(tries):
            token = str(next(self._ids))
            request = _Request(asyncio.get_running_loop().create_future())
            self._requests[token] = request
            try:
                await self._bus.publish(self._subject, msgspec.json.encode(query), reply=f"{self._inbox}.{token}")
                async with asyncio.timeout(timeout * (attempt + 1)):
                    await request.done
            except TimeoutError:
                continue
            except _NoResponders:
                await asyncio.sleep(0.1 * (attempt + 1))
                continue
            finally:
                del self._requests[token]
            return DirectBatch(request.messages, request.pending)
        raise Unavailable("the room log does not answer")

    async def _answer(self, message: Msg) -> None:
        request = self._requests.get(message.subject.rpartition(".")[2])
        if request is None or request.done.done():
            return
        headers = message.headers or {}
        status = headers.get("Status")
        if status is None:
            request.messages.append((message.data, headers))
        elif status in ("204", "404"):
            # 204 ends a batch, 404 says that nothing matched.
            request.pending = int(headers.get("Nats-Num-Pending", "0"))
            request.done.set_result(None)
        elif status == "503":
            request.done.set_exception(_NoResponders())
        else:
            request.done.set_exception(Unavailable(f"the room log answered {status}"))


class _NoResponders(Exception):
    """No replica serves the stream at this moment, as while a leader changes."""
