"""The stage tokens that were handed out: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database

STAGE: Final = """
    SELECT stage_arn, stage_key_arn, stage_events_url, stage_whip_url FROM live_video
    WHERE session_id = $1 AND phase = 'up' AND stage_arn IS NOT NULL
"""
# Not of a session that is over meanwhile.
ADD_PARTICIPANT: Final = """
    INSERT INTO live_participant (id, session_id, user_id, stage_arn, role, kind, expires_at)
    SELECT $1, session_id, $3, stage_arn, $4, $5, $6 FROM live_video
    WHERE session_id = $2 AND phase = 'up' AND stage_arn IS NOT NULL RETURNING id
"""
WITHDRAW_ONE: Final = """
    UPDATE live_participant SET leaving_at = now() WHERE session_id = $1 AND id = $2 AND leaving_at IS NULL
"""
WITHDRAW_ALL: Final = """
    UPDATE live_participant SET leaving_at = now() WHERE session_id = $1 AND user_id = $2 AND leaving_at IS NULL
"""
WITHDRAW_VIEWER: Final = """
    UPDATE live_participant SET leaving_at = now()
    WHERE session_id = $1 AND user_id = $2 AND role = 'viewer' AND leaving_at IS NULL
"""


class StageAddress(msgspec.Struct, frozen=True):
    """A stage that is up, and what its tokens name beside it."""

    stage_arn: str
    stage_key_arn: str
    stage_events_url: str
    stage_whip_url: str


class ParticipantRepository:
    """The stage tokens that were handed out, a row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stage(self, session: str) -> StageAddress | None:
        """The session's stage; None while there is none."""
        for row in await self._database.fetch(STAGE, session):
            return msgspec.convert(row, StageAddress)
        return None

    async def add(self, id: str, session: str, user: str, role: str, kind: str, expires_at: datetime) -> bool:
        """Note a token; False when the session's stage is gone meanwhile."""
        return bool(await self._database.fetch(ADD_PARTICIPANT, id, session, user, role, kind, expires_at))

    async def withdraw(self, session: str, id: str) -> None:
        """Take one token back."""
        await self._database.fetch(WITHDRAW_ONE, session, id)

    async def withdraw_all(self, session: str, user: str) -> None:
        """Take back all of a user's tokens."""
        await self._database.fetch(WITHDRAW_ALL, session, user)

    async def withdraw_viewer(self, session: str, user: str) -> None:
        """Take back the tokens by which a user only watched; a speaker's other tokens stay."""
        await self._database.fetch(WITHDRAW_VIEWER, session, user)
