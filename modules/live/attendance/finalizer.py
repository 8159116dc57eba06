"""What follows a session's end: its report and figures, the closing of its rooms, its stars, and what is deleted.

Each is a timer's handler, in a transaction and once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from gateway.principal import Role
from modules.live.attendance.participation_repository import ParticipationRepository
from modules.live.attendance.presence_repository import PresenceRepository
from modules.live.attendance.ratings import Ratings
from modules.live.attendance.recorded import BUCKET, ClassHeld, Participation, recorded
from modules.live.attendance.report import Totals
from modules.live.attendance.repository import AttendanceRepository
from modules.live.attendance.service import Attendances
from modules.live.events import Figures, SessionEnded, SessionRated
from modules.live.facade import roles_in
from modules.live.rooms import lobby_room, session_room
from modules.live.sessions.repository import SessionRepository
from modules.live.sessions.timers import EMPTY, PRUNE, RATED, SETTLE, FollowUpDue
from modules.live.settings import LiveSettings
from modules.live.states import SessionState

# A node that did not write for so many intervals counts as gone: nobody waits for it.
MISSED_WRITES: Final = 3
# The code in `left` when a room closes. `SessionAuthorizer` refuses with the same.
CLOSED: Final = {
    SessionState.ENDED: "live.over",
    SessionState.CANCELLED: "live.cancelled",
    # Its lobby was open, and it was moved to a later time.
    SessionState.SCHEDULED: "live.not_open",
}
# So many are taken out at a time; after this pause the timer looks who is left.
AT_ONCE: Final = 500
AGAIN: Final = timedelta(seconds=2)


class SessionFinalizer:
    """The handlers of the timers."""

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        attendances: Attendances,
        ratings: Ratings,
        presence: PresenceRepository,
    ) -> None:
        self._kernel = kernel
        self._sessions = SessionRepository(kernel.database)
        self._rows = AttendanceRepository(kernel.database)
        self._participation = ParticipationRepository(kernel.database)
        self._presence = presence
        self._attendances = attendances
        self._ratings = ratings
        self._interval = timedelta(seconds=settings.attendance_interval)
        self._kept = timedelta(seconds=settings.attendance_kept)
        self._rated = timedelta(seconds=settings.stars_open + settings.stars_editable)

    @timer(SETTLE)
    async def settle(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Store the report and publish the figures, as soon as every node has said who was there at the end."""
        session = await self._sessions.find(due.session_id)
        if session is None or session.ended_at is None:
            return
        now = clock.now()
        ended_at, silence = session.ended_at, MISSED_WRITES * self._interval
        if now < ended_at + silence and await self._presence.awaits_nodes(ended_at, ended_at - silence):
            await self._kernel.schedules.at(SETTLE, session.id, now + self._interval / 4, due)
            return
        started_at = session.started_at or session.ended_at
        report = await self._attendances.settle(session)
        messages = await self._kernel.rooms.count_messages(session_room(session.id), started_at, session.ended_at)
        figures = msgspec.structs.replace(
            figures_of(report.totals),
            messages=messages,
            stream=await self._rows.stream(session.id, session.ended_at),
            stars=await self._ratings.figures(session.id),
            **msgspec.structs.asdict(await self._rows.activity(session.id)),
        )
        await self._kernel.events.publish(
            SessionEnded(session.id, session.program_id, started_at, session.ended_at, figures)
        )
        held = ClassHeld(session.id, session.program_id, started_at, session.ended_at)
        for event in recorded(held, report, await self._participation_in(held)):
            await self._kernel.events.publish(event)
        await self._kernel.schedules.at(RATED, session.id, session.ended_at + self._rated, due)
        await self._kernel.schedules.at(PRUNE, session.id, session.ended_at + self._kept, due)

    async def _participation_in(self, held: ClassHeld) -> Participation:
        id, room = held.session_id, session_room(held.session_id)
        return Participation(
            messages=await self._kernel.rooms.messages_by_author(room, held.started_at, held.ended_at, BUCKET),
            hands=await self._participation.hands(id),
            questions=await self._participation.questions(id),
            votes=await self._participation.votes(id),
            polls=await self._participation.polls(id),
        )

    @timer(EMPTY)
    async def empty(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Close the room and the lobby: everybody but hosts leaves, some at a time, until nobody is left who would be
        refused."""
        session = await self._sessions.find(due.session_id)
        if session is None or (code := CLOSED.get(session.state)) is None:
            return
        rooms, id, now = self._kernel.rooms, session.id, clock.now()
        there = [person for person in await rooms.members(session_room(id)) if person.role != Role.ADMIN]
        roles = await roles_in(self._kernel.database, id, [person.id for person in there])
        out = [(session_room(id), person.id) for person in there if roles.get(person.id) != "host"]
        out += [(lobby_room(id), person.id) for person in await rooms.members(lobby_room(id))]
        for room, user in out[:AT_ONCE]:
            # Without `rejoin`. Only `SessionAuthorizer` keeps them out, and its code says why.
            await rooms.evict(room, user, code, until=now)
        if out:
            await self._kernel.schedules.at(EMPTY, id, now + AGAIN, due)
        elif due.again_at is not None and due.again_at > now:
            await self._kernel.schedules.at(EMPTY, id, due.again_at, due)

    @timer(RATED)
    async def rated(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Publish the stars, which nobody can change any more."""
        session = await self._sessions.find(due.session_id)
        if session is not None:
            figures = await self._ratings.figures(session.id)
            await self._kernel.events.publish(SessionRated(session.id, session.program_id, figures))

    @timer(PRUNE)
    async def prune(self, due: FollowUpDue, delivery: Delivery) -> None:
        """Delete the single presence intervals; the report has what they came to."""
        await self._presence.delete_of_session(due.session_id)
        await self._presence.delete_nodes(clock.now() - self._kept)


def figures_of(totals: Totals) -> Figures:
    return msgspec.convert(msgspec.structs.asdict(totals), Figures)
