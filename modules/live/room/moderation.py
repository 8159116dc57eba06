"""Taking people out of a session, or of all of its program's, letting them in again, and making co-hosts.

A ban is a row that `SessionAuthorizer` asks (`access/authorization.py`), and an eviction that every gateway knows at
once: rooms are left, what was granted before counts no more, and the video is told to end. All of it commits together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from gateway import clock
from gateway.contract import Command, Context, SnapshotPart
from gateway.errors import Conflict, Refused, forbidden, invalid, not_found
from gateway.identifier import new_id
from gateway.protocol.names import user_id
from modules.accounts.facade import record
from modules.live.events import ViewerRemoved
from modules.live.messages import Done, Member
from modules.live.room.hands import Hands
from modules.live.room.parts import RoomParts
from modules.live.room.promotions import Promotions
from modules.live.rooms import lobby_room, session_room, staff_room
from modules.programs.facade import Part, part_of

PART: Final = "bans"
BAN: Final = "live.ban_changed"
KICKED: Final = "live.kicked"
BANNED: Final = "live.banned"

SESSION: Final = "SELECT program_id, mentor_id, co_mentors, visibility FROM live_session WHERE id = $1"
# Where somebody may be in a room: those that have not opened yet the row keeps them out of.
OPEN: Final = "SELECT id FROM live_session WHERE program_id = $1 AND state <> 'cancelled' AND state <> 'scheduled'"
KEEP_OUT: Final = """
    INSERT INTO live_ban (session_id, scope, user_id, program_id, reason, by_id, by_name, until, sessions)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (session_id, scope, user_id) DO UPDATE SET
        reason = $5, by_id = $6, by_name = $7, until = $8, sessions = $9
    RETURNING *
"""
OF: Final = """
    SELECT session_id FROM live_ban WHERE scope = $2 AND user_id = $3 AND ($2 = 'program' OR session_id = $1)
    AND program_id = $4 ORDER BY session_id
"""
LIFT: Final = "DELETE FROM live_ban WHERE session_id = $1 AND scope = $2 AND user_id = $3 RETURNING *"
NOTE: Final = """
    INSERT INTO live_moderation (id, session_id, user_id, action, detail, reason, by_id, by_name, until, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
READ: Final = """
    SELECT part.rev, ban.* FROM live_part AS part LEFT JOIN live_ban AS ban ON ban.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = 'bans' ORDER BY ban.user_id, ban.scope
"""
AUDIT: Final = "SELECT * FROM live_moderation WHERE session_id = $1 ORDER BY at DESC, id DESC LIMIT 500"

Scope = Literal["session", "program"]


class Kick(msgspec.Struct, frozen=True):
    """`live.kick`: out, for a while."""

    user: str
    reason: str = ""


class SetBan(msgspec.Struct, frozen=True):
    """`live.ban`: out for `seconds`, or until it is lifted."""

    user: str
    scope: Scope = "session"
    seconds: float | None = None
    reason: str = ""


class Unban(msgspec.Struct, frozen=True):
    """`live.unban`, which takes back a kick as well."""

    user: str
    scope: Scope = "session"


class Promote(msgspec.Struct, frozen=True):
    """`live.promote`."""

    user: str
    role: Literal["viewer", "speaker", "cohost"]


class Ban(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody is kept out; without `until` for good."""

    user: str
    scope: Scope
    by: Member
    reason: str = ""
    until: int | None = None


class BanChanged(msgspec.Struct, frozen=True):
    """The push `live.ban_changed` to the staff room; one that is not in `force` was lifted."""

    rev: int
    ban: Ban
    force: bool


class Bans(msgspec.Struct, frozen=True):
    """The part `live.bans` of the staff room: those that were said in this session and not lifted."""

    rev: int
    bans: list[Ban]


class Moderated(msgspec.Struct, frozen=True):
    """What a host did to somebody, as the audit keeps it."""

    user: str
    action: Literal["kick", "ban", "unban", "promote"]
    detail: str
    reason: str
    by: Member
    until: datetime | None
    at: datetime


class Moderation:
    """The commands; all run in a transaction of the kernel's."""

    def __init__(self, parts: RoomParts, hands: Hands, promotions: Promotions) -> None:
        self._parts = parts
        self._hands = hands
        self._promotions = promotions
        self.commands = tuple(
            Command(name=name, rooms="session", role=role, request=request, handler=handler, row_first=True)
            for name, role, request, handler in (
                ("live.kick", "cohost", Kick, self._kick),
                ("live.ban", "cohost", SetBan, self._ban),
                ("live.unban", "cohost", Unban, self._unban),
                ("live.promote", "host", Promote, self._promote),
            )
        )
        self.snapshots = (SnapshotPart(name="live.bans", rooms="staff", read=self._read),)

    async def audit(self, session: str) -> list[Moderated]:
        """The newest 500 of what was done in a session, the newest first."""
        rows = await self._parts.fetch(AUDIT, session)
        return [
            Moderated(
                row["user_id"],
                row["action"],
                row["detail"],
                row["reason"],
                Member(row["by_id"], row["by_name"]),
                row["until"],
                row["at"],
            )
            for row in rows
        ]

    async def _kick(self, context: Context, request: Kick) -> Done:
        """Raises what `_keep_out` raises."""
        until = clock.now() + timedelta(seconds=self._parts.settings.kick_seconds)
        return await self._keep_out(context, request.user, "session", until, request.reason, "kick")

    async def _ban(self, context: Context, request: SetBan) -> Done:
        """Of the program only a host bans; raises what `_keep_out` raises, and BadInput `invalid`."""
        if request.scope == "program" and not context.at_least("host"):
            raise forbidden("only a host bans from the program")
        until = None
        if request.seconds is not None:
            if not 1 <= request.seconds <= self._parts.settings.ban_longest:
                raise invalid(f"a ban lasts 1 to {self._parts.settings.ban_longest:g} seconds", field="seconds")
            until = clock.now() + timedelta(seconds=request.seconds)
        return await self._keep_out(context, request.user, request.scope, until, request.reason, "ban")

    async def _keep_out(
        self, context: Context, user: str, scope: Scope, until: datetime | None, reason: str, action: str
    ) -> Done:
        """Raises BadInput `invalid` and `not_found`, Refused `forbidden` and Conflict `live.is_host`."""
        session = context.room_id
        if len(reason) > self._parts.settings.reason_characters or "\0" in reason:
            raise invalid("this reason is too long, or has a NUL character", field="reason")
        row = await self._session(session)
        await self._check(context, user, row)
        rev = await self._parts.bump(session, PART)
        sessions = [session]
        if scope == "program":
            sessions += [one["id"] for one in await self._parts.fetch(OPEN, row["program_id"]) if one["id"] != session]
        by = context.principal
        (ban,) = await self._parts.fetch(
            KEEP_OUT, session, scope, user, row["program_id"], reason, by.id, by.name, until, sessions
        )
        await self._note(context, user, action, scope, reason, until)
        code = KICKED if action == "kick" else BANNED
        for one in sorted(sessions):
            await self._promotions.forget(one, user)
            for room in (session_room(one), staff_room(one), lobby_room(one)):
                await self._parts.kernel.rooms.evict(room, user, code, until=until)
            await self._parts.kernel.events.publish(ViewerRemoved(one, user))
        await self._hands.lower(session, user, context)
        changed = BanChanged(rev, _ban(ban), force=True)
        await self._parts.kernel.rooms.publish_row(staff_room(session), BAN, changed)
        return Done(rev)

    async def _unban(self, context: Context, request: Unban) -> Done:
        """Raises BadInput `not_found` and `invalid`, Refused `forbidden`."""
        if request.scope == "program" and not context.at_least("host"):
            raise forbidden("only a host lifts a ban from the program")
        user = user_id(request.user)
        program = (await self._session(context.room_id))["program_id"]
        found = await self._parts.fetch(OF, context.room_id, request.scope, user, program)
        rev, closed = 0, set[str]()
        for place in found:
            told = await self._parts.bump(place["session_id"], PART)
            for ban in await self._parts.fetch(LIFT, place["session_id"], request.scope, user):
                closed.update(ban["sessions"])
                rooms = self._parts.kernel.rooms
                await rooms.publish_row(staff_room(ban["session_id"]), BAN, BanChanged(told, _ban(ban), force=False))
            rev = told if place["session_id"] == context.room_id else rev
        if not closed:
            raise not_found("this user is not banned so")
        await self._note(context, user, "unban", request.scope, "", None)
        # Where another ban holds, `SessionAuthorizer` keeps them out by its row.
        for session in sorted(closed):
            for room in (session_room(session), staff_room(session), lobby_room(session)):
                await self._parts.kernel.rooms.readmit(room, user)
        return Done(rev)

    async def _promote(self, context: Context, request: Promote) -> Done:
        """Raises BadInput `invalid` and `not_found`, Refused `forbidden` and Conflict `live.is_host`."""
        session, user = context.room_id, user_id(request.user)
        row = await self._session(session)
        await self._check(context, user, row)
        rev = await self._parts.lock(session, PART)
        if row["visibility"] != "open" and await part_of(self._parts.kernel.database, user, row["program_id"]) is None:
            raise not_found("this user takes no part in the session")
        if await self._promotions.make(session, user, request.role):
            await self._note(context, user, "promote", request.role, "", None)
        return Done(rev)

    async def _check(self, context: Context, user: str, session: Mapping[str, Any]) -> None:
        """Whether something may be done to this user by who asks for it."""
        user_id(user)
        if user == context.principal.id or user in (session["mentor_id"], *session["co_mentors"]):
            raise _is_host()
        if await part_of(self._parts.kernel.database, user, session["program_id"]) is Part.MENTOR:
            raise _is_host()
        if not context.at_least("host") and await self._promotions.role(context.room_id, user) == "cohost":
            raise _not_to_a_peer()

    async def _session(self, id: str) -> Mapping[str, Any]:
        for row in await self._parts.fetch(SESSION, id):
            return row
        raise not_found("there is no such session")

    async def _note(
        self, context: Context, user: str, action: str, detail: str, reason: str, until: datetime | None
    ) -> None:
        by = context.principal
        values: Sequence[Any] = (context.room_id, user, action, detail, reason, by.id, by.name, until, clock.now())
        await self._parts.fetch(NOTE, new_id(), *values)
        # What is said of somebody, the reason, stays in the session.
        details = {"session": context.room_id, "what": detail, "until": until}
        await record(self._parts.kernel.database, by, f"live.{action}", user, details)

    async def _read(self, context: Context) -> Bans:
        rows = await self._parts.fetch(READ, context.room_id)
        return Bans(rows[0]["rev"] if rows else 0, [_ban(row) for row in rows if row["user_id"] is not None])


def _ban(row: Mapping[str, Any]) -> Ban:
    until = None if row["until"] is None else clock.to_ms(row["until"])
    return Ban(row["user_id"], row["scope"], Member(row["by_id"], row["by_name"]), row["reason"], until)


def _is_host() -> Conflict:
    return Conflict("this is one of the session's hosts, or you", code="live.is_host")


def _not_to_a_peer() -> Refused:
    return forbidden("only a host does this to a co-host")
