"""Who has turned to another window, as their clients say it, for hosts who chose to know. Off by default."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Command, Context, Rate, SnapshotPart
from gateway.errors import Conflict
from modules.live.messages import Done, Member
from modules.live.room.options import ChosenOptions
from modules.live.room.parts import RoomParts
from modules.live.rooms import staff_room

PART: Final = "away"
AWAY: Final = "live.away_changed"

LEAVE: Final = """
    INSERT INTO live_away (session_id, user_id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
RETURN: Final = "DELETE FROM live_away WHERE session_id = $1 AND user_id = $2 RETURNING true"
FORGET: Final = "DELETE FROM live_away WHERE session_id = $1"
READ: Final = """
    SELECT part.rev, away.user_id, away.name FROM live_part AS part
    LEFT JOIN live_away AS away ON away.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = 'away' ORDER BY away.user_id
"""


class Look(msgspec.Struct, frozen=True):
    """`live.away`: whether this client's page is hidden."""

    away: bool


class AwayChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """The push `live.away_changed` to the staff room; without a user nobody is known to be away."""

    rev: int
    away: bool
    user: Member | None = None


class Absent(msgspec.Struct, frozen=True):
    """The part `live.away` of the staff room, by the users' ids."""

    rev: int
    users: list[Member]


class Attention:
    """The command; it runs in a transaction of the kernel's."""

    def __init__(self, parts: RoomParts, options: ChosenOptions) -> None:
        self._parts = parts
        self._options = options
        self.commands = (
            Command(
                name="live.away",
                rooms="session",
                role="viewer",
                request=Look,
                handler=self._look,
                rate=self._rate,
                row_first=True,
            ),
        )
        self.snapshots = (SnapshotPart(name="live.away", rooms="staff", read=self._read),)

    async def follow(self, session: str, on: bool) -> None:
        """What was known is forgotten when the hosts do not want to know any more."""
        if on:
            return
        await self._parts.fetch(FORGET, session)
        await self._tell(session, AwayChanged(await self._parts.bump(session, PART), away=False))

    async def _look(self, context: Context, request: Look) -> Done:
        """Raises Conflict `live.attention_off` in a session whose hosts do not ask for it."""
        session, user = context.room_id, context.principal
        # Before the options: who turns it off holds those, and then waits for this.
        rev = await self._parts.lock(session, PART)
        if not (await self._options.of(session)).attention:
            raise Conflict("the hosts of this session do not ask for it", code="live.attention_off")
        changed = LEAVE if request.away else RETURN
        arguments = (session, user.id, user.name) if request.away else (session, user.id)
        if not await self._parts.fetch(changed, *arguments):
            return Done(rev)
        told = AwayChanged(await self._parts.bump(session, PART), request.away, Member.of(user))
        await self._tell(session, told)
        return Done(told.rev)

    async def _tell(self, session: str, changed: AwayChanged) -> None:
        await self._parts.kernel.rooms.publish_row(staff_room(session), AWAY, changed)

    async def _read(self, context: Context) -> Absent:
        rows = await self._parts.fetch(READ, context.room_id)
        users = [Member(row["user_id"], row["name"]) for row in rows if row["user_id"] is not None]
        return Absent(rows[0]["rev"] if rows else 0, users)

    def _rate(self) -> Rate:
        return Rate(count=self._parts.settings.away_rate_count, seconds=self._parts.settings.away_rate_seconds)
