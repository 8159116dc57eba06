"""Mutes: a host takes a user's voice in a session away, for a time or until somebody lifts the mute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import forbidden, invalid
from gateway.principal import Role
from gateway.protocol.names import user_id
from modules.accounts.facade import record
from modules.chat.messages import Mute, Revised, Unmute
from modules.chat.pushes import MUTED, MuteList, MuteState
from modules.chat.repository import MuteRepository
from modules.chat.roles import COHOST
from modules.live.facade import roles_in, staff_room

# What is taken away. A muted user may still delete their own messages, and report those of others.
COMMANDS: Final = ("chat.send", "chat.edit", "chat.react", "typing")
# The restriction's name, which is also the error's code.
RESTRICTION: Final = "chat.muted"


class Mutes:
    """The row, the kernel's restriction and the push to the staff room commit together."""

    pushes = (MUTED,)

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._rows = MuteRepository(kernel.database)

    @command("chat.mute", room="session", role=COHOST, rate="host_rate", row_first=True)
    async def mute(self, context: Context, request: Mute) -> Revised:
        """Mute a user from now on, in the caller's transaction; muting again sets the end anew.

        Raises BadInput `invalid`, Refused `forbidden` for a host, or Unavailable.
        """
        user = user_id(request.user)
        if user == context.principal.id:
            raise invalid("you cannot mute yourself", field="user")
        if await self._is_host(context, user):
            raise forbidden("a host cannot be muted")
        now = clock.now()
        until = None if request.seconds is None else now + timedelta(seconds=request.seconds)
        await context.rooms.restrict(context.room, user, COMMANDS, until, name=RESTRICTION)
        state = await self._write(context, user, True, until, request.reason, now)
        details = {"session": context.room_id, "until": until, "reason": request.reason}
        await record(self._kernel.database, context.principal, "chat.mute", user, details)
        return Revised(state.rev)

    @command("chat.unmute", room="session", role=COHOST, rate="host_rate", row_first=True)
    async def unmute(self, context: Context, request: Unmute) -> Revised:
        """Lift a user's mute, in the caller's transaction; one who is not muted stays so.

        Raises BadInput `invalid` or Unavailable.
        """
        user = user_id(request.user)
        before = await self._rows.lock(context.room_id, user)
        if before is None or not before.muted:
            return Revised(before.rev if before is not None else 0)
        await context.rooms.lift(context.room, user, name=RESTRICTION)
        state = await self._write(context, user, False, None, "", clock.now())
        await record(self._kernel.database, context.principal, "chat.unmute", user, {"session": context.room_id})
        return Revised(state.rev)

    @snapshot_part("chat.mutes", room="staff")
    async def in_force(self, context: Context) -> MuteList:
        """Who is muted in the session of a staff room; raises Unavailable."""
        return MuteList(await self._rows.in_force(context.room_id))

    async def _write(
        self, context: Context, user: str, muted: bool, until: datetime | None, reason: str, now: datetime
    ) -> MuteState:
        state = await self._rows.write(
            context.room_id, user, muted=muted, until=until, reason=reason, by=context.principal.id, at=now
        )
        await self._kernel.rooms.publish_row(staff_room(context.room_id), MUTED, state)
        return state

    async def _is_host(self, context: Context, user: str) -> bool:
        role = (await roles_in(self._kernel.database, context.room_id, [user])).get(user)
        if role is not None and context.roles.index(role) >= context.roles.index(COHOST):
            return True
        # Admins are hosts of every session, and no row says so.
        here = await context.rooms.members(context.room)
        return any(person.id == user and person.role == Role.ADMIN for person in here)
