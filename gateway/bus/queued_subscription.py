"""A subscription whose handler may wait: its messages are handled one by one, in the order they come.

nats-py's own ends with its connection, in the middle of a handler. This one goes on over a change of the connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from nats.aio.msg import Msg

from gateway.bus.inline_subscription import InlineSubscription

log = structlog.get_logger(__name__)

# What may wait for a handler; what comes beyond that is dropped, which NATS promises nothing about either.
PENDING_BYTES: Final = 64 * 1024 * 1024
PENDING_MESSAGES: Final = 200_000


class QueuedSubscription(InlineSubscription):
    """What the handler raises is logged."""

    def __init__(self, subject: str, handler: Callable[[Msg], Awaitable[None]]) -> None:
        super().__init__(subject, self._take)
        self._handle = handler
        self._waiting: deque[Msg] = deque()
        self._bytes = 0
        self._dropping = False
        self._some = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._work())

    def _take(self, message: Msg) -> None:
        if self._bytes > PENDING_BYTES or len(self._waiting) >= PENDING_MESSAGES:
            if not self._dropping:
                log.error("bus.slow_consumer", subject=message.subject, waiting=len(self._waiting))
            self._dropping = True
            return
        self._bytes += len(message.data)
        self._waiting.append(message)
        self._some.set()

    async def _work(self) -> None:
        while True:
            await self._some.wait()
            while self._waiting:
                message = self._waiting.popleft()
                self._bytes -= len(message.data)
                try:
                    await self._handle(message)
                except Exception as error:
                    log.error("bus.handler_failed", subject=message.subject, exc_info=error)
            self._dropping = False
            self._some.clear()
