"""The stage tokens that were issued, and who has to leave a stage: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database

STAGE: Final = """
    SELECT stage_arn, stage_key_arn, stage_events_url, stage_whip_url FROM live_video
    WHERE session_id = $1 AND phase = 'up' AND stage_arn IS NOT NULL
"""
STAGE_COMES: Final = """
    SELECT FROM live_video JOIN live_session ON id = session_id
    WHERE session_id = $1 AND phase = 'making' AND mode = 'interactive'
"""
# It adds no row when the session is over meanwhile.
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
WITHDRAW_EVERYWHERE: Final = """
    UPDATE live_participant SET leaving_at = now() WHERE user_id = $1 AND leaving_at IS NULL
"""
WITHDRAW_VIEWER: Final = """
    UPDATE live_participant SET leaving_at = now()
    WHERE session_id = $1 AND user_id = $2 AND role = 'viewer' AND leaving_at IS NULL
"""
STAYING: Final = "SELECT id FROM live_participant WHERE session_id = $1 AND leaving_at IS NULL"
ISSUED: Final = "SELECT id, role, kind FROM live_participant WHERE session_id = $1"
EXISTS: Final = "SELECT FROM live_participant WHERE session_id = $1 AND id = $2"
CLAIM_LEAVING: Final = """
    UPDATE live_participant SET leaving_at = now() + $1 * interval '1 second' WHERE id = (
        SELECT id FROM live_participant WHERE leaving_at <= now() ORDER BY leaving_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id, stage_arn
"""
POSTPONE_LEAVING: Final = "UPDATE live_participant SET leaving_at = now() + $2 * interval '1 second' WHERE id = $1"
DELETE_ONE: Final = "DELETE FROM live_participant WHERE id = $1"
DELETE_ALL: Final = "DELETE FROM live_participant WHERE session_id = $1"


class StageAddress(msgspec.Struct, frozen=True):
    """A stage that is up, with the key and the addresses that its tokens name."""

    stage_arn: str
    stage_key_arn: str
    stage_events_url: str
    stage_whip_url: str


class IssuedParticipant(msgspec.Struct, frozen=True):
    """For whom a token was issued; `kind` is `camera` or `screen`."""

    id: str
    role: str
    kind: str


class LeavingParticipant(msgspec.Struct, frozen=True):
    """Who is to be disconnected from a stage."""

    id: str
    stage_arn: str


class ParticipantRepository:
    """The stage tokens that were issued, a row each, until their participant was disconnected.

    Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stage(self, session: str) -> StageAddress | None:
        """The session's stage; None while there is none."""
        for row in await self._database.fetch(STAGE, session):
            return msgspec.convert(row, StageAddress)
        return None

    async def stage_comes(self, session: str) -> bool:
        """Whether the session's stage is being made."""
        return bool(await self._database.fetch(STAGE_COMES, session))

    async def add(self, id: str, session: str, user: str, role: str, kind: str, expires_at: datetime) -> bool:
        """Add a row for a token; False when the session's stage is gone meanwhile."""
        return bool(await self._database.fetch(ADD_PARTICIPANT, id, session, user, role, kind, expires_at))

    async def withdraw(self, session: str, id: str) -> None:
        """Withdraw one token."""
        await self._database.fetch(WITHDRAW_ONE, session, id)

    async def withdraw_all(self, session: str, user: str) -> None:
        """Withdraw all of a user's tokens."""
        await self._database.fetch(WITHDRAW_ALL, session, user)

    async def withdraw_everywhere(self, user: str) -> None:
        """Withdraw all tokens of a user, in all sessions."""
        await self._database.fetch(WITHDRAW_EVERYWHERE, user)

    async def withdraw_viewer(self, session: str, user: str) -> None:
        """Withdraw the tokens by which a user only watched. A speaker's tokens stay."""
        await self._database.fetch(WITHDRAW_VIEWER, session, user)

    async def staying(self, session: str) -> set[str]:
        """The ids of those who may be on the stage."""
        return {row["id"] for row in await self._database.fetch(STAYING, session)}

    async def issued(self, session: str) -> dict[str, IssuedParticipant]:
        """By their ids, those who may be on the stage and those who have to leave it."""
        rows = await self._database.fetch(ISSUED, session)
        return {row["id"]: msgspec.convert(row, IssuedParticipant) for row in rows}

    async def exists(self, session: str, id: str) -> bool:
        return bool(await self._database.fetch(EXISTS, session, id))

    async def claim_leaving(self, seconds: float) -> LeavingParticipant | None:
        """One who has to leave; no other gateway gets the same for so many seconds. None when there is nobody."""
        for row in await self._database.fetch(CLAIM_LEAVING, seconds):
            return msgspec.convert(row, LeavingParticipant)
        return None

    async def postpone_leaving(self, id: str, seconds: float) -> None:
        await self._database.fetch(POSTPONE_LEAVING, id, seconds)

    async def delete(self, id: str) -> None:
        await self._database.fetch(DELETE_ONE, id)

    async def delete_all(self, session: str) -> None:
        """Those of a session whose stage is gone: their tokens let nobody in."""
        await self._database.fetch(DELETE_ALL, session)
