"""Mutes: a moderator takes a user's voice in a room away, for a time or until somebody lifts the mute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import forbidden, invalid
from gateway.principal import Principal, Role
from gateway.protocol.names import user_id
from modules.accounts.facade import record
from modules.chat.messages import Mute, Revised, Unmute
from modules.chat.pushes import MUTED, MuteList, MuteState
from modules.chat.repository import MuteRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import MODERATORS, named, rules_of
from modules.live.facade import session_room

# What is taken away. A muted user may still delete their own messages, and report those of others.
COMMANDS: Final = ("chat.send", "chat.edit", "chat.react", "typing")
# The restriction's name, which is also the error's code.
RESTRICTION: Final = "chat.muted"


class Mutes:
    """The row, the kernel's restriction and the pushes to those who moderate commit together."""

    pushes = (MUTED,)

    def __init__(self, kernel: Kernel, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._rows = MuteRepository(kernel.database)

    @command("chat.mute", room=MODERATORS, rate="host_rate", row_first=True)
    async def mute(self, context: Context, request: Mute) -> Revised:
        """Mute a user from now on, in the caller's transaction; muting again sets the end anew.

        Raises BadInput `invalid`, Refused `forbidden` for one who moderates, or Unavailable.
        """
        user = user_id(request.user)
        if user == context.principal.id:
            raise invalid("you cannot mute yourself", field="user")
        if await self._moderates(context, user):
            raise forbidden("a host cannot be muted")
        now = clock.now()
        until = None if request.seconds is None else now + timedelta(seconds=request.seconds)
        await context.rooms.restrict(context.room, user, COMMANDS, until, name=RESTRICTION)
        state = await self._write(context, user, True, until, request.reason, now)
        details = {**named(context.room), "until": until, "reason": request.reason}
        await record(self._kernel.database, context.principal, "chat.mute", user, details)
        return Revised(state.rev)

    @command("chat.unmute", room=MODERATORS, rate="host_rate", row_first=True)
    async def unmute(self, context: Context, request: Unmute) -> Revised:
        """Lift a user's mute, in the caller's transaction; one who is not muted stays so.

        Raises BadInput `invalid` or Unavailable.
        """
        user = user_id(request.user)
        before = await self._rows.lock(context.room, user)
        if before is None or not before.muted:
            return Revised(before.rev if before is not None else 0)
        await context.rooms.lift(context.room, user, name=RESTRICTION)
        state = await self._write(context, user, False, None, "", clock.now())
        await record(self._kernel.database, context.principal, "chat.unmute", user, named(context.room))
        return Revised(state.rev)

    @snapshot_part("chat.mutes", room="staff")
    async def in_force(self, context: Context) -> MuteList:
        """Who is muted in the session of a staff room; raises Unavailable."""
        return MuteList(await self._rows.in_force(session_room(context.room_id)))

    async def of_room(self, principal: Principal, room: str) -> MuteList:
        """Who is muted in a room; raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        if not await self._rooms.moderates(principal, room):
            raise forbidden("mutes are for those who moderate the room")
        return MuteList(await self._rows.in_force(room))

    async def _write(
        self, context: Context, user: str, muted: bool, until: datetime | None, reason: str, now: datetime
    ) -> MuteState:
        state = await self._rows.write(
            context.room, user, muted=muted, until=until, reason=reason, by=context.principal.id, at=now
        )
        for room in await self._rooms.staff_rooms(context.room):
            await self._kernel.rooms.publish_row(room, MUTED, state)
        return state

    async def _moderates(self, context: Context, user: str) -> bool:
        role = (await self._rooms.roles(context.room, [user])).get(user)
        if role is not None and rules_of(context.room).moderates(role):
            return True
        # Admins moderate every room, and no row says so.
        here = await context.rooms.members(context.room)
        return any(person.id == user and person.role == Role.ADMIN for person in here)
