"""Series: sessions that are planned together, and changed or cancelled together while they wait.

Each occurrence is a session like any other from the start: it may be moved, changed or cancelled by itself.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

import msgspec

from gateway.errors import forbidden, not_found
from gateway.identifier import new_id
from gateway.module import Kernel
from gateway.principal import Principal, Role
from modules.accounts.facade import record
from modules.live.messages import NewSeries, NewSession, SeriesChange, SeriesView, SessionView
from modules.live.recurrence import occurrences
from modules.live.sessions import COLUMNS, Sessions, check_co_mentors, clock, note_co_mentors
from modules.live.settings import LiveSettings
from modules.live.states import Step
from modules.live.tables import Series as SeriesRow
from modules.live.tables import Session
from modules.programs.facade import Part, part_of

READ: Final = """
    SELECT id, program_id, mentor_id, title, rule, timezone, created_at, (
        SELECT count(*) FROM live_session WHERE series_id = live_series.id
    ) AS sessions
    FROM live_series WHERE id = {}
"""
WAITING: Final = f"""
    SELECT {COLUMNS} FROM live_session WHERE series_id = {{}} AND state = 'scheduled' AND starts_at > {{}}
    ORDER BY id FOR UPDATE
"""  # noqa: S608


class Series:
    """The series there are."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions) -> None:
        self._kernel = kernel
        self._settings = settings
        self._sessions = sessions

    async def create(self, principal: Principal, new: NewSeries) -> SeriesView:
        """Schedule every session of a series at once. Raises what scheduling one raises."""
        values = {name: getattr(new, name) for name in NewSession.__struct_fields__}
        first = await self._sessions.planned(principal, NewSession(**values), series_id=new_id())
        horizon = clock() + timedelta(seconds=self._settings.ahead)
        # Time zones are files.
        moments = await asyncio.to_thread(
            occurrences, new.rule, new.timezone, first.starts_at, most=self._settings.series_most, horizon=horizon
        )
        length = first.ends_at - first.starts_at
        series = SeriesView(
            id=str(first.series_id),
            program_id=first.program_id,
            mentor_id=first.mentor_id,
            title=first.title,
            rule=new.rule,
            timezone=new.timezone,
            sessions=len(moments),
            created_at=first.created_at,
        )
        async with self._kernel.database.transaction():
            columns = msgspec.structs.asdict(series)
            del columns["sessions"]
            await SeriesRow.insert(SeriesRow(**columns, created_by=principal.id))
            for moment in moments:
                session = msgspec.structs.replace(first, id=new_id(), starts_at=moment, ends_at=moment + length)
                await self._sessions.add(session)
        return series

    async def read(self, principal: Principal, id: str) -> SeriesView:
        """Raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        with self._kernel.database.guard():
            series = await self._found(id)
            if principal.role is not Role.ADMIN and await part_of(principal.id, series.program_id) is None:
                raise forbidden("this series is for those enrolled in its program")
        return series

    async def change(self, principal: Principal, id: str, change: SeriesChange) -> SeriesView:
        """Change every session of the series that waits; those that were changed by themselves too."""
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        check_co_mentors(values.get("co_mentors", ()))
        async with self._kernel.database.transaction():
            series = await self._taught(principal, id)
            self._sessions.check_recording(values.get("recording", False))
            if "title" in values:
                await SeriesRow.update({SeriesRow.title: values["title"]}).where(SeriesRow.id == id)
                series = msgspec.structs.replace(series, title=values["title"])
            for session in await self._waiting(id):
                await note_co_mentors(principal, session.id, session.co_mentors, values)
                await self._sessions.write(session, dict(values))
        return series

    async def cancel(self, principal: Principal, id: str) -> SeriesView:
        """Cancel every session of the series that waits; again, it changes nothing."""
        async with self._kernel.database.transaction():
            series = await self._taught(principal, id)
            for session in await self._waiting(id):
                await self._sessions.take(session, Step.CANCEL)
            if principal.id != series.mentor_id:
                await record(principal, "live.cancel_series", id)
        return series

    async def _waiting(self, id: str) -> list[SessionView]:
        rows: list[dict[str, Any]] = await Session.raw(WAITING, id, clock())
        return [msgspec.convert(row, SessionView) for row in rows]

    async def _taught(self, principal: Principal, id: str) -> SeriesView:
        series = await self._found(id)
        if principal.role is Role.ADMIN or principal.id == series.mentor_id:
            return series
        if await part_of(principal.id, series.program_id) is not Part.MENTOR:
            raise forbidden("only its mentors do this to a series")
        return series

    async def _found(self, id: str) -> SeriesView:
        for row in await SeriesRow.raw(READ, id):
            return msgspec.convert(row, SeriesView)
        raise not_found("there is no such series")
