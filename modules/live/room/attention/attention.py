"""Attention: clients say when their page is hidden, for hosts who turned the option `attention` on."""

from __future__ import annotations

from typing import Final

from gateway.contract import Context, Kernel, command, snapshot_part
from modules.live.messages import Done, Member
from modules.live.room.attention.messages import AWAY_CHANGED, AwayChanged, AwayMembers, SetAway
from modules.live.room.attention.repository import AwayRepository
from modules.live.room.errors import attention_off
from modules.live.room.options.repository import OptionRepository
from modules.live.room.repository import PartRepository
from modules.live.rooms import staff_room

PART: Final = "away"


class Attention:
    """Who is away in each session. Whoever changes it locks the part first."""

    pushes = (AWAY_CHANGED,)

    def __init__(self, kernel: Kernel, parts: PartRepository, options: OptionRepository) -> None:
        self._kernel = kernel
        self._parts = parts
        self._options = options
        self._away = AwayRepository(kernel.database)

    @command("live.away", room="session", role="viewer", rate="away_rate", row_first=True)
    async def set_away(self, context: Context, request: SetAway) -> Done:
        """Raises Conflict `live.attention_off` when the hosts have not turned the option on."""
        session, user = context.room_id, context.principal
        # Before the options: whoever turns the option off holds those, and then waits for this part.
        rev = await self._parts.lock(session, PART)
        if not (await self._options.of(session)).attention:
            raise attention_off()
        if request.away:
            changed = await self._away.leave(session, user.id, user.name)
        else:
            changed = await self._away.come_back(session, user.id)
        if not changed:
            return Done(rev)
        told = AwayChanged(await self._parts.bump(session, PART), request.away, Member.of(user))
        await self._tell(session, told)
        return Done(told.rev)

    @snapshot_part("live.away", room="staff")
    async def away(self, context: Context) -> AwayMembers:
        rev, rows = await self._away.away(context.room_id)
        return AwayMembers(rev, [Member(row.user_id, row.name) for row in rows])

    async def on_option(self, session: str, on: bool) -> None:
        """The option `attention` has changed. Off: who is away is forgotten."""
        if on:
            return
        await self._away.forget(session)
        await self._tell(session, AwayChanged(await self._parts.bump(session, PART), away=False))

    async def _tell(self, session: str, changed: AwayChanged) -> None:
        await self._kernel.rooms.publish_row(staff_room(session), AWAY_CHANGED, changed)
