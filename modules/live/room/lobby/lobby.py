"""The lobby: with the option `lobby` viewers knock, and join the session's room when a host has admitted them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Delivery, Kernel, command, listener, snapshot_part
from gateway.errors import not_found
from modules.live.messages import Done, Member, Nothing
from modules.live.room.errors import lobby_full
from modules.live.room.lobby.messages import (
    ADMITTED,
    GUESTS_CHANGED,
    Admit,
    Admitted,
    Guest,
    GuestsChanged,
    WaitingGuests,
)
from modules.live.room.lobby.repository import GuestRepository, GuestRow
from modules.live.room.repository import PartRepository
from modules.live.rooms import lobby_room, session_room, staff_room
from modules.live.settings import RoomSettings
from modules.programs.events import PartLost
from modules.programs.facade import parts_of

PART: Final = "guests"


class Lobby:
    """The guests of each session. Whoever changes them locks the part first."""

    pushes = (GUESTS_CHANGED, ADMITTED)

    def __init__(self, kernel: Kernel, settings: RoomSettings, parts: PartRepository) -> None:
        self._kernel = kernel
        self._settings = settings
        self._parts = parts
        self._guests = GuestRepository(kernel.database)

    @command("live.knock", room="lobby", role="guest", rate="hand_rate", row_first=True)
    async def knock(self, context: Context, request: Nothing) -> Done:
        """A user who was admitted is told so again. Raises Conflict `live.lobby_full`."""
        session, user = context.room_id, context.principal
        rev = await self._parts.lock(session, PART)
        state = await self._guests.state_of(session, user.id)
        if state == "admitted":
            await self._kernel.rooms.publish_row(context.room, ADMITTED, Admitted(rev, [user.id]))
        if state is not None:
            return Done(rev)
        if await self._guests.count_waiting(session) >= self._settings.lobby_places:
            raise lobby_full()
        return Done(await self._tell(session, [await self._guests.knock(session, user.id, user.name, clock.now())]))

    @command("live.admit", room="session", role="cohost", row_first=True)
    async def admit(self, context: Context, request: Admit) -> Done:
        """Raises BadInput `not_found` for a user who does not wait."""
        await self._parts.lock(context.room_id, PART)
        rev = await self._admit(context.room_id, request.user)
        if rev is None:
            raise not_found("this user does not wait")
        return Done(rev)

    @command("live.admit_all", room="session", role="cohost", row_first=True)
    async def admit_all(self, context: Context, request: Nothing) -> Done:
        rev = await self._parts.lock(context.room_id, PART)
        return Done(await self._admit(context.room_id, None) or rev)

    @snapshot_part("live.guests", room="staff")
    async def guests(self, context: Context) -> WaitingGuests:
        rev, rows = await self._guests.waiting(context.room_id)
        return WaitingGuests(rev, _guests(rows))

    async def let_in(self, session: str, user: str, name: str) -> None:
        """Admit a user whom a host gives a role, in a transaction: they stay admitted when the role ends."""
        await self._parts.lock(session, PART)
        if await self._admit(session, user) is None:
            await self._guests.admit_present(session, user, name, clock.now())

    async def remove(self, session: str, user: str) -> None:
        """Forget a guest who is kept out, in a transaction: they knock again when they may come back."""
        await self._parts.lock(session, PART)
        row = await self._guests.remove(session, user)
        if row is not None and row.state == "waiting":
            await self._tell(session, [msgspec.structs.replace(row, state="removed")])

    @listener(PartLost, "live.leave_lobby")
    async def leave(self, lost: PartLost, delivery: Delivery) -> None:
        """A user who takes no part in the program is no guest of its sessions. An open session has other guests too."""
        if lost.user_id not in await parts_of(self._kernel.database, [lost.user_id], lost.program_id):
            for session in await self._guests.in_program(lost.user_id, lost.program_id):
                await self.remove(session, lost.user_id)

    async def on_option(self, session: str, on: bool) -> None:
        """The option `lobby` has changed. On: members who are in the room stay admitted, and so does who has a
        role there. Off: all are admitted."""
        await self._parts.lock(session, PART)
        if not on:
            await self._admit(session, None)
            return
        await self._guests.admit_promoted(session, clock.now())
        for person in await self._kernel.rooms.members(session_room(session)):
            await self._guests.admit_present(session, person.id, person.name, clock.now())

    async def _admit(self, session: str, user: str | None) -> int | None:
        rows = await self._guests.admit(session, user)
        if not rows:
            return None
        rev = await self._tell(session, rows)
        admitted = Admitted(rev, sorted(row.user_id for row in rows))
        await self._kernel.rooms.publish_row(lobby_room(session), ADMITTED, admitted)
        return rev

    async def _tell(self, session: str, rows: Sequence[GuestRow]) -> int:
        changed = GuestsChanged(await self._parts.bump(session, PART), _guests(rows))
        await self._kernel.rooms.publish_row(staff_room(session), GUESTS_CHANGED, changed)
        return changed.rev


def _guests(rows: Sequence[GuestRow]) -> list[Guest]:
    guests = [Guest(Member(row.user_id, row.name), row.state, clock.to_ms(row.knocked_at)) for row in rows]
    return sorted(guests, key=lambda guest: (guest.knocked_at, guest.user.id))
