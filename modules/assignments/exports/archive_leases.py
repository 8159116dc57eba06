"""One archive at a time for each user, over all gateways: a row that its process renews while it sends."""

from __future__ import annotations

import uuid
from typing import Final

from gateway.contract import Database

CLAIM: Final = """
    INSERT INTO assignments_archive AS held (user_id, claim, held_until)
    VALUES ($1, $2, now() + make_interval(secs => $3))
    ON CONFLICT (user_id) DO UPDATE SET claim = excluded.claim, held_until = excluded.held_until
    WHERE held.held_until < now()
    RETURNING user_id
"""
RENEW: Final = """
    UPDATE assignments_archive SET held_until = now() + make_interval(secs => $3)
    WHERE user_id = $1 AND claim = $2 RETURNING user_id
"""
RELEASE: Final = "DELETE FROM assignments_archive WHERE user_id = $1 AND claim = $2"


class ArchiveLeases:
    """Each call raises Unavailable. `seconds` is how long one holds without being renewed."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self.seconds = seconds

    async def claim(self, user_id: str) -> uuid.UUID | None:
        """None while the user has one."""
        claim = uuid.uuid4()
        return claim if await self._database.fetch(CLAIM, user_id, claim, self.seconds) else None

    async def renew(self, user_id: str, claim: uuid.UUID) -> bool:
        """False when it has ended, and somebody else holds it."""
        return bool(await self._database.fetch(RENEW, user_id, claim, self.seconds))

    async def release(self, user_id: str, claim: uuid.UUID) -> None:
        await self._database.fetch(RELEASE, user_id, claim)
