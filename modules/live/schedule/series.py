"""Series: sessions that are planned together, and changed or cancelled together while they wait.

Each occurrence is a session like any other from the start: it may be moved, changed or cancelled by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Conflict, forbidden, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Principal, Role
from modules.accounts.facade import record
from modules.live.messages import NewSession, SessionView, Video
from modules.live.schedule.messages import NewSeries, SeriesChange, SeriesView
from modules.live.schedule.recurrence import counted, occurrences
from modules.live.sessions.repository import COLUMNS
from modules.live.sessions.service import Sessions, check_co_mentors
from modules.live.settings import LiveSettings
from modules.live.states import SessionState, Step
from modules.live.tables import Series as SeriesRow
from modules.live.tables import Session
from modules.programs.facade import Part, part_of

READ: Final = """
    SELECT id, program_id, mentor_id, title, rule, timezone, rev, created_at, (
        SELECT count(*) FROM live_session WHERE series_id = live_series.id
    ) AS sessions
    FROM live_series WHERE id = {}
"""
WAITING: Final = f"""
    SELECT {COLUMNS} FROM live_session WHERE series_id = {{}} AND state = 'scheduled' AND starts_at > {{}}
    ORDER BY id FOR UPDATE
"""  # noqa: S608
# From the first that waits on, in their order; those that were cancelled, have begun or were moved keep their slot.
SLOTS: Final = f"""
    SELECT {COLUMNS}, slot_starts, slot_ends FROM live_session WHERE series_id = {{}} AND slot_starts >= (
        SELECT min(slot_starts) FROM live_session WHERE series_id = {{}} AND state = 'scheduled' AND starts_at > {{}}
    ) ORDER BY id FOR UPDATE
"""  # noqa: S608
PLACE: Final = "UPDATE live_session SET slot_starts = {}, slot_ends = {} WHERE id = {}"
LOCK: Final = " FOR UPDATE"
REWRITE: Final = "UPDATE live_series SET title = {}, rule = {}, timezone = {}, rev = {} WHERE id = {}"
TIMES: Final = ("starts_at", "ends_at", "rule", "timezone")
AS_NEW: Final = {
    "state": SessionState.SCHEDULED,
    "video": Video.OFF,
    "opened_at": None,
    "started_at": None,
    "ended_at": None,
    "rev": 1,
}


@dataclass(frozen=True)
class Slot:
    """When the series has one of its sessions, which may have been moved by itself."""

    session: SessionView
    starts: datetime
    ends: datetime

    @property
    def followed(self) -> bool:
        """Whether the session moves with it."""
        at = (self.session.starts_at, self.session.ends_at)
        return self.session.state is SessionState.SCHEDULED and at == (self.starts, self.ends)


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
        moments = await self._occurrences(new.rule, new.timezone, first.starts_at)
        length = first.ends_at - first.starts_at
        series = SeriesView(
            id=str(first.series_id),
            program_id=first.program_id,
            mentor_id=first.mentor_id,
            title=first.title,
            rule=new.rule,
            timezone=new.timezone,
            sessions=len(moments),
            rev=1,
            created_at=first.created_at,
        )
        async with self._kernel.database.transaction():
            columns = msgspec.structs.asdict(series)
            del columns["sessions"]
            await SeriesRow.insert(SeriesRow(**columns, created_by=principal.id))
            for moment in moments:
                session = msgspec.structs.replace(first, id=new_id(), starts_at=moment, ends_at=moment + length)
                await self._add(session)
        return series

    async def read(self, principal: Principal, id: str) -> SeriesView:
        """Raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        with self._kernel.database.guard():
            series = await self._found(id)
            if (
                principal.role is not Role.ADMIN
                and await part_of(self._kernel.database, principal.id, series.program_id) is None
            ):
                raise forbidden("this series is for those enrolled in its program")
        return series

    async def change(self, principal: Principal, id: str, change: SeriesChange, if_match: IfMatch) -> SeriesView:
        """Change every session of the series that waits; those that were changed by themselves too.

        With another time those that have the time of their slot are moved with it. The rule of before goes on for as
        many as there were; by one that is given anew the last may be cancelled, or others follow. Raises BadInput
        `not_found`, `invalid` and `precondition_failed`, Refused `forbidden`, Conflict `live.not_changeable` where no
        session waits that could be moved, and Unavailable.
        """
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        times: dict[str, Any] = {name: values.pop(name) for name in TIMES if name in values}
        check_co_mentors(values.get("co_mentors", ()))
        async with self._kernel.database.transaction():
            series = await self._taught(principal, id, LOCK)
            if_match.check(series.rev)
            self._sessions.check_recording(values.get("recording", False))
            told = {name: values[name] for name in values.keys() & {"title"}}
            told |= {name: times[name] for name in times.keys() & {"rule", "timezone"}}
            series = msgspec.structs.replace(series, **told, rev=series.rev + 1)
            await SeriesRow.raw(REWRITE, series.title, series.rule, series.timezone, series.rev, id)
            done = await self._move(principal, series, times, values) if times else set()
            for session in await self._waiting(id):
                if values and session.id not in done:
                    await self._sessions.rewrite(principal, session, values)
            return await self._found(id)

    async def _move(
        self, principal: Principal, series: SeriesView, times: dict[str, Any], values: dict[str, Any]
    ) -> set[str]:
        """Put the slots that are to come where the series has them now; the sessions that were changed with that."""
        found = [
            Slot(msgspec.convert(row, SessionView), row["slot_starts"], row["slot_ends"])
            for row in await Session.raw(SLOTS, series.id, series.id, clock.now())
        ]
        slots = sorted(found, key=lambda slot: slot.starts)
        if not slots:
            raise Conflict("no session of this series is still to come", code="live.not_changeable")
        starts_at: datetime = times.get("starts_at", slots[0].starts).astimezone(UTC)
        rule = series.rule if "rule" in times else counted(series.rule, len(slots))
        moments = await self._occurrences(rule, series.timezone, starts_at)
        length = times["ends_at"] - starts_at if "ends_at" in times else slots[0].ends - slots[0].starts
        done = set[str]()
        for slot, moment in zip(slots, moments, strict=False):
            if slot.followed:
                times_now = {"starts_at": moment, "ends_at": moment + length}
                await self._sessions.rewrite(principal, slot.session, values | times_now)
                done.add(slot.session.id)
            await Session.raw(PLACE, moment, moment + length, slot.session.id)
        for slot in slots[len(moments) :]:
            await Session.raw(PLACE, None, None, slot.session.id)
            if slot.followed:
                await self._sessions.take(slot.session, Step.CANCEL)
                done.add(slot.session.id)
        for moment in moments[len(slots) :]:
            model = msgspec.structs.asdict(slots[-1].session) | AS_NEW | {"title": series.title, **values}
            model |= {"id": new_id(), "created_at": clock.now(), "starts_at": moment, "ends_at": moment + length}
            await self._add(msgspec.convert(model, SessionView))
            done.add(model["id"])
        return done

    async def cancel(self, principal: Principal, id: str) -> SeriesView:
        """Cancel every session of the series that waits; again, it changes nothing."""
        async with self._kernel.database.transaction():
            series = await self._taught(principal, id)
            for session in await self._waiting(id):
                await self._sessions.take(session, Step.CANCEL)
            if principal.id != series.mentor_id:
                await record(self._kernel.database, principal, "live.cancel_series", id)
        return series

    async def _add(self, session: SessionView) -> None:
        await self._sessions.add(session)
        await Session.raw(PLACE, session.starts_at, session.ends_at, session.id)

    async def _occurrences(self, rule: str, timezone: str, starts_at: datetime) -> list[datetime]:
        """Raises BadInput `invalid`."""
        horizon = clock.now() + timedelta(seconds=self._settings.ahead)
        # Time zones are files.
        return await asyncio.to_thread(
            occurrences, rule, timezone, starts_at, most=self._settings.series_most, horizon=horizon
        )

    async def _waiting(self, id: str) -> list[SessionView]:
        rows: list[dict[str, Any]] = await Session.raw(WAITING, id, clock.now())
        return [msgspec.convert(row, SessionView) for row in rows]

    async def _taught(self, principal: Principal, id: str, lock: str = "") -> SeriesView:
        series = await self._found(id, lock)
        if principal.role is Role.ADMIN or principal.id == series.mentor_id:
            return series
        if await part_of(self._kernel.database, principal.id, series.program_id) is not Part.MENTOR:
            raise forbidden("only its mentors do this to a series")
        return series

    async def _found(self, id: str, lock: str = "") -> SeriesView:
        for row in await SeriesRow.raw(READ + lock, id):
            return msgspec.convert(row, SeriesView)
        raise not_found("there is no such series")
