"""The inbox: records which listener has handled which event, in the transaction of the handler."""

from __future__ import annotations

from datetime import datetime

from gateway.db.database import PostgresDatabase

CLAIM = "INSERT INTO inbox (listener, event) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING listener"
HANDLED = "SELECT FROM inbox WHERE listener = $1 AND event = $2"
# A gateway serves before its listeners are registered. They get what it publishes in that time too.
REGISTER = """
    INSERT INTO event_listener (name, since) VALUES ($1, now() - interval '1 minute') ON CONFLICT (name) DO NOTHING
"""
SINCE = "SELECT since FROM event_listener WHERE name = $1"


class Inbox:
    """The events that the listeners of this database have handled."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def claim(self, listener: str, event: str) -> bool:
        """Record the event as handled, in the current transaction; False when it was handled before.

        Waits for another transaction that is handling the same event.
        """
        return bool(await self._database.fetch(CLAIM, listener, event))

    async def handled(self, listener: str, event: str) -> bool:
        """Whether a committed transaction has handled this event."""
        return bool(await self._database.fetch(HANDLED, listener, event))

    async def register(self, listener: str) -> datetime:
        """Register the listener; returns the time from which it gets events: a minute before its first start."""
        await self._database.fetch(REGISTER, listener)
        rows = await self._database.fetch(SINCE, listener)
        since: datetime = rows[0]["since"]
        return since
