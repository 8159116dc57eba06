"""What notices hold on a user, and what goes when they are deleted: all that they were told or are about to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.contract import Database

HELD: Final = """
    SELECT kind, subject, created_at, seen_at, read_at, opened_at,
        ARRAY(
            SELECT channel || ' ' || state FROM notify_delivery WHERE notification_id = told.id ORDER BY channel
        ) AS deliveries
    FROM notify_notification AS told WHERE user_id = $1 ORDER BY id
"""
# Only to them: all of it goes.
DELETE_NOTICES: Final = """
    DELETE FROM notify_notice WHERE audience = 'user:' || $1 AND (
        state IN ('waiting', 'expanding', 'withdrawing')
        OR id IN (SELECT notice_id FROM notify_notification WHERE user_id = $1)
    )
"""
TAKE_OUT: Final = """
    UPDATE notify_notice SET users = array_remove(users, $1) WHERE users @> ARRAY[$1] AND (
        state IN ('waiting', 'expanding', 'withdrawing')
        OR id IN (SELECT notice_id FROM notify_notification WHERE user_id = $1)
    )
"""
DELETE: Final = "DELETE FROM notify_notification WHERE user_id = $1"
# Digests go with the deliveries that carry them. The row of a list is written by the deletions before.
DELETE_LIST: Final = "DELETE FROM notify_inbox WHERE user_id = $1"


class PersonalData:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, user: str) -> Mapping[str, Any]:
        rows = await self._database.fetch(HELD, user)
        return {"notifications": [dict(row) for row in rows]} if rows else {}

    async def forget(self, user: str) -> None:
        """Done again it changes nothing."""
        for statement in (DELETE_NOTICES, TAKE_OUT, DELETE, DELETE_LIST):
            await self._database.fetch(statement, user)
