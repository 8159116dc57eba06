"""The inbox: which listener has handled which event, remembered in the handler's own transaction."""

from __future__ import annotations

from datetime import datetime

from gateway.db.database import PostgresDatabase

CLAIM = "INSERT INTO inbox (listener, event) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING listener"
HANDLED = "SELECT FROM inbox WHERE listener = $1 AND event = $2"
# A gateway serves before its listeners are registered; what it publishes in between is for them.
REGISTER = """
    INSERT INTO event_listener (name, since) VALUES ($1, now() - interval '1 minute') ON CONFLICT (name) DO NOTHING
"""
SINCE = "SELECT since FROM event_listener WHERE name = $1"


class Inbox:
    """What the listeners of this database have handled."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def claim(self, listener: str, event: str) -> bool:
        """Whether this event is still to be handled; from now on, if this transaction commits, it is not.

        Another transaction that handles it at this moment is waited for.
        """
        return bool(await self._database.fetch(CLAIM, listener, event))

    async def handled(self, listener: str, event: str) -> bool:
        """Whether this event was handled, as far as it is committed."""
        return bool(await self._database.fetch(HANDLED, listener, event))

    async def register(self, listener: str) -> datetime:
        """From when on events are for this listener: a minute before its first start, which may be now."""
        await self._database.fetch(REGISTER, listener)
        rows = await self._database.fetch(SINCE, listener)
        since: datetime = rows[0]["since"]
        return since
