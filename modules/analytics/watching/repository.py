"""The rows of watched classes. A gateway holds a class as long as it renews its lease."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from gateway.contract import Database

# PostgreSQL's clock alone says when a lease ends.
ASK: Final = """
    INSERT INTO analytics_watch (session_id, asked_at, node, until)
    VALUES ($1, now(), $2, now() + make_interval(secs => $3))
    ON CONFLICT (session_id) DO UPDATE SET asked_at = now()
"""
HOLD: Final = """
    UPDATE analytics_watch SET node = $1, until = now() + make_interval(secs => $2)
    WHERE node = $1 OR until < now() RETURNING session_id
"""
END: Final = """
    DELETE FROM analytics_watch WHERE session_id = ANY($1) AND asked_at < now() - make_interval(secs => $2)
"""
RELEASE: Final = "UPDATE analytics_watch SET until = '-infinity' WHERE node = $1"


class WatchRepository:
    """Each call raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, session: str, node: str, lease: float) -> None:
        """The class is watched; this node holds it for `lease` seconds unless another does."""
        await self._database.fetch(ASK, session, node, lease)

    async def hold(self, node: str, lease: float) -> list[str]:
        """Renew the leases of this node, and take over those that have ended; all classes that it holds."""
        return [row["session_id"] for row in await self._database.fetch(HOLD, node, lease)]

    async def end(self, sessions: Collection[str], grace: float) -> None:
        """Nobody watches these, unless somebody has asked in the last `grace` seconds."""
        await self._database.fetch(END, list(sessions), grace)

    async def release(self, node: str) -> None:
        """The node goes away; any other takes its classes over at once."""
        await self._database.fetch(RELEASE, node)
