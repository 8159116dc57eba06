"""What follows a session's end: its report and figures, the end of its room, of its stars, and of what is not kept.

Each is a timer's handler, in a transaction and once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from gateway.principal import Role
from modules.live.attendance.ratings import Ratings
from modules.live.attendance.report import Totals
from modules.live.attendance.service import Attendances
from modules.live.events import Figures, SessionEnded, SessionRated, StreamFigures
from modules.live.facade import roles_in
from modules.live.messages import SessionView
from modules.live.sessions.timers import EMPTY, PRUNE, RATED, SETTLE, FollowUpDue
from modules.live.settings import LiveSettings
from modules.live.states import SessionState
from modules.live.tables import Session, StayRow

# After the silence of so many writings a node is taken for gone.
SILENCE: Final = 3
# Nodes that are there, as far as one can know, and have not said yet who was there at the end.
AWAITED: Final = "SELECT EXISTS (SELECT FROM live_node WHERE seen_at < {} AND seen_at > {}) AS awaited"
PRUNE_STAYS: Final = "DELETE FROM live_stay WHERE session_id = {}"
# Their open stays, of sessions that never ended, are of no length then.
PRUNE_NODES: Final = "DELETE FROM live_node WHERE seen_at < {}"
# What those are told who leave a room that is closed: the code with which `SessionAuthorizer` refuses them.
CLOSED: Final = {SessionState.ENDED: "live.over", SessionState.CANCELLED: "live.cancelled"}
# As many are taken out at a time, and so long after it one looks who is left.
AT_ONCE: Final = 500
AGAIN: Final = timedelta(seconds=2)
DONE: Final = """
    SELECT (SELECT count(*) FROM live_poll WHERE session_id = {}) AS polls,
        (SELECT count(*) FROM live_question WHERE session_id = {} AND state <> 'dismissed') AS questions,
        (SELECT count(*) FROM live_hand WHERE session_id = {}) AS hands
"""
# One that was lost when the session ended was so until then.
STREAM: Final = """
    SELECT losses, starvations, round(lost_seconds + coalesce(extract(epoch FROM {}::timestamptz - lost_at), 0))::int
        AS lost_seconds
    FROM live_video WHERE session_id = {}
"""


class SessionFinalizer:
    """The handlers."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, attendances: Attendances, ratings: Ratings) -> None:
        self._kernel = kernel
        self._attendances = attendances
        self._ratings = ratings
        self._interval = timedelta(seconds=settings.attendance_interval)
        self._kept = timedelta(seconds=settings.attendance_kept)
        self._rated = timedelta(seconds=settings.stars_open + settings.stars_editable)

    @timer(SETTLE)
    async def settle(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Store the report and tell the figures, as soon as every node has said who was there at the end."""
        session = await self._ended(due)
        if session is None or session.ended_at is None:
            return
        now = clock.now()
        silent = session.ended_at - SILENCE * self._interval
        if now < session.ended_at + SILENCE * self._interval:
            rows = await StayRow.raw(AWAITED, session.ended_at, silent)
            if rows[0]["awaited"]:
                await self._kernel.schedules.at(SETTLE, session.id, now + self._interval / 4, due)
                return
        started_at = session.started_at or session.ended_at
        totals = (await self._attendances.settle(session)).totals
        messages = await self._kernel.rooms.count_messages(f"session:{session.id}", started_at, session.ended_at)
        figures = msgspec.structs.replace(
            figures_of(totals),
            messages=messages,
            stream=await self._stream(session.id, session.ended_at),
            stars=await self._ratings.figures(session.id),
            **(await Session.raw(DONE, session.id, session.id, session.id))[0],
        )
        await self._kernel.events.publish(
            SessionEnded(session.id, session.program_id, started_at, session.ended_at, figures)
        )
        await self._kernel.schedules.at(RATED, session.id, session.ended_at + self._rated, due)
        await self._kernel.schedules.at(PRUNE, session.id, session.ended_at + self._kept, due)

    @timer(EMPTY)
    async def empty(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Its room is closed, and so is its lobby: who is no host leaves, a part of them at a time until nobody is left
        who would be refused."""
        session = await self._ended(due)
        if session is None or not session.state.over:
            return
        rooms, id, now = self._kernel.rooms, session.id, clock.now()
        there = [person for person in await rooms.members(f"session:{id}") if person.role != Role.ADMIN]
        roles = await roles_in(self._kernel.database, id, [person.id for person in there])
        out = [(f"session:{id}", person.id) for person in there if roles.get(person.id) != "host"]
        out += [(f"lobby:{id}", person.id) for person in await rooms.members(f"lobby:{id}")]
        code = CLOSED[session.state]
        for room, user in out[:AT_ONCE]:
            # Without `rejoin`. Only `SessionAuthorizer` keeps them out, and its code says why.
            await rooms.evict(room, user, code, until=now)
        if out:
            await self._kernel.schedules.at(EMPTY, id, now + AGAIN, due)

    @timer(RATED)
    async def rated(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Tell what the stars came to."""
        session = await self._ended(due)
        if session is not None:
            figures = await self._ratings.figures(session.id)
            await self._kernel.events.publish(SessionRated(session.id, session.program_id, figures))

    @timer(PRUNE)
    async def prune(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Let the single stays go; the report has what they came to."""
        await StayRow.raw(PRUNE_STAYS, due.session_id)
        await StayRow.raw(PRUNE_NODES, clock.now() - self._kept)

    async def _stream(self, id: str, ended_at: datetime) -> StreamFigures | None:
        for row in await Session.raw(STREAM, ended_at, id):
            return msgspec.convert(row, StreamFigures)
        return None

    async def _ended(self, due: FollowUpDue) -> SessionView | None:
        row = await Session.select().where(Session.id == due.session_id).first()
        return None if row is None else msgspec.convert(row, SessionView)


def figures_of(totals: Totals) -> Figures:
    return msgspec.convert(msgspec.structs.asdict(totals), Figures)
