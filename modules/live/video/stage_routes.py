"""The routes of a session's stage."""

from __future__ import annotations

from litestar import Router, delete, get, post
from litestar.di import NamedDependency

from gateway.http.services import services
from gateway.principal import Principal
from modules.live.access.stage_tokens import StageToken, StageTokens
from modules.live.policies import HOSTS, OF_PROGRAM, Id
from modules.live.video.stage_participants import ParticipantList, StageParticipants


@post("/{id:str}/screen", policy=OF_PROGRAM, status_code=200)
async def share(
    id: Id, principal: NamedDependency[Principal], stage_tokens: NamedDependency[StageTokens]
) -> StageToken:
    """A token for your screen on the stage of an interactive session, beside your camera. For those who speak there."""
    return await stage_tokens.share(principal, id)


@get("/{id:str}/stage/participants", policy=HOSTS, conflict=True)
async def participants(
    id: Id, principal: NamedDependency[Principal], stage_participants: NamedDependency[StageParticipants]
) -> ParticipantList:
    """Who is on the stage now."""
    return await stage_participants.on_stage(principal, id)


@delete("/{id:str}/stage/participants/{participant:str}", policy=HOSTS)
async def disconnect(
    id: Id,
    participant: Id,
    principal: NamedDependency[Principal],
    stage_participants: NamedDependency[StageParticipants],
) -> None:
    """Disconnect a participant from the stage. It takes a moment. Their token lets nobody in any more."""
    await stage_participants.remove(principal, id, participant)


def router(stage_tokens: StageTokens, stage_participants: StageParticipants) -> Router:
    return Router(
        "/sessions",
        route_handlers=[share, participants, disconnect],
        dependencies=services(stage_tokens=stage_tokens, stage_participants=stage_participants),
    )
