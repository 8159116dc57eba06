"""Intake: what comes faster than rows can be written one by one waits in a durable stream, and is stored in batches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Received:
    """One message of a batch. `id` is the `message_id` that it was put with; `at` is when it was put."""

    id: str
    at: datetime
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Contributed by the module that takes in messages by `kernel.intakes.put` and stores them in batches.

    `name` is `<module>.<what>`. `handle` has the promises of an `EventFollower`: up to `batch` messages, gathered for
    up to `wait` seconds, acknowledged when it returns, halved and tried again when it raises, and dead letters at last.
    """

    name: str
    handle: Callable[[Sequence[Received]], Awaitable[None]]
    batch: int = 50
    wait: float = 0.2


class Intakes(Protocol):
    """The intakes of a module."""

    async def put(self, name: str, body: bytes, message_id: str) -> None:
        """Store a message, JSON in UTF-8, for the handler of this intake. When it returns, the message is durable.

        A message whose `message_id` was put within the last two minutes is not stored again. Raises ValueError for an
        intake that the module did not contribute, BadInput `too_large` over `KSMP_INTAKE_MESSAGE_BYTES`, and
        Unavailable when NATS is away or `KSMP_INTAKE_BYTES` wait; after that the message may be stored all the same.
        """

    async def handled_until(self, name: str) -> datetime:
        """A time before which all that was put into this intake is handled, or a dead letter.

        It moves forward with each call, and is some seconds behind. Raises Unavailable.
        """
