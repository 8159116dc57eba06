"""Takes users out of a session, or out of all sessions of its program, lets them in again, and promotes them.

A ban is a row that `SessionAuthorizer` reads (`access/authorization.py`), and an eviction that every gateway knows at
once. The user leaves the rooms, earlier grants count no more, and the video is told to end. All of it commits together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import Refused, forbidden, invalid, not_found
from gateway.protocol.names import user_id
from modules.accounts.facade import names_of, record, students_among
from modules.live.events import ViewerRemoved
from modules.live.messages import Done, Member
from modules.live.room.errors import is_host
from modules.live.room.hands.hands import Hands
from modules.live.room.lobby.lobby import Lobby
from modules.live.room.moderation.messages import (
    BAN_CHANGED,
    Action,
    Ban,
    BanChanged,
    Bans,
    Kick,
    Moderated,
    Promote,
    Scope,
    SetBan,
    Unban,
)
from modules.live.room.moderation.repository import BanRow, ModeratedSession, ModerationRepository
from modules.live.room.promotions.promotions import Promotions
from modules.live.room.repository import PartRepository
from modules.live.rooms import rooms_of, staff_room
from modules.live.settings import RoomSettings
from modules.programs.facade import Part, keep_out, let_in, parts_of

PART: Final = "bans"
# The codes of `left`.
KICKED: Final = "live.kicked"
BANNED: Final = "live.banned"


class Moderation:
    """The bans of each session. Whoever changes one locks the part first."""

    pushes = (BAN_CHANGED,)

    def __init__(
        self,
        kernel: Kernel,
        settings: RoomSettings,
        parts: PartRepository,
        hands: Hands,
        promotions: Promotions,
        lobby: Lobby,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._parts = parts
        self._hands = hands
        self._promotions = promotions
        self._lobby = lobby
        self._moderation = ModerationRepository(kernel.database)

    @command("live.kick", room="session", role="cohost", row_first=True)
    async def kick(self, context: Context, request: Kick) -> Done:
        """Raises what `_keep_out` raises."""
        until = clock.now() + timedelta(seconds=self._settings.kick_seconds)
        return await self._keep_out(context, request.user, "session", until, request.reason, "kick")

    @command("live.ban", room="session", role="cohost", row_first=True)
    async def ban(self, context: Context, request: SetBan) -> Done:
        """Only a host bans from the program. Raises what `_keep_out` raises, and BadInput `invalid`."""
        if request.scope == "program" and not context.at_least("host"):
            raise forbidden("only a host bans from the program")
        until = None
        if request.seconds is not None:
            if not 1 <= request.seconds <= self._settings.ban_longest:
                raise invalid(f"a ban lasts 1 to {self._settings.ban_longest:g} seconds", field="seconds")
            until = clock.now() + timedelta(seconds=request.seconds)
        return await self._keep_out(context, request.user, request.scope, until, request.reason, "ban")

    @command("live.unban", room="session", role="cohost", row_first=True)
    async def unban(self, context: Context, request: Unban) -> Done:
        """Raises BadInput `not_found` and `invalid`, Refused `forbidden`."""
        if request.scope == "program" and not context.at_least("host"):
            raise forbidden("only a host lifts a ban from the program")
        user = user_id(request.user)
        program = (await self._session(context.room_id)).program_id
        rev, closed = 0, set[str]()
        for session in await self._moderation.banned_in(context.room_id, request.scope, user, program):
            told = await self._parts.bump(session, PART)
            ban = await self._moderation.lift(session, request.scope, user)
            if ban is not None:
                closed.update(ban.sessions)
                changed = BanChanged(told, _ban(ban), force=False)
                await self._kernel.rooms.publish_row(staff_room(session), BAN_CHANGED, changed)
            rev = told if session == context.room_id else rev
        if not closed:
            raise not_found("this user is not banned so")
        if request.scope == "program":
            await let_in(self._kernel, user, program)
        await self._note(context, user, "unban", request.scope, "", None)
        # Where another ban holds, `SessionAuthorizer` still keeps the user out.
        for session in sorted(closed):
            for room in rooms_of(session):
                await self._kernel.rooms.readmit(room, user)
        return Done(rev)

    @command("live.promote", room="session", role="host", row_first=True)
    async def promote(self, context: Context, request: Promote) -> Done:
        """Raises BadInput `invalid` and `not_found`, Refused `forbidden`, and what `Promotions.make` raises."""
        session, user = context.room_id, user_id(request.user)
        row = await self._session(session)
        await self._check_target(context, user, row)
        rev = await self._parts.lock(session, PART)
        name = (await names_of(self._kernel.database, [user])).get(user)
        takes_part = row.visibility == "open" or await parts_of(self._kernel.database, [user], row.program_id)
        if name is None or not takes_part:
            raise not_found("this user takes no part in the session")
        if await self._promotions.make(session, user, request.role):
            await self._note(context, user, "promote", request.role, "", None)
            if request.role != "viewer":
                await self._lobby.let_in(session, user, name)
        return Done(rev)

    @snapshot_part("live.bans", room="staff")
    async def bans(self, context: Context) -> Bans:
        rev, rows = await self._moderation.bans(context.room_id)
        return Bans(rev, [_ban(row) for row in rows])

    async def audit(self, session: str) -> list[Moderated]:
        """The newest 500 acts in a session, the newest first; raises Unavailable."""
        return [
            Moderated(
                row.user_id,
                row.action,
                row.detail,
                row.reason,
                Member(row.by_id, row.by_name),
                row.until,
                row.at,
            )
            for row in await self._moderation.audit(session)
        ]

    async def _keep_out(
        self, context: Context, user: str, scope: Scope, until: datetime | None, reason: str, action: Action
    ) -> Done:
        """Raises BadInput `invalid` and `not_found`, Refused `forbidden` and Conflict `live.is_host`."""
        session = context.room_id
        if len(reason) > self._settings.reason_characters:
            raise invalid("this reason is too long", field="reason")
        row = await self._session(session)
        await self._check_target(context, user, row)
        if not await names_of(self._kernel.database, [user]):
            raise not_found("there is no such user")
        rev = await self._parts.bump(session, PART)
        sessions = [session]
        if scope == "program":
            sessions += [one for one in await self._moderation.opened_sessions(row.program_id) if one != session]
        ban = await self._moderation.ban(
            session, scope, user, row.program_id, reason, context.principal, until, sessions
        )
        if scope == "program":
            until_all = await self._moderation.program_ban_end(row.program_id, user)
            await keep_out(self._kernel, user, row.program_id, until_all)
        await self._note(context, user, action, scope, reason, until)
        for one in sorted(sessions):
            await self._promotions.forget(one, user)
            await self._lobby.remove(one, user)
            for room in rooms_of(one):
                await self._kernel.rooms.evict(room, user, KICKED if action == "kick" else BANNED, until=until)
            await self._kernel.events.publish(ViewerRemoved(one, user))
        await self._hands.lower(session, user, context)
        changed = BanChanged(rev, _ban(ban), force=True)
        await self._kernel.rooms.publish_row(staff_room(session), BAN_CHANGED, changed)
        return Done(rev)

    async def _check_target(self, context: Context, user: str, session: ModeratedSession) -> None:
        """Hosts moderate neither hosts nor themselves, and co-hosts no other co-host.

        Raises BadInput `invalid` for a bad id, Conflict `live.is_host` and Refused `forbidden`.
        """
        user_id(user)
        database = self._kernel.database
        named = user in (session.mentor_id, *session.co_mentors) and not await students_among(database, [user])
        if named or user == context.principal.id:
            raise is_host()
        if (await parts_of(database, [user], session.program_id)).get(user) is Part.MENTOR:
            raise is_host()
        if not context.at_least("host") and await self._promotions.role(context.room_id, user) == "cohost":
            raise _not_to_a_peer()

    async def _session(self, id: str) -> ModeratedSession:
        session = await self._moderation.session(id)
        if session is None:
            raise not_found("there is no such session")
        return session

    async def _note(
        self, context: Context, user: str, action: Action, detail: str, reason: str, until: datetime | None
    ) -> None:
        """Write the act into the session's audit, and without its reason into the platform's."""
        by = context.principal
        await self._moderation.note(context.room_id, user, action, detail, reason, by, until, clock.now())
        details = {"session": context.room_id, "what": detail, "until": until}
        await record(self._kernel.database, by, f"live.{action}", user, details)


def _ban(row: BanRow) -> Ban:
    until = None if row.until is None else clock.to_ms(row.until)
    return Ban(row.user_id, row.scope, Member(row.by_id, row.by_name), row.reason, until)


def _not_to_a_peer() -> Refused:
    return forbidden("only a host does this to a co-host")
