"""The rows of series and of calendar feeds: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.messages import SessionView
from modules.live.schedule.messages import SeriesView
from modules.live.sessions.repository import COLUMNS

SERIES_BY_ID: Final = """
    SELECT id, program_id, mentor_id, title, rule, timezone, rev, created_at, (
        SELECT count(*) FROM live_session WHERE series_id = live_series.id
    ) AS sessions
    FROM live_series WHERE id = $1
"""
INSERT_SERIES: Final = """
    INSERT INTO live_series (id, program_id, mentor_id, title, rule, timezone, rev, created_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
UPDATE_SERIES: Final = "UPDATE live_series SET title = $2, rule = $3, timezone = $4, rev = $5 WHERE id = $1"
LOCK_NOT_BEGUN: Final = f"""
    SELECT {COLUMNS} FROM live_session WHERE series_id = $1 AND state IN ('scheduled', 'lobby')
    AND ($2::timestamptz IS NULL OR starts_at > $2) ORDER BY id FOR UPDATE
"""  # noqa: S608
# From the slot of the first session that is still to come. A session that was cancelled, has begun or was moved by
# itself keeps its slot.
LOCK_SLOTS: Final = f"""
    SELECT {COLUMNS}, slot_starts, slot_ends FROM live_session WHERE series_id = $1 AND slot_starts >= (
        SELECT min(slot_starts) FROM live_session
        WHERE series_id = $1 AND state IN ('scheduled', 'lobby') AND starts_at > $2
    ) ORDER BY id FOR UPDATE
"""  # noqa: S608
SET_SLOT: Final = "UPDATE live_session SET slot_starts = $2, slot_ends = $3 WHERE id = $1"

UPSERT_CALENDAR: Final = """
    INSERT INTO live_calendar (user_id, secret_hash, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET secret_hash = EXCLUDED.secret_hash, created_at = EXCLUDED.created_at
"""
OWNER: Final = "SELECT user_id FROM live_calendar WHERE secret_hash = $1"
DELETE_CALENDAR: Final = "DELETE FROM live_calendar WHERE user_id = $1"
SESSIONS_OF_USER: Final = f"""
    SELECT {COLUMNS} FROM live_session
    WHERE (program_id = ANY($2) OR mentor_id = $1 OR co_mentors @> ARRAY[$1]::text[])
    AND ends_at > $3 AND starts_at < $4 ORDER BY starts_at, id LIMIT $5
"""  # noqa: S608


class Slot(msgspec.Struct, frozen=True):
    """A time that the series has for one of its sessions. The session itself may have been moved elsewhere."""

    session: SessionView
    starts: datetime
    ends: datetime

    @property
    def followed(self) -> bool:
        """Whether the session moves with its slot: it has not begun, and is at the slot's time."""
        at = (self.session.starts_at, self.session.ends_at)
        return not self.session.state.begun and at == (self.starts, self.ends)


class SeriesRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: str) -> SeriesView | None:
        return await self._first(SERIES_BY_ID, id)

    async def lock(self, id: str) -> SeriesView | None:
        """The series, whose row nobody else changes until the transaction ends."""
        return await self._first(f"{SERIES_BY_ID} FOR UPDATE", id)

    async def insert(self, series: SeriesView, *, created_by: str) -> None:
        await self._database.fetch(
            INSERT_SERIES,
            series.id,
            series.program_id,
            series.mentor_id,
            series.title,
            series.rule,
            series.timezone,
            series.rev,
            series.created_at,
            created_by,
        )

    async def update(self, series: SeriesView) -> None:
        """Write the title, the rule, the time zone and the `rev`."""
        await self._database.fetch(UPDATE_SERIES, series.id, series.title, series.rule, series.timezone, series.rev)

    async def lock_not_begun(self, series: str, after: datetime | None = None) -> list[SessionView]:
        """The sessions of the series that have not begun, or those of them that are planned for later than `after`.

        They are locked in the order of their ids.
        """
        rows = await self._database.fetch(LOCK_NOT_BEGUN, series, after)
        return [msgspec.convert(row, SessionView) for row in rows]

    async def lock_slots(self, series: str, now: datetime) -> list[Slot]:
        """The slots from the first session on that is still to come. Locks their sessions in the order of their ids."""
        rows = await self._database.fetch(LOCK_SLOTS, series, now)
        return [Slot(msgspec.convert(row, SessionView), row["slot_starts"], row["slot_ends"]) for row in rows]

    async def set_slot(self, session: str, starts: datetime, ends: datetime) -> None:
        await self._database.fetch(SET_SLOT, session, starts, ends)

    async def clear_slot(self, session: str) -> None:
        """The series has no time for this session any more."""
        await self._database.fetch(SET_SLOT, session, None, None)

    async def _first(self, statement: str, id: str) -> SeriesView | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(row, SeriesView)
        return None


class CalendarRepository:
    """The secrets of calendar feeds, as hashes, and the sessions that a feed shows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_secret(self, user: str, secret_hash: str, now: datetime) -> None:
        """Give the user this secret; one that they had before is gone."""
        await self._database.fetch(UPSERT_CALENDAR, user, secret_hash, now)

    async def owner(self, secret_hash: str) -> str | None:
        """The id of the user who has this secret."""
        for row in await self._database.fetch(OWNER, secret_hash):
            user: str = row["user_id"]
            return user
        return None

    async def delete(self, user: str) -> None:
        await self._database.fetch(DELETE_CALENDAR, user)

    async def sessions(
        self, teacher: str | None, programs: Sequence[str], *, ends_after: datetime, starts_before: datetime, most: int
    ) -> list[SessionView]:
        """The sessions that the `teacher` teaches, and those of these programs, by their beginning."""
        rows = await self._database.fetch(SESSIONS_OF_USER, teacher, list(programs), ends_after, starts_before, most)
        return [msgspec.convert(row, SessionView) for row in rows]
