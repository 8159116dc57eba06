"""The options of a room: hosts choose them, and other parts of the room are told when one changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from gateway.contract import Context, Kernel, command, snapshot_part
from modules.accounts.facade import record
from modules.live.messages import Done
from modules.live.room.options.messages import OPTIONS, Configure, RoomOptions
from modules.live.room.options.repository import OptionRepository
from modules.live.room.repository import PartRepository

PART: Final = "options"

# Called in the transaction that changes an option, with the session and whether the option is on now.
OnChange = Callable[[str, bool], Awaitable[None]]


class Options:
    """The options of each session. `on_change` has, by an option's name, what else happens when it changes."""

    pushes = (OPTIONS,)

    def __init__(
        self, kernel: Kernel, parts: PartRepository, options: OptionRepository, on_change: Mapping[str, OnChange]
    ) -> None:
        self._kernel = kernel
        self._parts = parts
        self._options = options
        self._on_change = on_change

    @command("live.configure", room="session", role="cohost", row_first=True)
    async def configure(self, context: Context, request: Configure) -> Done:
        session = context.room_id
        rev = await self._parts.bump(session, PART)
        before = await self._options.of(session)
        chosen = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        options = msgspec.structs.replace(before, **chosen, rev=rev)
        await self._options.choose(session, options)
        for name, changed in self._on_change.items():
            if getattr(options, name) != getattr(before, name):
                await changed(session, getattr(options, name))
        await record(self._kernel.database, context.principal, "live.configure", session, chosen)
        await context.publish_row(OPTIONS, options)
        return Done(rev)

    @snapshot_part("live.options", room="session", shared=True)
    async def options(self, context: Context) -> RoomOptions:
        return await self._options.of(context.room_id)
