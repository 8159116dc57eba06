"""Dead letters: events and timers whose tries have all failed. They wait until a person sends them again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from gateway import failpoint
from gateway.bus.connection import NatsBus
from gateway.errors import Unavailable, not_found
from gateway.events import names


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One event or timer that its handler could not handle.

    `name` is the listener's or timer's name, and `what` the event's or timer's. `error` is the last error with its
    traceback. `requeue` is the subject on which only this handler receives it again.
    """

    name: str
    what: str
    id: str
    at: datetime
    attempts: int
    failed_at: datetime
    error: str
    requeue: str
    body: str


class StoredDeadLetter(msgspec.Struct, frozen=True):
    """A dead letter and its sequence in the stream."""

    seq: int
    letter: DeadLetter


class DeadLetters:
    """Writes, reads and requeues the stream DEAD_LETTERS. Its calls raise Unavailable."""

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus

    async def store(self, letter: DeadLetter, once: str) -> None:
        """Store a dead letter. A second call with the same `once` within two minutes stores nothing."""
        await publish(self._bus, names.dead(letter.name), msgspec.json.encode(letter), {names.MESSAGE_ID: once})

    async def all(self, name: str | None = None) -> AsyncIterator[StoredDeadLetter]:
        """All dead letters, oldest first, or those of one listener or timer."""
        seq, subject = 1, names.dead(name) if name else "dead.>"
        while True:
            found = await self._get(seq, subject)
            if found is None:
                return
            yield found
            seq = found.seq + 1

    async def get(self, seq: int) -> StoredDeadLetter:
        """The dead letter with this sequence; raises BadInput `not_found`."""
        found = await self._get(seq, "dead.>")
        if found is None or found.seq != seq:
            raise not_found(f"there is no dead letter {seq}")
        return found

    async def requeue(self, stored: StoredDeadLetter) -> None:
        """Send it to its handler again, with all tries, and delete the dead letter."""
        letter = stored.letter
        headers = {
            names.MESSAGE_ID: f"requeue:{stored.seq}:{letter.id}",
            names.ID: letter.id,
            names.AT: letter.at.isoformat(),
        }
        await publish(self._bus, letter.requeue, letter.body.encode(), headers)
        # Deleted second. If the process dies in between, it can be sent again, and the handler handles it once.
        failpoint.crash("kill.requeued")
        try:
            await self._bus.jetstream.delete_msg(names.DEAD, stored.seq)
        except NotFoundError:
            pass
        except (NatsError, JetStreamError, TimeoutError, OSError) as error:
            raise Unavailable(f"NATS did not take out dead letter {stored.seq}: {error!r}") from error

    async def count(self) -> int:
        try:
            info = await self._bus.jetstream.stream_info(names.DEAD)
        except (NatsError, JetStreamError, TimeoutError, OSError) as error:
            raise Unavailable(f"NATS does not answer: {error!r}") from error
        return info.state.messages

    async def _get(self, seq: int, subject: str) -> StoredDeadLetter | None:
        try:
            message = await self._bus.jetstream.get_msg(names.DEAD, seq=seq, subject=subject, next=True)
        except NotFoundError:
            return None
        except (NatsError, JetStreamError, TimeoutError, OSError) as error:
            raise Unavailable(f"NATS does not answer: {error!r}") from error
        return StoredDeadLetter(int(message.seq or 0), msgspec.json.decode(message.data or b"", type=DeadLetter))


async def publish(bus: NatsBus, subject: str, body: bytes, headers: dict[str, str], *, tries: int = 3) -> None:
    """Store one message; repeated with the same id. Raises Unavailable, and the message may be stored all the same."""
    for attempt in range(1, tries + 1):
        try:
            if not bus.up:
                raise Unavailable("NATS is away")
            await bus.jetstream.publish(subject, body, timeout=2.0, headers=headers)
            return
        except (NatsError, JetStreamError, TimeoutError, OSError) as error:
            if attempt == tries:
                raise Unavailable(f"JetStream did not acknowledge: {error!r}") from error
            await asyncio.sleep(0.1 * attempt)
