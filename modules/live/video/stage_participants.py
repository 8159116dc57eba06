"""Reconciles a stage's participants with the room's roles.

It reports who is on the stage, and disconnects everybody whose role no longer allows it. Each token of a stage that was
issued is a row of `live_participant`. A participant who is to leave has `leaving_at` there, until IVS has said that
they are gone. A gateway claims such a row by moving that time ahead. When it fails, the row is due again.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import msgspec
import structlog

from gateway.errors import Unavailable, not_found
from gateway.principal import Principal
from modules.live.access.participant_repository import ParticipantRepository
from modules.live.aws.ivs_stages import Stages
from modules.live.errors import no_stage
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.live.video.repository import VideoRepository

log = structlog.get_logger(__name__)

REFUSAL: Final = "only its mentors look after the stage of a session"


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
    """Answers hosts, and is the worker of one gateway. Any number of them may run."""

    def __init__(
        self,
        settings: LiveSettings,
        sessions: Sessions,
        videos: VideoRepository,
        participants: ParticipantRepository,
        stages: Stages | None,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._videos = videos
        self._participants = participants
        self._stages = stages

    async def on_stage(self, principal: Principal, id: str) -> ParticipantList:
        """Who is on the stage, as IVS says. Raises Refused for who is no host, and Conflict `live.no_stage`."""
        await self._sessions.read_as_host(principal, id, REFUSAL)
        video = await self._videos.find_up(id)
        if self._stages is None or video is None or video.stage_arn is None:
            raise no_stage(coming=await self._participants.stage_comes(id))
        there = await self._stages.participants(video.stage_arn)
        issued = await self._participants.issued(id)
        return ParticipantList(
            [
                ParticipantView(
                    one.id, one.user_id, issued[one.id].role, issued[one.id].kind, one.published, one.joined_at
                )
                for one in there
                # Who was disconnected a moment ago has no row any more.
                if one.id in issued
            ]
        )

    async def remove(self, principal: Principal, id: str, participant: str) -> None:
        """Have one participant disconnected; their user may come back with another token.

        Raises Refused for who is no host, and BadInput `not_found`.
        """
        await self._sessions.read_as_host(principal, id, REFUSAL)
        if not await self._participants.exists(id, participant):
            raise not_found("there is no such participant")
        await self._participants.withdraw(id, participant)

    async def run(self) -> None:
        """Disconnect those who are to leave, until cancelled."""
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
        """Disconnect one; False when nobody is to leave. When it raises Unavailable, the row is due again later."""
        # Longer than a call of three tries takes, so that two gateways do not do the same.
        leaving = await self._participants.claim_leaving(self._settings.video_timeout * 4)
        if leaving is None:
            return False
        try:
            if self._stages is not None:
                await self._stages.disconnect(leaving.stage_arn, leaving.id, "removed")
        except Unavailable:
            await self._participants.postpone_leaving(leaving.id, self._settings.video_backoff)
            raise
        await self._participants.delete(leaving.id)
        return True
