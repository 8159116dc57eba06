"""Tokens for a session's stage: who gets which, and how they are withdrawn.

The gateway writes a row for each token before it hands the token out, and then checks the user's role again. A loss of
the role marks the user's rows in its own transaction. So a user who loses the role either gets no token, or has one
that is marked, and `video/stage_participants.py` disconnects them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Database, Kernel, command
from gateway.errors import forbidden
from gateway.identifier import new_id
from gateway.principal import Principal
from modules.live.access.authorization import SessionAuthorizer
from modules.live.access.participant_repository import ParticipantRepository
from modules.live.access.playback_tokens import PlaybackKey
from modules.live.aws.ivs_stages import FEATURED, Kind
from modules.live.errors import no_stage
from modules.live.messages import Nothing
from modules.live.rooms import session_room
from modules.live.settings import LiveSettings

PUBLISHERS: Final = frozenset({"host", "cohost", "speaker"})

# The longest life of a token that IVS takes, in seconds.
LONGEST: Final = 1_209_600


class StageToken(msgspec.Struct, frozen=True):
    """Lets one participant onto the stage until `expires_at`. A participant who is there by then stays. With
    `publishes` others see and hear them. A device and a shared screen need a token each."""

    token: str
    participant_id: str
    publishes: bool
    expires_at: datetime

    @classmethod
    def example(cls) -> StageToken:
        return cls("eyJ…", "4tQm8aVx2Kdn", True, datetime(2026, 2, 3, 0, 30, tzinfo=UTC))


class StageAccess(msgspec.Struct, frozen=True):
    """The answer of `live.stage_token`."""

    stage: StageToken | None


class StageTokens:
    """Issues tokens of stages. It signs them itself, so no join waits for IVS."""

    def __init__(
        self, kernel: Kernel, settings: LiveSettings, authorizer: SessionAuthorizer, key: PlaybackKey | None
    ) -> None:
        self._rooms = kernel.rooms
        self._rows = ParticipantRepository(kernel.database)
        self._settings = settings
        self._authorizer = authorizer
        self._key = key

    async def admit(self, principal: Principal, session_id: str, role: str) -> StageToken | None:
        """A token for a user of this role; None while there is no stage, or for a viewer who watches its mix.

        Raises what `SessionAuthorizer.role` raises, when the user has lost their part meanwhile.
        """
        if role not in PUBLISHERS and not self._settings.stage_viewers:
            return None
        return await self._issue(principal, session_id, role, "camera")

    @command("live.stage_token", room="session", role="viewer", rate="stage_rate")
    async def renew(self, context: Context, request: Nothing) -> StageAccess:
        """A fresh token for a member of the room; None as with `admit`."""
        role = await self._authorizer.role(context.principal, context.room_id)
        return StageAccess(await self.admit(context.principal, context.room_id, role))

    async def share(self, principal: Principal, session_id: str) -> StageToken:
        """A token for the user's screen, as a participant of its own.

        Raises what `SessionAuthorizer.role` raises, Refused `forbidden` for a viewer, and Conflict `live.no_stage`.
        """
        self._rooms.check(session_room(session_id), principal.id)
        role = await self._authorizer.role(principal, session_id)
        if role not in PUBLISHERS:
            raise forbidden("only who speaks shares a screen")
        token = await self._issue(principal, session_id, role, "screen")
        if token is None:
            raise no_stage(coming=await self._rows.stage_comes(session_id))
        return token

    async def _issue(self, principal: Principal, session_id: str, role: str, kind: Kind) -> StageToken | None:
        stage = await self._rows.stage(session_id)
        if self._key is None or stage is None:
            return None
        publishes = role in PUBLISHERS
        now = int(clock.now_seconds())
        expires = now + int(min(self._settings.stage_life, LONGEST))
        participant, expires_at = new_id(), datetime.fromtimestamp(expires, UTC)
        claims = {
            "exp": expires,
            "iat": now,
            "jti": participant,
            "user_id": principal.id,
            "resource": stage.stage_arn,
            "topic": stage.stage_arn.rpartition("/")[2],
            "events_url": stage.stage_events_url,
            "whip_url": stage.stage_whip_url,
            # IVS wants a missing right left out, not set to false.
            "capabilities": ({"allow_publish": True} if publishes else {})
            | ({"allow_subscribe": True} if kind == "camera" else {}),
            "attributes": {"role": role, "kind": kind} | ({FEATURED: "true"} if kind == "screen" else {}),
            "version": "1.0",
        }
        token = self._key.sign(claims, stage.stage_key_arn)
        if not await self._rows.add(participant, session_id, principal.id, role, kind, expires_at):
            return None
        if await self._authorizer.role(principal, session_id) != role:
            await self._rows.withdraw(session_id, participant)
            return None
        return StageToken(token, participant, publishes, expires_at)


async def withdraw_stage_tokens(database: Database, session_id: str, user_id: str) -> None:
    """Withdraw all of a user's tokens, in the transaction in which they lose the right, or after it."""
    await ParticipantRepository(database).withdraw_all(session_id, user_id)


async def withdraw_viewer_token(database: Database, session_id: str, user_id: str) -> None:
    """Withdraw the tokens by which a user only watched, in the transaction in which they become a speaker."""
    await ParticipantRepository(database).withdraw_viewer(session_id, user_id)
