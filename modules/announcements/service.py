"""The rules of announcements: who is shown what, from when, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Context, Delivery, Kernel, command, timer
from gateway.errors import BadInput, Code, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.announcements import errors
from modules.announcements.audience import audience_of, audience_room, audiences_of, program_audience, program_of
from modules.announcements.messages import (
    EXPIRED,
    PUBLISHED,
    WITHDRAWN,
    AnnouncementChange,
    AnnouncementDue,
    AnnouncementRecord,
    Current,
    CurrentRequest,
    NewAnnouncement,
)
from modules.announcements.notices import AnnouncementNotices
from modules.announcements.repository import AnnouncementRepository
from modules.announcements.settings import AnnouncementsSettings
from modules.announcements.states import AnnouncementStatus, AnnouncementStep, next_status
from modules.programs.facade import exists, taken_part_in

# The timers; their key is the announcement's id.
PUBLISH_TIMER: Final = "announcements.publish"
EXPIRE_TIMER: Final = "announcements.expire"
# What the audience is told when an announcement gets a status.
PUSH_OF: Final = {
    AnnouncementStatus.PUBLISHED: PUBLISHED,
    AnnouncementStatus.EXPIRED: EXPIRED,
    AnnouncementStatus.WITHDRAWN: WITHDRAWN,
}
# A timer that meets an edit which has not committed fires again after this time.
AGAIN: Final = timedelta(seconds=0.5)


class Announcements:
    """Announcements, from their creation to their end.

    An edit locks the announcement's row first and its timer second. A timer is locked when its handler runs, so the
    handler never waits for the row: the two would wait for each other.
    """

    pushes = (PUBLISHED, EXPIRED, WITHDRAWN)

    def __init__(
        self,
        kernel: Kernel,
        settings: AnnouncementsSettings,
        rows: AnnouncementRepository,
        notices: AnnouncementNotices,
    ) -> None:
        self._kernel = kernel
        self._notices = notices
        self._settings = settings
        self._rows = rows

    async def create(self, principal: Principal, new: NewAnnouncement) -> AnnouncementRecord:
        """Store an announcement, and publish it now or when its time comes.

        Raises BadInput `invalid` or `too_large`, what filters raise, Conflict `announcements.too_many` or Unavailable.
        """
        await self._kernel.filters.check(new, Author.of(principal))
        now = clock.now()
        publish_at = self._publication(new.publish_at or now, now)
        made = AnnouncementRecord(
            id=UUID(new_id()),
            audience=new.audience,
            title=new.title,
            text=new.text,
            status=AnnouncementStatus.SCHEDULED,
            publish_at=publish_at,
            expires_at=new.expires_at or publish_at + timedelta(seconds=self._settings.shown_for),
            rev=1,
            created_by=principal.id,
            created_at=now,
        )
        made = _published_if_due(await self._checked(made), now)
        async with self._kernel.database.transaction():
            await self._check_room_for_one_more(made, now)
            await self._rows.insert(made)
            await self._start(made)
        return made

    async def read(self, id: UUID) -> AnnouncementRecord:
        """Raises BadInput `not_found` or Unavailable."""
        return _found(await self._rows.find(id))

    async def page(self, span: Span, status: AnnouncementStatus | None) -> Page[AnnouncementRecord]:
        """All announcements, or those of one status, the newest first; raises Unavailable."""
        return await self._rows.page(span, status)

    async def change(
        self, principal: Principal, id: UUID, change: AnnouncementChange, if_match: IfMatch
    ) -> AnnouncementRecord:
        """Change an announcement that is still scheduled.

        Raises BadInput `not_found`, `precondition_failed`, `invalid` or `too_large`, what filters raise, Conflict
        `announcements.not_scheduled` or `announcements.too_many`, and Unavailable.
        """
        await self._kernel.filters.check(change, Author.of(principal))
        async with self._kernel.database.transaction():
            now = clock.now()
            found = _found(await self._rows.lock(id))
            if_match.check(found.rev)
            if next_status(found.status, AnnouncementStep.CHANGE) is None:
                raise errors.not_scheduled(found.status)
            changed = msgspec.structs.replace(found, **_given(change, now), rev=found.rev + 1)
            changed = msgspec.structs.replace(changed, publish_at=self._publication(changed.publish_at, now))
            changed = _published_if_due(await self._checked(changed), now)
            if changed.audience != found.audience:
                await self._check_room_for_one_more(changed, now)
            await self._rows.update(changed)
            if changed.status is AnnouncementStatus.PUBLISHED:
                await self._kernel.schedules.cancel(PUBLISH_TIMER, str(id))
            await self._start(changed)
        return changed

    async def withdraw(self, id: UUID) -> AnnouncementRecord:
        """Take an announcement back; one that is withdrawn already stays as it is.

        Raises BadInput `not_found`, Conflict `announcements.over` or Unavailable.
        """
        async with self._kernel.database.transaction():
            found = _found(await self._rows.lock(id))
            if found.status is AnnouncementStatus.WITHDRAWN:
                return found
            status = next_status(found.status, AnnouncementStep.WITHDRAW)
            if status is None:
                raise errors.over()
            withdrawn = await self._end(found, status)
            for name in (PUBLISH_TIMER, EXPIRE_TIMER):
                await self._kernel.schedules.cancel(name, str(id))
        return withdrawn

    @timer(PUBLISH_TIMER)
    async def publish(self, due: AnnouncementDue, delivery: Delivery) -> None:
        """Publish a scheduled announcement whose time has come."""
        found = await self._lock_or_postpone(PUBLISH_TIMER, due)
        if found is None:
            return
        if found.expires_at <= clock.now():
            # The platform was down for all of the announcement's time.
            if status := next_status(found.status, AnnouncementStep.EXPIRE):
                await self._end(found, status)
            return
        if status := next_status(found.status, AnnouncementStep.PUBLISH):
            published = msgspec.structs.replace(found, status=status, rev=found.rev + 1)
            await self._rows.update(published)
            await self._start(published)

    @timer(EXPIRE_TIMER)
    async def expire(self, due: AnnouncementDue, delivery: Delivery) -> None:
        """End a published announcement whose time is over."""
        found = await self._lock_or_postpone(EXPIRE_TIMER, due)
        if found is not None and (status := next_status(found.status, AnnouncementStep.EXPIRE)):
            await self._end(found, status)

    async def current(self, principal: Principal) -> Current:
        """What a user is shown now in all audiences they are in; raises Unavailable."""
        now = clock.now()
        programs = [audience.removeprefix("program:") for audience in await self._rows.program_audiences(now)]
        theirs = await taken_part_in(self._kernel.database, principal, programs) if programs else []
        audiences = [*audiences_of(principal), *(program_audience(program) for program in theirs)]
        return Current(await self._rows.shown(audiences, now))

    @command("announcements.current", room="announce", role="listener")
    async def current_in_audience(self, context: Context, request: CurrentRequest) -> Current:
        """What is shown now in this `announce` room; raises Unavailable."""
        return Current(await self._rows.shown([audience_of(context.room_id)], clock.now()))

    # A command is of one kind of room, so the same for programs has a name of its own.
    @command("announcements.in_program", room="program", role="student")
    async def current_in_program(self, context: Context, request: CurrentRequest) -> Current:
        """What is shown now to those who take part in this program; raises Unavailable."""
        return Current(await self._rows.shown([program_audience(context.room_id)], clock.now()))

    async def _checked(self, new: AnnouncementRecord) -> AnnouncementRecord:
        """The announcement with its end in UTC; raises BadInput when it cannot be one."""
        audience_room(new.audience)
        program = program_of(new.audience)
        if program is not None and not await exists(self._kernel.database, program):
            raise invalid("there is no such program", field="audience")
        for field, value, most in (
            ("title", new.title, self._settings.title_characters),
            ("text", new.text, self._settings.text_characters),
        ):
            if len(value) > most:
                raise BadInput(Code.TOO_LARGE, f"{field} is longer than {most} characters", field=field)
        if new.expires_at <= new.publish_at:
            raise invalid("it would be over before it is shown", field="expires_at")
        if new.expires_at > new.publish_at + timedelta(seconds=self._settings.shown_longest):
            raise invalid("this is too long to be shown", field="expires_at")
        # Converted after the checks, because times at the end of the calendar have no UTC.
        return msgspec.structs.replace(new, expires_at=new.expires_at.astimezone(UTC))

    def _publication(self, publish_at: datetime, now: datetime) -> datetime:
        """When it is published, in UTC: a time that has passed is now. Raises BadInput when it is too far ahead."""
        if publish_at > now + timedelta(seconds=self._settings.ahead):
            raise invalid("this is too far ahead", field="publish_at")
        return max(publish_at, now).astimezone(UTC)

    async def _check_room_for_one_more(self, new: AnnouncementRecord, now: datetime) -> None:
        """Raises Conflict when the audience has as many announcements as it may have.

        The lock keeps two admins from taking the last place both.
        """
        await self._rows.lock_audience(new.audience)
        if await self._rows.count_open(new.audience, now, besides=new.id) >= self._settings.open_per_audience:
            raise errors.too_many(self._settings.open_per_audience)

    async def _lock_or_postpone(self, name: str, due: AnnouncementDue) -> AnnouncementRecord | None:
        """The announcement of a timer. While somebody edits it the answer is None, and the timer is set again.

        The edit may set the timer too, which is then the one that counts.
        """
        found = await self._rows.lock_if_free(due.id)
        if found is None and await self._rows.exists(due.id):
            await self._kernel.schedules.at(name, str(due.id), clock.now() + AGAIN, due)
        return found

    async def _start(self, written: AnnouncementRecord) -> None:
        """Push what was written, or set the timer that publishes it."""
        id, due = str(written.id), AnnouncementDue(written.id)
        if written.status is AnnouncementStatus.SCHEDULED:
            await self._kernel.schedules.at(PUBLISH_TIMER, id, written.publish_at, due)
        else:
            await self._push(written)
            await self._notices.publish(written)
            await self._kernel.schedules.at(EXPIRE_TIMER, id, written.expires_at, due)

    async def _end(self, found: AnnouncementRecord, status: AnnouncementStatus) -> AnnouncementRecord:
        """Write that the announcement is over, and push it if it was shown."""
        ended = msgspec.structs.replace(found, status=status, rev=found.rev + 1)
        await self._rows.update(ended)
        if found.status is AnnouncementStatus.PUBLISHED:
            await self._push(ended)
            await self._notices.end(ended)
        return ended

    async def _push(self, written: AnnouncementRecord) -> None:
        await self._kernel.rooms.publish_row(audience_room(written.audience), PUSH_OF[written.status], written.shown())


def _published_if_due(new: AnnouncementRecord, now: datetime) -> AnnouncementRecord:
    status = next_status(new.status, AnnouncementStep.PUBLISH) if new.publish_at <= now else None
    return new if status is None else msgspec.structs.replace(new, status=status)


def _given(change: AnnouncementChange, now: datetime) -> dict[str, Any]:
    """The fields that were not left out. Null is now; only `publish_at` may be null."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    return {name: now if value is None else value for name, value in given.items()}


def _found(announcement: AnnouncementRecord | None) -> AnnouncementRecord:
    if announcement is None:
        raise not_found("there is no such announcement")
    return announcement
