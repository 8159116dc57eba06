"""Joins a session in one call: its room, the user's role there, playback, and the stage."""

from __future__ import annotations

import msgspec

from gateway.contract import Context, Kernel, command
from gateway.principal import Principal
from modules.live.access.authorization import SessionAuthorizer
from modules.live.access.playback_tokens import Playback, PlaybackKey
from modules.live.access.repository import AdmissionFacts
from modules.live.access.stage_tokens import StageToken, StageTokens
from modules.live.messages import PROGRAM, Nothing, Video
from modules.live.rooms import session_room
from modules.live.states import SessionState


class Admission(msgspec.Struct, frozen=True):
    """What a client needs to take part.

    `playback` is null while there is no channel: `live.session` tells when there is one, and then `live.playback` gives
    it. `stage` is null while there is no stage, and for a viewer who only watches: `live.stage_token` gives it later.
    With `recorded` the class is being recorded: show that, and ask the user for their `live.consent`, unless `consent`
    has their answer already.
    """

    room: str
    role: str
    socket_url: str
    state: SessionState
    video: Video
    recorded: bool
    consent: bool | None
    playback: Playback | None
    stage: StageToken | None

    @classmethod
    def example(cls) -> Admission:
        room, socket = session_room(PROGRAM), "wss://ksmp.example/realtime"
        return cls(room, "viewer", socket, SessionState.LIVE, Video.STREAMING, True, None, Playback.example(), None)


class Watching(msgspec.Struct, frozen=True):
    """The answer of `live.playback`."""

    video: Video
    playback: Playback | None


class Admissions:
    """Lets users into sessions."""

    def __init__(
        self,
        kernel: Kernel,
        authorizer: SessionAuthorizer,
        key: PlaybackKey | None,
        stage_tokens: StageTokens,
        *,
        records: bool,
    ) -> None:
        self._rooms = kernel.rooms
        self._authorizer = authorizer
        self._key = key
        self._stage_tokens = stage_tokens
        self._records = records

    async def join(self, principal: Principal, session_id: str, socket_url: str) -> Admission:
        """Raises what joining the room raises: for a ban, a missing enrolment, a closed room, a full session."""
        room = session_room(session_id)
        self._rooms.check(room, principal.id)
        role, facts = await self._authorizer.admit(principal, session_id)
        recorded = self._records and facts.recording and facts.state is SessionState.LIVE
        playback = self._playback(principal, facts)
        stage = await self._stage_tokens.admit(principal, session_id, role)
        return Admission(room, role, socket_url, facts.state, facts.video, recorded, facts.consent, playback, stage)

    @command("live.playback", room="session", role="viewer")
    async def watch(self, context: Context, request: Nothing) -> Watching:
        """A fresh playback token for a member of the room."""
        facts = await self._authorizer.facts(context.principal, context.room_id)
        return Watching(facts.video, self._playback(context.principal, facts))

    def _playback(self, principal: Principal, facts: AdmissionFacts) -> Playback | None:
        if self._key is None or facts.channel_arn is None or facts.playback_url is None:
            return None
        return self._key.grant(principal.id, facts.channel_arn, facts.playback_url)
