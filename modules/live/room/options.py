"""What a session's hosts may choose for its room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from gateway.contract import Command, Context, SnapshotPart
from modules.accounts.facade import record
from modules.live.messages import Done
from modules.live.room.parts import RoomParts

PART: Final = "options"
OPTIONS: Final = "live.options"

READ: Final = """
    SELECT part.rev, option.anonymous_questions, option.attention, option.lobby
    FROM live_part AS part JOIN live_option AS option ON option.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = 'options'
"""
WRITE: Final = """
    INSERT INTO live_option (session_id, anonymous_questions, attention, lobby) VALUES ($1, $2, $3, $4)
    ON CONFLICT (session_id) DO UPDATE SET anonymous_questions = $2, attention = $3, lobby = $4
"""


class Configure(msgspec.Struct, frozen=True):
    """`live.configure`: what is left out stays as it is."""

    anonymous_questions: bool | None = None
    attention: bool | None = None
    lobby: bool | None = None


class RoomOptions(msgspec.Struct, frozen=True):
    """The push `live.options` and the snapshot part of that name."""

    rev: int
    anonymous_questions: bool
    # Whether hosts see who has turned to another window.
    attention: bool = False
    # Whether viewers wait to be admitted.
    lobby: bool = False


class ChosenOptions:
    """What was chosen for each session."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts

    async def of(self, session: str) -> RoomOptions:
        """Raises Unavailable."""
        for row in await self._parts.fetch(READ, session):
            return RoomOptions(row["rev"], row["anonymous_questions"], row["attention"], row["lobby"])
        return RoomOptions(0, self._parts.settings.anonymous_questions)


# Called in the transaction with the session and whether the option is on now.
Follow = Callable[[str, bool], Awaitable[None]]


class Options:
    """The choices of each session. `followed` says by an option's name what else has to happen when it changes."""

    def __init__(self, parts: RoomParts, chosen: ChosenOptions, followed: Mapping[str, Follow]) -> None:
        self._parts = parts
        self._chosen = chosen
        self._followed = followed
        self.commands = (
            Command(
                name="live.configure",
                rooms="session",
                role="cohost",
                request=Configure,
                handler=self._configure,
                row_first=True,
            ),
        )
        self.snapshots = (SnapshotPart(name=OPTIONS, rooms="session", read=self._read, shared=True),)

    async def _configure(self, context: Context, request: Configure) -> Done:
        session = context.room_id
        rev = await self._parts.bump(session, PART)
        before = await self._chosen.of(session)
        said = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        options = msgspec.structs.replace(before, **said, rev=rev)
        await self._parts.fetch(WRITE, session, options.anonymous_questions, options.attention, options.lobby)
        for name, follow in self._followed.items():
            if getattr(options, name) != getattr(before, name):
                await follow(session, getattr(options, name))
        await record(self._parts.kernel.database, context.principal, "live.configure", session, said)
        await context.publish_row(OPTIONS, options)
        return Done(rev)

    async def _read(self, context: Context) -> RoomOptions:
        return await self._chosen.of(context.room_id)
