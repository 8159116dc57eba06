"""Mutes: a host takes a user's voice in a session away, for a time or until it is given back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Kernel
from gateway.errors import forbidden, invalid
from gateway.principal import Role
from gateway.protocol.names import user_id
from modules.accounts.facade import record
from modules.chat.messages import Mute, Revised, Unmute
from modules.chat.policy import HOST
from modules.chat.pushes import MUTED, MuteState
from modules.live.facade import roles_in

# What is taken away. Who is muted may still take their own words back, and report what others say.
VOICE: Final = ("chat.send", "chat.edit", "chat.react", "typing")
READ: Final = """
    SELECT user_id AS user, muted, until, reason, by, at, rev FROM chat_mute WHERE session_id = $1 AND user_id = $2
    FOR UPDATE
"""
WRITE: Final = """
    INSERT INTO chat_mute (session_id, user_id, muted, until, reason, by, at, rev)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
    ON CONFLICT (session_id, user_id)
    DO UPDATE SET muted = $3, until = $4, reason = $5, by = $6, at = $7, rev = chat_mute.rev + 1
    RETURNING user_id AS user, muted, until, reason, by, at, rev
"""
IN_FORCE: Final = """
    SELECT user_id AS user, muted, until, reason, by, at, rev FROM chat_mute
    WHERE session_id = $1 AND muted AND (until IS NULL OR until > now()) ORDER BY at, user_id
"""


class MuteList(msgspec.Struct, frozen=True):
    """Those in force, the oldest first; a part of the staff room's snapshot."""

    mutes: tuple[MuteState, ...]


class Mutes:
    """The row, the kernel's restriction and the push to the staff room commit together."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def mute(self, context: Context, request: Mute) -> Revised:
        """Mute a user from now on, in the caller's transaction; once more sets the end anew.

        Raises BadInput `invalid`, Refused `forbidden` for a host, or Unavailable.
        """
        user = user_id(request.user)
        if user == context.principal.id:
            raise invalid("you cannot mute yourself", field="user")
        if await self._hosts(context, user):
            raise forbidden("a host cannot be muted")
        now = clock.now()
        until = None if request.seconds is None else now + timedelta(seconds=request.seconds)
        await context.rooms.restrict(context.room, user, VOICE, until, name=MUTED)
        return await self._write(context, user, True, until, request.reason, now)

    async def unmute(self, context: Context, request: Unmute) -> Revised:
        """Give a user's voice back; who is not muted stays so. Raises BadInput `invalid` or Unavailable."""
        user = user_id(request.user)
        rows = await self._kernel.database.fetch(READ, context.room_id, user)
        if not rows or not rows[0]["muted"]:
            return Revised(rows[0]["rev"] if rows else 0)
        await context.rooms.lift(context.room, user, name=MUTED)
        return await self._write(context, user, False, None, "", clock.now())

    async def read(self, context: Context) -> MuteList:
        """Who is muted in the session of a staff room; raises Unavailable."""
        rows = await self._kernel.database.fetch(IN_FORCE, context.room_id)
        return MuteList(tuple(msgspec.convert(dict(row), MuteState) for row in rows))

    async def _write(
        self, context: Context, user: str, muted: bool, until: datetime | None, reason: str, now: datetime
    ) -> Revised:
        (row,) = await self._kernel.database.fetch(
            WRITE, context.room_id, user, muted, until, reason, context.principal.id, now
        )
        state = msgspec.convert(dict(row), MuteState)
        await self._kernel.rooms.publish_row(f"staff:{context.room_id}", MUTED, state)
        details = (
            {"session": context.room_id, "until": until, "reason": reason} if muted else {"session": context.room_id}
        )
        await record(self._kernel.database, context.principal, "chat.mute" if muted else "chat.unmute", user, details)
        return Revised(state.rev)

    async def _hosts(self, context: Context, user: str) -> bool:
        with self._kernel.database.guard():
            role = (await roles_in(self._kernel.database, context.room_id, [user])).get(user)
        if role is not None and context.roles.index(role) >= context.roles.index(HOST):
            return True
        # Admins are hosts wherever they are.
        here = await context.rooms.members(context.room)
        return any(person.id == user and person.role == Role.ADMIN for person in here)
