"""The rows of notices: every statement of telling and withdrawing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.contract import Database

TELL: Final = """
    INSERT INTO notify_notice
        (id, kind, subject, audience, users, data, actor, at, expires_at, campaign_id, state, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11)
    ON CONFLICT (kind, subject) WHERE state NOT IN ('withdrawing', 'withdrawn') DO NOTHING
    RETURNING id
"""
FIND: Final = """
    SELECT id FROM notify_notice WHERE kind = $1 AND subject = $2 AND state NOT IN ('withdrawing', 'withdrawn')
"""
WITHDRAW: Final = """
    UPDATE notify_notice SET state = CASE WHEN cursor = '' THEN 'withdrawn' ELSE 'withdrawing' END
    WHERE kind = $1 AND subject = $2 AND state NOT IN ('withdrawing', 'withdrawn')
    RETURNING id
"""


class NoticeRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(
        self,
        id: str,
        kind: str,
        subject: str,
        audience: str,
        users: Sequence[str],
        data: str,
        actor: str,
        at: datetime,
        expires_at: datetime,
        campaign_id: str | None,
        now: datetime,
    ) -> str | None:
        """The id of the notice; None when it was told before."""
        values = (id, kind, subject, audience, list(users), data, actor, at, expires_at, campaign_id, now)
        for row in await self._database.fetch(TELL, *values):
            return str(row["id"])
        return None

    async def find(self, kind: str, subject: str) -> str | None:
        """The id of the one that was told, and not withdrawn."""
        for row in await self._database.fetch(FIND, kind, subject):
            return str(row["id"])
        return None

    async def withdraw(self, kind: str, subject: str) -> bool:
        """Whether there was one to take back."""
        return bool(await self._database.fetch(WITHDRAW, kind, subject))
