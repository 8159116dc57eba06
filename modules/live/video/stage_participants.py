"""Looks after who is on a session's stage: tells hosts who is, and sends those away who may not be.

Who is to go is a row of `live_participant` with `leaving_at`, and is one until IVS has said that they went. A gateway
claims such a row by moving that time, so that one it could not see to is due again.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import msgspec
import structlog

from gateway.contract import Kernel
from gateway.errors import Unavailable, forbidden, not_found
from gateway.principal import Principal
from modules.live.access.participant_repository import STAGE, WITHDRAW_ONE
from modules.live.aws.ivs_stages import Stages
from modules.live.errors import no_stage
from modules.live.messages import SessionView
from modules.live.sessions.service import Sessions, teaches
from modules.live.settings import LiveSettings

log = structlog.get_logger(__name__)

CLAIM: Final = """
    UPDATE live_participant SET leaving_at = now() + $1 * interval '1 second' WHERE id = (
        SELECT id FROM live_participant WHERE leaving_at <= now() ORDER BY leaving_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id, session_id, stage_arn
"""
AGAIN: Final = "UPDATE live_participant SET leaving_at = now() + $1 * interval '1 second' WHERE id = $2"
LEFT: Final = "DELETE FROM live_participant WHERE id = $1"
ISSUED: Final = "SELECT id, role, kind FROM live_participant WHERE session_id = $1"
ONE: Final = "SELECT id FROM live_participant WHERE session_id = $1 AND id = $2"


class ParticipantView(msgspec.Struct, frozen=True):
    """Who is on the stage now. A user is there once for each device and each shared screen."""

    id: str
    user_id: str
    role: str
    kind: str
    published: bool
    joined_at: datetime | None


class ParticipantList(msgspec.Struct, frozen=True):
    items: list[ParticipantView]

    @classmethod
    def example(cls) -> ParticipantList:
        return cls([ParticipantView("4tQm8aVx2Kdn", "meera", "host", "camera", True, None)])


class StageParticipants:
    """The worker of one gateway, and what hosts ask. Any number of them may run."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, stages: Stages | None) -> None:
        self._kernel = kernel
        self._settings = settings
        self._sessions = sessions
        self._stages = stages

    async def participants(self, principal: Principal, id: str) -> ParticipantList:
        """Who is on the stage, as IVS says. Raises Refused for who is no host, and Conflict `live.no_stage`."""
        await self._host(principal, id)
        rows = await self._kernel.database.fetch(STAGE, id)
        arn = rows[0]["stage_arn"] if rows else None
        if self._stages is None or arn is None:
            raise no_stage()
        there = await self._stages.participants(arn)
        issued = {row["id"]: row for row in await self._kernel.database.fetch(ISSUED, id)}
        return ParticipantList(
            [
                ParticipantView(
                    one.id,
                    one.user_id,
                    issued[one.id]["role"],
                    issued[one.id]["kind"],
                    one.published,
                    one.joined_at,
                )
                for one in there
                # Who was sent away a moment ago has no row any more.
                if one.id in issued
            ]
        )

    async def disconnect(self, principal: Principal, id: str, participant: str) -> None:
        """Send one participant away; their user may come back with another token.

        Raises Refused for who is no host, and BadInput `not_found`.
        """
        await self._host(principal, id)
        if not await self._kernel.database.fetch(ONE, id, participant):
            raise not_found("there is no such participant")
        await self._kernel.database.fetch(WITHDRAW_ONE, id, participant)

    async def run(self) -> None:
        """Send away who is to go, until cancelled."""
        while True:
            try:
                while await self._next():
                    pass
            except Unavailable as error:
                log.info("stage.participants_wait", reason=error.message)
            except Exception:
                log.exception("stage.participants_failed")
            await asyncio.sleep(self._settings.video_interval)

    async def _next(self) -> bool:
        """Send one away; False when nobody is to go. Raises Unavailable; then the row is due again a while later."""
        # Longer than a call of three tries takes, so that two gateways do not do the same.
        claim = self._settings.video_timeout * 4
        for row in await self._kernel.database.fetch(CLAIM, claim):
            try:
                if self._stages is not None:
                    await self._stages.disconnect(row["stage_arn"], row["id"], "removed")
            except Unavailable:
                await self._kernel.database.fetch(AGAIN, self._settings.video_backoff, row["id"])
                raise
            await self._kernel.database.fetch(LEFT, row["id"])
            return True
        return False

    async def _host(self, principal: Principal, id: str) -> SessionView:
        session = await self._sessions.read(principal, id)
        with self._kernel.database.guard():
            if not await teaches(self._kernel.database, principal, session):
                raise forbidden("only its mentors look after the stage of a session")
        return session
