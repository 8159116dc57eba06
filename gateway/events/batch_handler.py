"""Hands a batch of messages to the follower or the intake that a module contributed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from gateway.contract.delivery import Delivery
from gateway.contract.event_follower import EventFollower, Followed
from gateway.contract.events import event_name
from gateway.contract.intake import Intake, Received
from gateway.events import names
from gateway.events.inbox import Inbox
from gateway.events.message_handler import Source


class BatchHandler(Source, Protocol):
    """Handles the messages of one durable consumer in batches of at most `batch`, gathered for `wait` seconds."""

    batch: int
    wait: float

    async def run(self, messages: Sequence[tuple[bytes, Delivery]]) -> Sequence[Delivery]:
        """Handle bodies with their deliveries; returns those that were for the handler. Raises what it raises."""


class FollowerHandler:
    """Decodes events for a follower, and leaves out those of before its first start."""

    stream = names.EVENTS

    def __init__(self, follower: EventFollower, inbox: Inbox) -> None:
        self.name = self.what = follower.name
        self.batch = follower.batch
        self.wait = follower.wait
        self.requeue = names.requeued(follower.name)
        events = {event_name(event): event for event in follower.events()}
        self.subjects: tuple[str, ...] = (*map(names.event, sorted(events)), self.requeue)
        # Each event has its tag, so that one decoder reads all of them.
        self._decoders = {name: msgspec.json.Decoder(event) for name, event in events.items()}
        self._tag = msgspec.json.Decoder(_Tagged)
        self._follower = follower
        self._inbox = inbox
        self._since: datetime | None = None

    def what_is(self, subject: str) -> str:
        return names.event_of(subject) or self.what

    async def since(self) -> datetime | None:
        if self._since is None:
            self._since = await self._inbox.register(self.name)
        return self._since

    def read(self, body: bytes, id: str, at: datetime) -> tuple[str, datetime]:
        return id, at

    async def run(self, messages: Sequence[tuple[bytes, Delivery]]) -> Sequence[Delivery]:
        since = await self.since()
        mine = [(body, delivery) for body, delivery in messages if since is None or delivery.at >= since]
        batch = [Followed(id=delivery.id, at=delivery.at, event=self._decode(body)) for body, delivery in mine]
        if batch:
            await self._follower.handle(batch)
        return [delivery for _, delivery in mine]

    def _decode(self, body: bytes) -> msgspec.Struct:
        event: msgspec.Struct = self._decoders[self._tag.decode(body).type].decode(body)
        return event


class IntakeHandler:
    """Hands an intake what was put into it."""

    stream = names.INTAKE

    def __init__(self, intake: Intake) -> None:
        self.name = self.what = intake.name
        self.batch = intake.batch
        self.wait = intake.wait
        self.requeue = names.intake(intake.name)
        self.subjects: tuple[str, ...] = (self.requeue,)
        self._intake = intake

    def what_is(self, subject: str) -> str:
        return self.what

    async def since(self) -> datetime | None:
        return None

    def read(self, body: bytes, id: str, at: datetime) -> tuple[str, datetime]:
        return id, at

    async def run(self, messages: Sequence[tuple[bytes, Delivery]]) -> Sequence[Delivery]:
        await self._intake.handle([Received(id=one.id, at=one.at, body=body) for body, one in messages])
        return [one for _, one in messages]


class _Tagged(msgspec.Struct, frozen=True):
    """The part of every event that says which one it is."""

    type: str
