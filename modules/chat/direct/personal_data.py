"""What direct rooms hold on a user, and what goes when they are deleted. What they wrote is in the archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.contract import Database

# Each takes the user's id.
HELD: Final = {
    "direct": """
        SELECT direct_id, title, joined_at FROM chat_direct_member JOIN chat_direct ON id = direct_id
        WHERE user_id = $1 ORDER BY joined_at, direct_id
    """,
    "direct_opened": "SELECT id, title, created_at FROM chat_direct WHERE created_by = $1 ORDER BY created_at, id",
    "blocks": "SELECT blocked_id, at FROM chat_block WHERE user_id = $1 AND blocked ORDER BY at, blocked_id",
}
FORGET: Final = "DELETE FROM chat_block WHERE user_id = $1 OR blocked_id = $1"


class DirectPersonalData:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def export(self, user: str) -> Mapping[str, Any]:
        """By kind; a kind of which there is nothing is left out. Who has blocked the user is not theirs to know."""
        found = {name: [dict(row) for row in await self._database.fetch(query, user)] for name, query in HELD.items()}
        return {name: rows for name, rows in found.items() if rows}

    async def forget(self, user: str) -> None:
        """Delete the blocks of and against the user; `DirectRooms.forget` takes them out of their rooms."""
        await self._database.fetch(FORGET, user)
