"""Handles one delivered message: runs a listener or a timer in its transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from gateway import failpoint
from gateway.contract.delivery import Delivery
from gateway.contract.events import event_name
from gateway.contract.listener import Listener
from gateway.contract.timer import Timer
from gateway.db.database import PostgresDatabase
from gateway.events import names
from gateway.events.inbox import Inbox
from gateway.events.schedules import TimerRows, Wake


class Source(Protocol):
    """Which messages a durable consumer gets."""

    name: str
    # The event's or the timer's name.
    what: str
    stream: str
    subjects: tuple[str, ...]
    # The subject on which only this consumer receives a message again.
    requeue: str

    def what_is(self, subject: str) -> str:
        """The name of the event or timer that came on this subject."""

    async def since(self) -> datetime | None:
        """The time of the first message for this consumer; None for all messages. Raises Unavailable."""

    def read(self, body: bytes, id: str, at: datetime) -> tuple[str, datetime]:
        """The id and time for the `Delivery` of a message; raises msgspec.DecodeError."""


class MessageHandler(Source, Protocol):
    """Handles the messages of one durable consumer, each by itself."""

    # Whether it runs inside one transaction, and so holds a connection to PostgreSQL.
    transactional: bool

    async def run(self, body: bytes, delivery: Delivery) -> bool:
        """Handle a message, in one transaction where `transactional` says so; False when there was nothing to do.

        Raises whatever the handler does.
        """


class ListenerHandler:
    """Runs a listener; the inbox makes sure that it handles each event once."""

    stream = names.EVENTS

    def __init__(self, listener: Listener, database: PostgresDatabase, inbox: Inbox) -> None:
        self.name = listener.name
        self.what = event_name(listener.event)
        self.requeue = names.requeued(listener.name)
        self.transactional = listener.transactional
        self.subjects: tuple[str, ...] = (names.event(self.what), self.requeue)
        self._listener = listener
        self._database = database
        self._inbox = inbox
        self._decoder: msgspec.json.Decoder[msgspec.Struct] = msgspec.json.Decoder(listener.event)
        self._since: datetime | None = None

    def what_is(self, subject: str) -> str:
        return self.what

    async def since(self) -> datetime | None:
        if self._since is None:
            self._since = await self._inbox.register(self.name)
        return self._since

    def read(self, body: bytes, id: str, at: datetime) -> tuple[str, datetime]:
        return id, at

    async def run(self, body: bytes, delivery: Delivery) -> bool:
        since = await self.since()
        if since is not None and delivery.at < since:
            return False
        event = self._decoder.decode(body)
        if not self.transactional:
            return await self._call(event, delivery)
        async with self._database.transaction():
            if not await self._inbox.claim(self.name, delivery.id):
                return False
            await self._listener.handler(event, delivery)
            await _commit(self._database)
        return True

    async def _call(self, event: msgspec.Struct, delivery: Delivery) -> bool:
        if await self._inbox.handled(self.name, delivery.id):
            return False
        await self._listener.handler(event, delivery)
        failpoint.crash("kill.handled")
        return await self._inbox.claim(self.name, delivery.id)


class TimerHandler:
    """Runs a timer's handler when it is due. Taking the timer's row makes sure that it happens once."""

    stream = names.TIMERS
    transactional = True

    def __init__(self, timer: Timer, database: PostgresDatabase, rows: TimerRows) -> None:
        self.name = self.what = timer.name
        self.requeue = names.due(timer.name)
        self.subjects: tuple[str, ...] = (self.requeue,)
        self._timer = timer
        self._database = database
        self._rows = rows
        self._decoder: msgspec.json.Decoder[msgspec.Struct] = msgspec.json.Decoder(timer.payload)
        self._wake = msgspec.json.Decoder(Wake)

    def what_is(self, subject: str) -> str:
        return self.what

    async def since(self) -> datetime | None:
        await self._database.ping()
        return None

    def read(self, body: bytes, id: str, at: datetime) -> tuple[str, datetime]:
        wake = self._wake.decode(body)
        return wake.id, wake.at

    async def run(self, body: bytes, delivery: Delivery) -> bool:
        async with self._database.transaction():
            payload = await self._rows.take(self.name, delivery.id)
            if payload is None:
                return False
            await self._timer.handler(self._decoder.decode(payload), delivery)
            await _commit(self._database)
        return True


async def _commit(database: PostgresDatabase) -> None:
    """Make sure that the transaction can commit, before it does; raises the error when it cannot.

    After a failed statement PostgreSQL answers COMMIT with a rollback, and no error. A handler may have caught the
    error of that statement, so this runs one more statement, which fails in such a transaction.
    """
    if not database.in_transaction:
        raise RuntimeError("the handler ended the transaction it was given")
    await database.fetch("SELECT 1")
    failpoint.crash("kill.handled")
