"""Series: sessions that are planned together. They are changed or cancelled together until they begin.

Each occurrence is a session like any other from the start: a host may move, change or cancel it by itself.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Conflict, forbidden, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal, Role
from modules.accounts.facade import check_known, record
from modules.live.messages import NewSession, SessionView, Video
from modules.live.schedule.messages import NewSeries, SeriesChange, SeriesView
from modules.live.schedule.recurrence import counted, occurrences
from modules.live.schedule.repository import SeriesRepository
from modules.live.sessions.service import Sessions, check_co_mentors
from modules.live.settings import LiveSettings
from modules.live.states import SessionState, Step
from modules.programs.facade import Part, part_of

# A change of these moves sessions.
TIMES: Final = ("starts_at", "ends_at", "rule", "timezone")
AS_NEW: Final = {
    "state": SessionState.SCHEDULED,
    "video": Video.OFF,
    "opened_at": None,
    "started_at": None,
    "ended_at": None,
    "rev": 1,
}


class Series:
    """Creates, changes and cancels series of sessions."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self._rows = SeriesRepository(kernel.database)
        self._settings = settings
        self._sessions = sessions

    async def create(self, principal: Principal, new: NewSeries) -> SeriesView:
        """Schedule every session of a series at once. Raises what scheduling one raises."""
        values = {name: getattr(new, name) for name in NewSession.__struct_fields__}
        first = await self._sessions.prepare(principal, NewSession(**values), series_id=new_id())
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
        async with self._database.transaction():
            await self._rows.insert(series, created_by=principal.id)
            for moment in moments:
                session = msgspec.structs.replace(first, id=new_id(), starts_at=moment, ends_at=moment + length)
                await self._add(session)
        return series

    async def read(self, principal: Principal, id: str) -> SeriesView:
        """Raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        series = _known(await self._rows.find(id))
        if principal.role is not Role.ADMIN and await part_of(self._database, principal, series.program_id) is None:
            raise forbidden("this series is for those enrolled in its program")
        return series

    async def change(self, principal: Principal, id: str, change: SeriesChange, if_match: IfMatch) -> SeriesView:
        """Change every session of the series that is still to come, also those that a host changed by themselves.

        When a time changes, each slot gets its new time, and a session that is at the time of its slot moves with it.
        Without a new rule there are as many slots as before. With a new rule there may be fewer: the last sessions are
        cancelled. Or there are more: sessions are added.

        Raises BadInput `not_found`, `invalid` and `precondition_failed`, Refused `forbidden`, Unavailable, and
        Conflict `live.not_changeable` when no session is left that could be moved.
        """
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        times: dict[str, Any] = {name: values.pop(name) for name in TIMES if name in values}
        await self._kernel.filters.check(change, Author.of(principal))
        check_co_mentors(values.get("co_mentors", ()))
        async with self._database.transaction():
            series = _known(await self._rows.lock(id))
            await self._check_mentor(principal, series)
            if_match.check(series.rev)
            self._sessions.check_recording(values.get("recording", False))
            await check_known(self._database, values.get("co_mentors", ()), "co_mentors")
            own = {name: values[name] for name in values.keys() & {"title"}}
            own |= {name: times[name] for name in times.keys() & {"rule", "timezone"}}
            series = msgspec.structs.replace(series, **own, rev=series.rev + 1)
            await self._rows.update(series)
            done = await self._move(principal, series, times, values) if times else set()
            for session in await self._rows.lock_not_begun(id, after=clock.now()):
                if values and session.id not in done:
                    await self._sessions.apply_change(principal, session, values)
            return _known(await self._rows.find(id))

    async def _move(
        self, principal: Principal, series: SeriesView, times: dict[str, Any], values: dict[str, Any]
    ) -> set[str]:
        """Give the slots that are still to come their new times; the ids of the sessions that changed with that."""
        slots = sorted(await self._rows.lock_slots(series.id, clock.now()), key=lambda slot: slot.starts)
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
                await self._sessions.apply_change(principal, slot.session, values | times_now)
                done.add(slot.session.id)
            await self._rows.set_slot(slot.session.id, moment, moment + length)
        for slot in slots[len(moments) :]:
            await self._rows.clear_slot(slot.session.id)
            if slot.followed:
                await self._sessions.take_step(slot.session, Step.CANCEL)
                done.add(slot.session.id)
        for moment in moments[len(slots) :]:
            model = msgspec.structs.asdict(slots[-1].session) | AS_NEW | {"title": series.title, **values}
            now = clock.now()
            model |= {"id": new_id(), "created_at": now, "updated_at": now}
            model |= {"starts_at": moment, "ends_at": moment + length}
            await self._add(msgspec.convert(model, SessionView))
            done.add(model["id"])
        return done

    async def cancel(self, principal: Principal, id: str) -> SeriesView:
        """Cancel every session of the series that has not begun. A second time changes nothing.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        async with self._database.transaction():
            series = _known(await self._rows.find(id))
            await self._check_mentor(principal, series)
            for session in await self._rows.lock_not_begun(id):
                await self._sessions.take_step(session, Step.CANCEL)
            if principal.id != series.mentor_id:
                await record(self._database, principal, "live.cancel_series", id)
        return series

    async def _add(self, session: SessionView) -> None:
        await self._sessions.add(session)
        await self._rows.set_slot(session.id, session.starts_at, session.ends_at)

    async def _occurrences(self, rule: str, timezone: str, starts_at: datetime) -> list[datetime]:
        """Raises BadInput `invalid`."""
        horizon = clock.now() + timedelta(seconds=self._settings.ahead)
        # In a thread: a time zone is read from a file.
        return await asyncio.to_thread(
            occurrences, rule, timezone, starts_at, most=self._settings.series_most, horizon=horizon
        )

    async def _check_mentor(self, principal: Principal, series: SeriesView) -> None:
        """Raises Refused `forbidden` unless the user is the series' mentor, a mentor of its program, or an admin."""
        if principal.role is Role.ADMIN or (principal.role.may_teach and principal.id == series.mentor_id):
            return
        if await part_of(self._database, principal, series.program_id) is not Part.MENTOR:
            raise forbidden("only its mentors do this to a series")


def _known(series: SeriesView | None) -> SeriesView:
    if series is None:
        raise not_found("there is no such series")
    return series
