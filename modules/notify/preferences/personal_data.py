"""What a user chose, given to them; it goes when they are deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.contract import Database

HELD: Final = {
    "reader": "SELECT language, quiet_from, quiet_until FROM notify_reader WHERE user_id = $1",
    "preferences": "SELECT name, channel, wanted FROM notify_preference WHERE user_id = $1 ORDER BY name, channel",
    "mutes": "SELECT room, until FROM notify_mute WHERE user_id = $1 ORDER BY room",
}
FORGET: Final = (
    "DELETE FROM notify_reader WHERE user_id = $1",
    "DELETE FROM notify_preference WHERE user_id = $1",
    "DELETE FROM notify_mute WHERE user_id = $1",
)


class ChosenData:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, user: str) -> Mapping[str, Any]:
        """What an export shows, without what is empty."""
        found = {what: await self._database.fetch(statement, user) for what, statement in HELD.items()}
        return {what: [dict(row) for row in rows] for what, rows in found.items() if rows}

    async def forget(self, user: str) -> None:
        """Done again it changes nothing."""
        for statement in FORGET:
            await self._database.fetch(statement, user)
