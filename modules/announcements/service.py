"""The rules of announcements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, Code, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Principal
from modules.announcements import errors
from modules.announcements.audience import audience_of, audiences_of, program_of, room_of
from modules.announcements.messages import (
    Announcement,
    AnnouncementChange,
    AnnouncementDue,
    AnnouncementRecord,
    Current,
    NewAnnouncement,
)
from modules.announcements.settings import AnnouncementsSettings
from modules.announcements.states import Status, Step, after
from modules.announcements.tables import AnnouncementRow
from modules.programs.facade import exists, taken_part_in

# The timers, by the announcement's id.
PUBLISH: Final = "announcements.publish"
EXPIRE: Final = "announcements.expire"
# What the audience is told when an announcement comes to be so.
PUSHES: Final = {
    Status.PUBLISHED: "announcements.published",
    Status.EXPIRED: "announcements.expired",
    Status.WITHDRAWN: "announcements.withdrawn",
}
# When a timer meets an edit that has not committed, it looks again after so long.
AGAIN: Final = timedelta(seconds=0.5)

# Asked by every client that connects: Piccolo takes longer to write a select than PostgreSQL to answer it.
CURRENT: Final = """
    SELECT id, audience, title, text, status, publish_at, expires_at, rev FROM announcement
    WHERE status = 'published' AND expires_at > {} AND audience = ANY({}) ORDER BY publish_at DESC, id DESC
"""
PROGRAMS: Final = """
    SELECT DISTINCT audience FROM announcement
    WHERE status = 'published' AND expires_at > {} AND audience LIKE 'program:%'
"""
# Two admins do not both take an audience's last place.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('announcement'), hashtext({}))"
OPEN: Final = """
    SELECT count(*) AS count FROM announcement
    WHERE audience = {} AND status IN ('scheduled', 'published') AND expires_at > {} AND id <> {}
"""


class Announcements:
    """Announcements, from their creation to their end.

    Whoever edits one locks its row first and its timer after it; a timer comes to its handler locked, so the handler
    waits for no row.
    """

    def __init__(self, kernel: Kernel, settings: AnnouncementsSettings) -> None:
        self._kernel = kernel
        self._settings = settings

    async def create(self, principal: Principal, new: NewAnnouncement) -> AnnouncementRecord:
        """Store an announcement, and publish it now or when its time comes.

        Raises BadInput `invalid` or `too_large`, Conflict `announcements.too_many` or Unavailable.
        """
        now = clock.now()
        publish_at = self._begins(new.publish_at or now, now)
        expires_at = new.expires_at or publish_at + timedelta(seconds=self._settings.shown_for)
        made = AnnouncementRecord(
            UUID(new_id()),
            new.audience,
            new.title,
            new.text,
            Status.SCHEDULED,
            publish_at,
            expires_at,
            1,
            principal.id,
            now,
        )
        made = self._due(await self._checked(made), now)
        async with self._kernel.database.transaction():
            await self._take_place(made, now)
            await AnnouncementRow.insert(AnnouncementRow(**msgspec.structs.asdict(made)))
            await self._begin(made)
        return made

    async def read(self, id: UUID) -> AnnouncementRecord:
        """Raises BadInput `not_found` or Unavailable."""
        with self._kernel.database.guard():
            row = await AnnouncementRow.select().where(AnnouncementRow.id == id).first()
        if row is None:
            raise _none()
        return msgspec.convert(row, AnnouncementRecord)

    async def change(self, id: UUID, change: AnnouncementChange, if_match: IfMatch) -> AnnouncementRecord:
        """Change an announcement that is still scheduled.

        Raises BadInput `not_found`, `precondition_failed`, `invalid` or `too_large`, Conflict
        `announcements.not_scheduled` or `announcements.too_many`, and Unavailable.
        """
        async with self._kernel.database.transaction():
            now = clock.now()
            found = await self._locked(id)
            if found is None:
                raise _none()
            if_match.check(found.rev)
            if after(found.status, Step.CHANGE) is None:
                raise errors.not_scheduled(found.status)
            changed = msgspec.structs.replace(found, **_said(change, now), rev=found.rev + 1)
            changed = msgspec.structs.replace(changed, publish_at=self._begins(changed.publish_at, now))
            changed = self._due(await self._checked(changed), now)
            if changed.audience != found.audience:
                await self._take_place(changed, now)
            await self._write(changed)
            if changed.status is Status.PUBLISHED:
                await self._kernel.schedules.cancel(PUBLISH, str(id))
            await self._begin(changed)
        return changed

    async def withdraw(self, id: UUID) -> AnnouncementRecord:
        """Take an announcement back; one that is withdrawn stays so.

        Raises BadInput `not_found`, Conflict `announcements.over` or Unavailable.
        """
        async with self._kernel.database.transaction():
            found = await self._locked(id)
            if found is None:
                raise _none()
            if found.status is Status.WITHDRAWN:
                return found
            status = after(found.status, Step.WITHDRAW)
            if status is None:
                raise errors.over()
            withdrawn = await self._end(found, status)
            for timer in (PUBLISH, EXPIRE):
                await self._kernel.schedules.cancel(timer, str(id))
        return withdrawn

    async def publish(self, id: UUID) -> None:
        """A scheduled announcement's time has come."""
        found = await self._locked_or_later(PUBLISH, id)
        if found is None:
            return
        if found.expires_at <= clock.now():
            # The platform was down for as long as it would have been shown.
            if status := after(found.status, Step.EXPIRE):
                await self._end(found, status)
            return
        if status := after(found.status, Step.PUBLISH):
            published = msgspec.structs.replace(found, status=status, rev=found.rev + 1)
            await self._write(published)
            await self._begin(published)

    async def expire(self, id: UUID) -> None:
        """A published announcement's time is over."""
        found = await self._locked_or_later(EXPIRE, id)
        if found is not None and (status := after(found.status, Step.EXPIRE)):
            await self._end(found, status)

    async def current(self, principal: Principal) -> Current:
        """What is shown to a user now, wherever; raises Unavailable."""
        now = clock.now()
        with self._kernel.database.guard():
            of_programs = [row["audience"] for row in await AnnouncementRow.raw(PROGRAMS, now)]
            ids = [audience.removeprefix("program:") for audience in of_programs]
            theirs = await taken_part_in(self._kernel.database, principal.id, ids) if ids else []
        return await self._shown([*audiences_of(principal), *(f"program:{id}" for id in theirs)], now)

    async def current_in(self, announce_room: str) -> Current:
        """What is shown now in the `announce` room with this id; raises Unavailable."""
        return await self._shown([audience_of(announce_room)], clock.now())

    async def current_in_program(self, program: str) -> Current:
        """What is shown now to those who take part in this program; raises Unavailable."""
        return await self._shown([f"program:{program}"], clock.now())

    async def _shown(self, audiences: list[str], now: datetime) -> Current:
        with self._kernel.database.guard():
            rows = await AnnouncementRow.raw(CURRENT, now, audiences)
        return Current([msgspec.convert(row, Announcement) for row in rows])

    async def _checked(self, new: AnnouncementRecord) -> AnnouncementRecord:
        """The announcement with its end in UTC; raises BadInput when it cannot be one."""
        room_of(new.audience)
        if (program := program_of(new.audience)) is not None:
            with self._kernel.database.guard():
                if not await exists(self._kernel.database, program):
                    raise invalid("there is no such program", field="audience")
        if not new.title.strip():
            raise invalid("the title is blank", field="title")
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
        # Only now: what is at the end of the calendar has no UTC.
        return msgspec.structs.replace(new, expires_at=new.expires_at.astimezone(UTC))

    def _begins(self, publish_at: datetime, now: datetime) -> datetime:
        """When it is published, in UTC: what has passed is now. Raises BadInput when it is too far ahead."""
        if publish_at > now + timedelta(seconds=self._settings.ahead):
            raise invalid("this is too far ahead", field="publish_at")
        return max(publish_at, now).astimezone(UTC)

    def _due(self, new: AnnouncementRecord, now: datetime) -> AnnouncementRecord:
        return msgspec.structs.replace(new, status=Status.PUBLISHED) if new.publish_at <= now else new

    async def _take_place(self, new: AnnouncementRecord, now: datetime) -> None:
        """Raises Conflict when the audience has enough announcements."""
        await AnnouncementRow.raw(LOCK, new.audience)
        rows = await AnnouncementRow.raw(OPEN, new.audience, now, new.id)
        if rows[0]["count"] >= self._settings.open_per_audience:
            raise errors.too_many(self._settings.open_per_audience)

    async def _locked(self, id: UUID, *, wait: bool = True) -> AnnouncementRecord | None:
        query = AnnouncementRow.select().where(AnnouncementRow.id == id).first()
        row = await query.lock_rows("UPDATE", skip_locked=not wait)
        return None if row is None else msgspec.convert(row, AnnouncementRecord)

    async def _locked_or_later(self, timer: str, id: UUID) -> AnnouncementRecord | None:
        """For a timer's handler: None when somebody is editing the announcement, who may set the timer anew."""
        found = await self._locked(id, wait=False)
        if found is None and await AnnouncementRow.exists().where(AnnouncementRow.id == id):
            await self._kernel.schedules.at(timer, str(id), clock.now() + AGAIN, AnnouncementDue(id))
        return found

    async def _write(self, changed: AnnouncementRecord) -> None:
        values: dict[Any, Any] = msgspec.structs.asdict(changed)
        await AnnouncementRow.update(values).where(AnnouncementRow.id == changed.id)

    async def _begin(self, written: AnnouncementRecord) -> None:
        """Publish what was written, or see to it that it will be."""
        if written.status is Status.SCHEDULED:
            await self._kernel.schedules.at(PUBLISH, str(written.id), written.publish_at, AnnouncementDue(written.id))
        else:
            await self._push(written)
            await self._kernel.schedules.at(EXPIRE, str(written.id), written.expires_at, AnnouncementDue(written.id))

    async def _end(self, found: AnnouncementRecord, status: Status) -> AnnouncementRecord:
        """Write that it is over, and tell those who have seen it."""
        ended = msgspec.structs.replace(found, status=status, rev=found.rev + 1)
        await self._write(ended)
        if found.status is Status.PUBLISHED:
            await self._push(ended)
        return ended

    async def _push(self, written: AnnouncementRecord) -> None:
        await self._kernel.rooms.publish_row(room_of(written.audience), PUSHES[written.status], written.shown())


def _said(change: AnnouncementChange, now: datetime) -> dict[str, Any]:
    """The fields that were not left out; null, which only `publish_at` may be, is now."""
    said = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    return {name: now if value is None else value for name, value in said.items()}


def _none() -> BadInput:
    return not_found("there is no such announcement")
