"""The rows of what users chose: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, time
from typing import Final

import msgspec

from gateway.contract import Database

READERS: Final = "SELECT user_id, language, quiet_from, quiet_until, rev FROM notify_reader WHERE user_id = ANY($1)"
# The row that is there, or the one that is written: nobody else changes it until the transaction ends.
LOCK: Final = """
    INSERT INTO notify_reader AS known (user_id, rev) VALUES ($1, 0)
    ON CONFLICT (user_id) DO UPDATE SET rev = known.rev
    RETURNING user_id, language, quiet_from, quiet_until, rev
"""
WRITE: Final = """
    UPDATE notify_reader SET language = $2, quiet_from = $3, quiet_until = $4, rev = $5 WHERE user_id = $1
"""
CHOICES: Final = """
    SELECT user_id, name, channel, wanted FROM notify_preference
    WHERE user_id = ANY($1) AND ($2::text IS NULL OR channel = $2) AND ($3::text[] IS NULL OR name = ANY($3))
"""
CHOOSE: Final = """
    INSERT INTO notify_preference (user_id, name, channel, wanted) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, name, channel) DO UPDATE SET wanted = EXCLUDED.wanted
"""
UNCHOOSE: Final = "DELETE FROM notify_preference WHERE user_id = $1 AND name = $2 AND channel = $3"
MUTES: Final = """
    SELECT user_id, room, until FROM notify_mute
    WHERE user_id = ANY($1) AND ($2::text[] IS NULL OR room = ANY($2)) AND (until IS NULL OR until > $3)
    ORDER BY user_id, room
"""
MUTE: Final = """
    INSERT INTO notify_mute (user_id, room, until) VALUES ($1, $2, $3)
    ON CONFLICT (user_id, room) DO UPDATE SET until = EXCLUDED.until
"""
UNMUTE: Final = "DELETE FROM notify_mute WHERE user_id = $1 AND (room = $2 OR until <= $3)"


RELEASE: Final = """
    UPDATE notify_delivery SET due_at = now()
    WHERE user_id = $1 AND state = 'waiting' AND reason = $2 AND due_at > now()
"""


class ReaderRow(msgspec.Struct, frozen=True):
    """The quiet hours are wall times, both or none."""

    user_id: str
    language: str | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None
    rev: int = 0


class ChoiceRow(msgspec.Struct, frozen=True):
    user_id: str
    name: str
    channel: str
    wanted: bool


class MuteRow(msgspec.Struct, frozen=True):
    user_id: str
    room: str
    until: datetime | None


class PreferenceRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def readers(self, user_ids: Collection[str]) -> dict[str, ReaderRow]:
        """Those of these users who have chosen something."""
        rows = await self._database.fetch(READERS, list(user_ids))
        return {row["user_id"]: msgspec.convert(row, ReaderRow) for row in rows}

    async def lock(self, user_id: str) -> ReaderRow:
        """The user's row, written where there was none. Nobody else changes it until the transaction ends."""
        (row,) = await self._database.fetch(LOCK, user_id)
        return msgspec.convert(row, ReaderRow)

    async def write(self, changed: ReaderRow) -> None:
        await self._database.fetch(WRITE, *msgspec.structs.astuple(changed))

    async def release(self, user_id: str, reason: str) -> None:
        """What waits for this reason is due now."""
        await self._database.fetch(RELEASE, user_id, reason)

    async def choices(
        self, user_ids: Collection[str], *, channel: str | None = None, names: Collection[str] | None = None
    ) -> list[ChoiceRow]:
        """What these users chose, for all channels and names or for some."""
        asked = None if names is None else list(names)
        rows = await self._database.fetch(CHOICES, list(user_ids), channel, asked)
        return [msgspec.convert(row, ChoiceRow) for row in rows]

    async def choose(self, user_id: str, name: str, channel: str, wanted: bool | None) -> None:
        """None takes the choice back."""
        if wanted is None:
            await self._database.fetch(UNCHOOSE, user_id, name, channel)
        else:
            await self._database.fetch(CHOOSE, user_id, name, channel, wanted)

    async def mutes(
        self, user_ids: Collection[str], now: datetime, *, rooms: Collection[str] | None = None
    ) -> Sequence[MuteRow]:
        """The rooms that these users have muted now: all of them, or those of some."""
        asked = None if rooms is None else list(rooms)
        rows = await self._database.fetch(MUTES, list(user_ids), asked, now)
        return [msgspec.convert(row, MuteRow) for row in rows]

    async def mute(self, user_id: str, room: str, until: datetime | None) -> None:
        await self._database.fetch(MUTE, user_id, room, until)

    async def unmute(self, user_id: str, room: str, now: datetime) -> None:
        """Take it back, and with it what has ended by itself."""
        await self._database.fetch(UNMUTE, user_id, room, now)
