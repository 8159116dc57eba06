"""Sessions: reads and changes them for users, takes their steps, and tells rooms and other modules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Database, Kernel
from gateway.errors import forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal, Role
from gateway.protocol.names import is_user_id
from gateway.settings import Settings
from modules.accounts.facade import check_known, record, students_among
from modules.live.access.removal import ROLE_CHANGED
from modules.live.access.stage_tokens import withdraw_stage_tokens
from modules.live.errors import no_recording, not_changeable
from modules.live.events import (
    LobbyOpened,
    SessionCancelled,
    SessionMoved,
    SessionScheduled,
    SessionStarted,
)
from modules.live.messages import SESSION, NewSession, SessionChange, SessionView, Video
from modules.live.notices import SessionNotices
from modules.live.rooms import session_room, staff_room
from modules.live.sessions.recording_notice import RECORDING_NOTICE, RecordingAhead
from modules.live.sessions.reminders import Reminders
from modules.live.sessions.repository import Agenda, SessionRepository
from modules.live.sessions.timers import EMPTY, SETTLE, FollowUpDue, SessionTimers
from modules.live.sessions.video import SessionVideo
from modules.live.settings import LiveSettings
from modules.live.states import SessionState, Step, after
from modules.programs.facade import Part, exists, lesson, part_of, parts_of, program_room, programs_of

# Viewers have been told these. They cannot change once the session runs.
SETTLED: Final = frozenset({"starts_at", "mode", "recording"})
# The audit has these steps when somebody takes them who does not teach the session.
AUDITED: Final = frozenset({Step.END, Step.CANCEL})


async def teaches(database: Database, principal: Principal, session: SessionView) -> bool:
    """Whether the user is a host of the session: one of its mentors, a mentor of its program, or an admin.

    A user whose role is student is none, also where a session or program of before names them.
    """
    named = principal.role.may_teach and principal.id in (session.mentor_id, *session.co_mentors)
    if named or principal.role is Role.ADMIN:
        return True
    return await part_of(database, principal, session.program_id) is Part.MENTOR


class Sessions:
    """Reads sessions and changes them."""

    pushes = (SESSION, RECORDING_NOTICE)

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        video: SessionVideo,
        reminders: Reminders,
        notices: SessionNotices,
    ) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self._rows = SessionRepository(kernel.database)
        self._settings = settings
        self._video = video
        self._timers = SessionTimers(kernel, settings, reminders)
        self._notices = notices
        self._reminders = reminders
        self._grant_fresh = timedelta(seconds=kernel.settings(Settings).grant_fresh)

    async def listing(self, principal: Principal, agenda: Agenda, span: Span) -> Page[SessionView]:
        """The sessions that the user may see, by their beginning."""
        teacher = principal.id if principal.role.may_teach else None
        if agenda.teaching:
            return await self._rows.page_of_teacher(teacher, agenda, span)
        if principal.role is Role.ADMIN:
            return await self._rows.page_of_all(agenda, span)
        programs = await programs_of(self._database, principal.id, principal.role)
        return await self._rows.page_of_user(teacher, programs, agenda, span)

    async def read(self, principal: Principal, id: str) -> SessionView:
        """Raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        session = _known(await self._rows.find(id))
        if session.visibility == "open" or await teaches(self._database, principal, session):
            return session
        if await part_of(self._database, principal, session.program_id) is None:
            raise forbidden("this session is for those enrolled in its program")
        return session

    async def read_as_host(self, principal: Principal, id: str, refusal: str) -> SessionView:
        """The same for the session's hosts alone. Others get Refused `forbidden`, with `refusal` as its message."""
        session = await self.read(principal, id)
        if not await teaches(self._database, principal, session):
            raise forbidden(refusal)
        return session

    async def create(self, principal: Principal, new: NewSession) -> SessionView:
        """Schedule a session of a program that the user teaches.

        Raises BadInput `invalid`, Refused `forbidden` or Unavailable.
        """
        session = await self.prepare(principal, new)
        async with self._database.transaction():
            await self.add(session)
        return session

    async def prepare(self, principal: Principal, new: NewSession, *, series_id: str | None = None) -> SessionView:
        """A session that may be scheduled. This checks everything and writes nothing.

        Raises BadInput `invalid`, Refused `forbidden`, what filters raise, Conflict `live.no_recording` or Unavailable.
        """
        await self._kernel.filters.check(new, Author.of(principal))
        mentor_id = new.mentor_id or principal.id
        self._check_times(new.starts_at, new.ends_at)
        check_co_mentors(new.co_mentors)
        self.check_recording(new.recording)
        if not await exists(self._database, new.program_id):
            raise invalid("there is no such program", field="program_id")
        if principal.role is not Role.ADMIN:
            if await part_of(self._database, principal, new.program_id) is not Part.MENTOR:
                raise forbidden("only a program's mentors schedule its sessions")
            same = mentor_id == principal.id
            parts = {} if same else await parts_of(self._database, [mentor_id], new.program_id)
            if not same and parts.get(mentor_id) is not Part.MENTOR:
                raise invalid("this user is no mentor of the program", field="mentor_id")
        elif mentor_id != principal.id:
            await check_known(self._database, [mentor_id], "mentor_id")
        await check_known(self._database, new.co_mentors, "co_mentors")
        await self._check_lesson(new.lesson_id, new.program_id)
        values = msgspec.structs.asdict(new) | {
            "mentor_id": mentor_id,
            "co_mentors": tuple(new.co_mentors),
            "starts_at": new.starts_at.astimezone(UTC),
            "ends_at": new.ends_at.astimezone(UTC),
        }
        now = clock.now()
        return SessionView(
            id=new_id(),
            series_id=series_id,
            state=SessionState.SCHEDULED,
            video=Video.OFF,
            opened_at=None,
            started_at=None,
            ended_at=None,
            rev=1,
            created_at=now,
            updated_at=now,
            **values,
        )

    async def add(self, session: SessionView) -> None:
        """Write a prepared session and tell of it, inside a transaction."""
        await self._rows.insert(session)
        # Only the program's room: nobody can be in the session's own room yet.
        await self._kernel.rooms.publish_row(program_room(session.program_id), SESSION, session)
        await self._timers.plan(session)
        await self._kernel.events.publish(
            SessionScheduled(
                session.id,
                session.program_id,
                session.mentor_id,
                session.title,
                session.starts_at,
                session.ends_at,
            )
        )

    async def change(self, principal: Principal, id: str, change: SessionChange, if_match: IfMatch) -> SessionView:
        """Change a session for a host.

        Raises Conflict `live.not_changeable` for a field that is settled by now, and what `locked` raises.
        """
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        await self._kernel.filters.check(change, Author.of(principal))
        check_co_mentors(values.get("co_mentors", ()))
        async with self._database.transaction():
            session = await self.locked(principal, id)
            if_match.check(session.rev)
            self.check_recording(values.get("recording", False) and not session.recording)
            for field in values:
                if session.state.over or (session.state is SessionState.LIVE and field in SETTLED):
                    raise not_changeable(session.state, field)
            await check_known(self._database, {*values.get("co_mentors", ())} - {*session.co_mentors}, "co_mentors")
            if values.get("lesson_id") != session.lesson_id:
                await self._check_lesson(values.get("lesson_id"), session.program_id)
            session = await self.apply_change(principal, session, values)
        if values.get("visibility") == "program":
            await self._evict_outsiders(session)
        return session

    async def apply_change(self, principal: Principal, session: SessionView, values: dict[str, Any]) -> SessionView:
        """Change a locked session inside a transaction. A session that moves takes its timers with it.

        When its lobby was open, and opens later by the new beginning, the session is scheduled again and everybody but
        the hosts leaves its rooms. Raises BadInput `invalid` for times that a session cannot have.
        """
        before = session
        if moved := "starts_at" in values or "ends_at" in values:
            starts_at, ends_at = values.get("starts_at", session.starts_at), values.get("ends_at", session.ends_at)
            self._check_times(starts_at, ends_at)
            values = values | {"starts_at": starts_at.astimezone(UTC), "ends_at": ends_at.astimezone(UTC)}
            if self._closes_again(session, starts_at):
                values |= {"state": SessionState.SCHEDULED, "opened_at": None}
        await note_co_mentors(self._database, principal, session.id, session.co_mentors, values)
        session = await self.update(session, values)
        if moved:
            if session.state is not before.state:
                await self._close_rooms(before)
            await self._timers.plan(session)
            event = SessionMoved(session.id, session.program_id, session.starts_at, session.ends_at)
            await self._kernel.events.publish(event)
            await self._notices.move(before, session, self._reminders.ahead)
        return session

    async def step(self, principal: Principal, id: str, step: Step) -> SessionView:
        """Take a step for a host. Raises Conflict `live.bad_transition`, and what `locked` raises."""
        async with self._database.transaction():
            session = await self.take_step(await self.locked(principal, id), step)
            if step in AUDITED and principal.id not in (session.mentor_id, *session.co_mentors):
                await record(self._database, principal, f"live.{step}", id)
        self._video.wake()
        return session

    async def take_step(self, session: SessionView, step: Step) -> SessionView:
        """Take a step of a locked session inside a transaction. The caller has checked who may.

        Raises Conflict `live.bad_transition`.
        """
        now = clock.now()
        values: dict[str, Any] = {"state": after(session.state, step)}
        event: msgspec.Struct | None = None
        match step:
            case Step.OPEN:
                values["opened_at"] = now
                event = LobbyOpened(session.id, session.program_id)
            case Step.START:
                values |= {"started_at": now, "video": Video.STARTING if self._video.available else Video.UNAVAILABLE}
                await self._video.begin(session)
                event = SessionStarted(session.id, session.program_id, now)
            case Step.END:
                values |= {"ended_at": now, "video": Video.OFF}
                await self._video.end(session)
                # `SessionEnded` is published later, with the session's figures (`attendance/finalizer.py`).
                await self._kernel.schedules.at(SETTLE, session.id, now, FollowUpDue(session.id))
                closes = now + timedelta(seconds=self._settings.room_kept) + self._grant_fresh
                await self._kernel.schedules.at(EMPTY, session.id, closes, FollowUpDue(session.id))
            case Step.CANCEL:
                await self._close_rooms(session)
                event = SessionCancelled(session.id, session.program_id)
        if step is Step.START and self._video.records(session):
            notice = RecordingAhead(session.id, session.rev)
            await self._kernel.rooms.publish_row(session_room(session.id), RECORDING_NOTICE, notice)
            for user in await self._rows.demote_without_consent(session.id):
                await self._evict(session, user)
        session = await self.update(session, values)
        await self._timers.plan(session)
        if event is not None:
            await self._kernel.events.publish(event)
        if step is Step.START:
            await self._notices.begin(session)
        if step is Step.CANCEL:
            await self._notices.cancel(session, self._reminders.ahead)
        return session

    async def locked(self, principal: Principal, id: str) -> SessionView:
        """The session for one of its hosts. Its row stays locked until the transaction ends.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        session = _known(await self._rows.lock(id))
        if not await teaches(self._database, principal, session):
            raise forbidden("only its mentors do this to a session")
        return session

    async def lock_unchecked(self, id: str) -> SessionView:
        """The same, whoever asks; raises BadInput `not_found` or Unavailable."""
        return _known(await self._rows.lock(id))

    async def update(self, session: SessionView, changed: dict[str, Any]) -> SessionView:
        """Write fields of a locked session inside a transaction, and push it to its room and its program's room."""
        # Never earlier than before, also when this gateway's clock is behind another's.
        values = {**changed, "rev": session.rev + 1, "updated_at": max(clock.now(), session.updated_at)}
        await self._rows.update(session.id, values)
        before, session = session, msgspec.convert({**msgspec.structs.asdict(session), **values}, SessionView)
        # A former co-mentor joins again with the role that they have now, if any.
        for user in sorted({*before.co_mentors} - {*session.co_mentors}):
            await self._evict(session, user)
        await self._push(session)
        return session

    async def _evict_outsiders(self, session: SessionView) -> None:
        """Evict members who have no part in the program: the session is not open any more.

        Not inside a transaction, because other nodes may have to be asked who is there. When it fails, the same change
        of the session does it again.
        """
        people = {person.id: person for person in await self._kernel.rooms.members(session_room(session.id))}
        parts = await parts_of(self._database, sorted(people), session.program_id)
        mentors = {session.mentor_id, *session.co_mentors}
        mentors -= await students_among(self._database, mentors)
        async with self._database.transaction():
            for user, person in sorted(people.items()):
                if user not in parts and user not in mentors and person.role != Role.ADMIN:
                    await self._evict(session, user)

    async def _close_rooms(self, before: SessionView) -> None:
        """Set the timer that closes the rooms now, and looks again when no older grant lets anybody in."""
        if before.state is not SessionState.SCHEDULED:
            now = clock.now()
            due = FollowUpDue(before.id, now + self._grant_fresh)
            await self._kernel.schedules.at(EMPTY, before.id, now, due)

    def _closes_again(self, session: SessionView, starts_at: datetime) -> bool:
        """Whether an open lobby closes when the session moves to this beginning."""
        later = session.state is SessionState.LOBBY and starts_at > session.starts_at
        return later and self._timers.lobby_opens(starts_at) > clock.now()

    async def _evict(self, session: SessionView, user: str) -> None:
        """Evict the user inside a transaction. They may join again, with the role that they have now."""
        await withdraw_stage_tokens(self._database, session.id, user)
        for room in (session_room(session.id), staff_room(session.id)):
            await self._kernel.rooms.evict(room, user, ROLE_CHANGED, rejoin=True)

    async def _push(self, session: SessionView) -> None:
        for room in (session_room(session.id), program_room(session.program_id)):
            await self._kernel.rooms.publish_row(room, SESSION, session)

    async def _check_lesson(self, lesson_id: str | None, program_id: str) -> None:
        """Raises BadInput `invalid` for a lesson that is not one of the program, and Unavailable."""
        if lesson_id is not None:
            found = await lesson(self._database, lesson_id)
            if found is None or found.program_id != program_id:
                raise invalid("the program has no such lesson", field="lesson_id")

    def check_recording(self, wanted: bool) -> None:
        """Raises Conflict `live.no_recording` when a recording is wanted and nothing can be recorded here."""
        if wanted and not self._video.recording:
            raise no_recording()

    def _check_times(self, starts_at: datetime, ends_at: datetime) -> None:
        """Raises BadInput `invalid` for times that a session cannot have."""
        if ends_at <= starts_at:
            raise invalid("it would end before it begins", field="ends_at")
        if ends_at - starts_at > timedelta(seconds=self._settings.longest):
            raise invalid("this is too long for one session", field="ends_at")
        now = clock.now()
        if ends_at <= now:
            raise invalid("it would be over already", field="ends_at")
        if starts_at > now + timedelta(seconds=self._settings.ahead):
            raise invalid("this is too far ahead", field="starts_at")


def check_co_mentors(users: Iterable[str]) -> None:
    """Raises BadInput `invalid` when one of these is not the id of a user."""
    for user in users:
        if not is_user_id(user):
            raise invalid("one of the co-mentors is no id of a user", field="co_mentors")


async def note_co_mentors(
    database: Database, principal: Principal, id: str, before: Collection[str], changed: Mapping[str, Any]
) -> None:
    """Record in the audit which co-mentors a change adds and removes, inside its transaction."""
    after = set(changed.get("co_mentors", before))
    if after != set(before):
        details = {"added": sorted(after - {*before}), "removed": sorted({*before} - after)}
        await record(database, principal, "live.co_mentors", id, details)


def _known(session: SessionView | None) -> SessionView:
    if session is None:
        raise not_found("there is no such session")
    return session
