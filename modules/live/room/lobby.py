"""Where viewers wait to be let into a session whose hosts want to see them first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from gateway import clock
from gateway.contract import Command, Context, Rate, SnapshotPart
from gateway.errors import Conflict, not_found
from modules.live.messages import Done, Member, Name, Nothing
from modules.live.room.parts import RoomParts
from modules.live.rooms import lobby_room, session_room, staff_room

PART: Final = "guests"
GUESTS: Final = "live.guests_changed"
ADMITTED: Final = "live.admitted"

COUNT: Final = "SELECT count(*) AS count FROM live_guest WHERE session_id = $1 AND state = 'waiting'"
OF: Final = "SELECT state FROM live_guest WHERE session_id = $1 AND user_id = $2"
KNOCK: Final = """
    INSERT INTO live_guest (session_id, user_id, name, state, knocked_at) VALUES ($1, $2, $3, 'waiting', $4)
    RETURNING *
"""
ADMIT: Final = """
    UPDATE live_guest SET state = 'admitted'
    WHERE session_id = $1 AND state = 'waiting' AND ($2::text IS NULL OR user_id = $2)
    RETURNING *
"""
IS_IN: Final = """
    INSERT INTO live_guest (session_id, user_id, name, state, knocked_at) VALUES ($1, $2, $3, 'admitted', $4)
    ON CONFLICT (session_id, user_id) DO NOTHING
"""
READ: Final = """
    SELECT part.rev, guest.* FROM live_part AS part
    LEFT JOIN live_guest AS guest ON guest.session_id = part.session_id AND guest.state = 'waiting'
    WHERE part.session_id = $1 AND part.part = 'guests'
"""


class Admit(msgspec.Struct, frozen=True):
    """`live.admit`."""

    user: Name


class Guest(msgspec.Struct, frozen=True):
    """Somebody who waits, or was let in."""

    user: Member
    state: Literal["waiting", "admitted"]
    knocked_at: int


class GuestsChanged(msgspec.Struct, frozen=True):
    """The push `live.guests_changed` to the staff room; who is `admitted` waits no more."""

    rev: int
    guests: list[Guest]


class Admitted(msgspec.Struct, frozen=True):
    """The push `live.admitted` to those who wait: who of them may join the session's room now."""

    rev: int
    users: list[str]


class Guests(msgspec.Struct, frozen=True):
    """The part `live.guests` of the staff room: who waits, the first first."""

    rev: int
    guests: list[Guest]


class Lobby:
    """The commands of those who wait, and of who lets them in; all run in a transaction of the kernel's."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts
        self.commands = (
            Command(
                name="live.knock",
                rooms="lobby",
                role="guest",
                request=Nothing,
                handler=self._knock,
                rate=self._rate,
                row_first=True,
            ),
            Command(
                name="live.admit", rooms="session", role="cohost", request=Admit, handler=self._admit, row_first=True
            ),
            Command(
                name="live.admit_all",
                rooms="session",
                role="cohost",
                request=Nothing,
                handler=self._admit_all,
                row_first=True,
            ),
        )
        self.snapshots = (SnapshotPart(name="live.guests", rooms="staff", read=self._read),)

    async def follow(self, session: str, on: bool) -> None:
        """From now on viewers wait, but who is in the room stays in it; or nobody waits any more."""
        await self._parts.lock(session, PART)
        if not on:
            await self._let_in(session, None)
            return
        for person in await self._parts.kernel.rooms.members(session_room(session)):
            await self._parts.fetch(IS_IN, session, person.id, person.name, clock.now())

    async def _knock(self, context: Context, request: Nothing) -> Done:
        """Raises Conflict `live.lobby_full`; who was admitted is told so again."""
        session, user = context.room_id, context.principal
        rev = await self._parts.lock(session, PART)
        for row in await self._parts.fetch(OF, session, user.id):
            if row["state"] == "admitted":
                await self._parts.kernel.rooms.publish_row(context.room, ADMITTED, Admitted(rev, [user.id]))
            return Done(rev)
        if (await self._parts.fetch(COUNT, session))[0]["count"] >= self._parts.settings.lobby_places:
            raise Conflict("too many wait already", code="live.lobby_full")
        return Done(await self._tell(session, await self._parts.fetch(KNOCK, session, user.id, user.name, clock.now())))

    async def _admit(self, context: Context, request: Admit) -> Done:
        """Raises BadInput `not_found` for who does not wait."""
        await self._parts.lock(context.room_id, PART)
        rev = await self._let_in(context.room_id, request.user)
        if rev is None:
            raise not_found("this user does not wait")
        return Done(rev)

    async def _admit_all(self, context: Context, request: Nothing) -> Done:
        rev = await self._parts.lock(context.room_id, PART)
        return Done(await self._let_in(context.room_id, None) or rev)

    async def _let_in(self, session: str, user: str | None) -> int | None:
        rows = await self._parts.fetch(ADMIT, session, user)
        if not rows:
            return None
        rev = await self._tell(session, rows)
        admitted = Admitted(rev, sorted(row["user_id"] for row in rows))
        await self._parts.kernel.rooms.publish_row(lobby_room(session), ADMITTED, admitted)
        return rev

    async def _tell(self, session: str, rows: Sequence[Mapping[str, Any]]) -> int:
        changed = GuestsChanged(
            await self._parts.bump(session, PART), sorted((_guest(row) for row in rows), key=_order)
        )
        await self._parts.kernel.rooms.publish_row(staff_room(session), GUESTS, changed)
        return changed.rev

    async def _read(self, context: Context) -> Guests:
        rows = await self._parts.fetch(READ, context.room_id)
        guests = [_guest(row) for row in rows if row["user_id"] is not None]
        return Guests(rows[0]["rev"] if rows else 0, sorted(guests, key=_order))

    def _rate(self) -> Rate:
        return Rate(count=self._parts.settings.hand_rate_count, seconds=self._parts.settings.hand_rate_seconds)


def _guest(row: Mapping[str, Any]) -> Guest:
    return Guest(Member(row["user_id"], row["name"]), row["state"], clock.to_ms(row["knocked_at"]))


def _order(guest: Guest) -> tuple[int, str]:
    return (guest.knocked_at, guest.user.id)
