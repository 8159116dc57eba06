"""Which subject stands for a user."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from gateway.contract import Database

SUBJECT: Final = "SELECT subject FROM analytics_subject WHERE user_id = $1"


async def subject_of(database: Database, user_id: str) -> UUID | None:
    """None for a user of whom no fact was stored yet. Raises Unavailable."""
    for row in await database.fetch(SUBJECT, user_id):
        return UUID(str(row["subject"]))
    return None
