"""What people are told of assignments when they are not there: new work, due dates, grades, certificates."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from gateway.contract import Delivery, Kernel, listener
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.catalogue.handed_in import HandedIn
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.completion.repository import CertificateRepository
from modules.assignments.events import (
    AssignmentPublished,
    CertificateIssued,
    CertificateRevoked,
    DueSoon,
    ExtensionGranted,
    GradeReleased,
)
from modules.notify.facade import EMAIL, Kind, Notice, Urgency, tell, withdraw
from modules.programs.facade import Part, parts_of

LOCALE: Final = Path(__file__).parent / "locale"
LINK: Final = "/assignments/%(assignment_id)s"


class WorkNotice(msgspec.Struct, frozen=True):
    """What the texts of these kinds are filled with. `due_at` is null when it is never due."""

    assignment_id: str
    program_id: str
    title: str
    due_at: datetime | None = None


class CertificateNotice(msgspec.Struct, frozen=True):
    certificate_id: str
    program_id: str
    title: str


class AssignmentNotices:
    """The kinds of notifications about assignments. Each listener tells in the transaction that handles the event."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        database = kernel.database
        self._assignments = AssignmentRepository(database)
        self._certificates = CertificateRepository(database)
        self._dates = EffectiveDateReader(database)
        self._handed_in = HandedIn(database)
        self.published = Kind(
            name="assignments.published",
            data=WorkNotice,
            title="New assignment: %(title)s",
            link=LINK,
            ttl=timedelta(days=2),
            still_wanted=self._not_turned_in,
            locale=LOCALE,
        )
        self.due = Kind(
            name="assignments.due",
            data=WorkNotice,
            title="%(title)s is due soon",
            body="It is due %(due_at)s, and you have not turned it in.",
            link=LINK,
            jitter=timedelta(minutes=2),
            collapse_key="due",
            still_wanted=self._due,
            locale=LOCALE,
        )
        self.extended = Kind(
            name="assignments.extended",
            data=WorkNotice,
            title="You have more time for %(title)s",
            body="It is now due %(due_at)s.",
            link=LINK,
            off=(EMAIL,),
            still_wanted=self._due_then,
            locale=LOCALE,
        )
        self.graded = Kind(
            name="assignments.graded",
            data=WorkNotice,
            title="%(title)s is graded",
            body="Your grade and the comments are there.",
            link=LINK,
            ttl=timedelta(days=3),
            still_wanted=self._students,
            locale=LOCALE,
        )
        self.certificate = Kind(
            name="assignments.certificate",
            data=CertificateNotice,
            title="Your certificate for %(title)s",
            body="You have completed the program. Your certificate is ready.",
            link="/certificates/%(certificate_id)s",
            urgency=Urgency.LOW,
            ttl=timedelta(days=7),
            locale=LOCALE,
        )
        self.contributions = (self.published, self.due, self.extended, self.graded, self.certificate)

    @listener(AssignmentPublished, "assignments.tell_published")
    async def tell_published(self, event: AssignmentPublished, delivery: Delivery) -> None:
        """To everybody in the program; published again after it was taken back, it is told again."""
        data = WorkNotice(event.assignment_id, event.program_id, event.title)
        audience = f"program:{event.program_id}"
        await tell(
            self._kernel,
            Notice(self.published.name, f"{event.assignment_id}@{delivery.id}", data, audience=audience),
        )

    @listener(DueSoon, "assignments.tell_due")
    async def tell_due(self, event: DueSoon, delivery: Delivery) -> None:
        due_at = datetime.fromisoformat(event.due_at)
        subject = f"{event.assignment_id}@{event.due_at}:{event.user_id}:{delivery.id}"
        await self._tell(self.due, subject, event.assignment_id, (event.user_id,), due_at, expires_at=due_at)

    @listener(ExtensionGranted, "assignments.tell_extended")
    async def tell_extended(self, event: ExtensionGranted, delivery: Delivery) -> None:
        if event.due_at:
            due_at = datetime.fromisoformat(event.due_at)
            subject = f"{event.assignment_id}@{event.due_at}:{event.user_id}"
            await self._tell(self.extended, subject, event.assignment_id, (event.user_id,), due_at, expires_at=due_at)

    @listener(GradeReleased, "assignments.tell_graded")
    async def tell_graded(self, event: GradeReleased, delivery: Delivery) -> None:
        """Without the points: a phone shows it to whoever holds it. A grade that is released anew is told anew."""
        subject = f"{event.attempt_id}@{delivery.id}"
        await self._tell(self.graded, subject, event.assignment_id, event.user_ids, None)

    @listener(CertificateIssued, "assignments.tell_certificate")
    async def tell_certificate(self, event: CertificateIssued, delivery: Delivery) -> None:
        found = await self._certificates.find(event.certificate_id)
        if found is not None and found.revoked_at is None:
            data = CertificateNotice(found.id, found.program_id, found.program_title)
            await tell(self._kernel, Notice(self.certificate.name, found.id, data, users=(event.user_id,)))

    @listener(CertificateRevoked, "assignments.untell_certificate")
    async def untell_certificate(self, event: CertificateRevoked, delivery: Delivery) -> None:
        await withdraw(self._kernel, self.certificate.name, event.certificate_id)

    async def _tell(
        self,
        kind: Kind,
        subject: str,
        assignment_id: str,
        users: Collection[str],
        due_at: datetime | None,
        *,
        expires_at: datetime | None = None,
    ) -> None:
        found = await self._assignments.find(assignment_id)
        if found is None or not found.published:
            return
        data = WorkNotice(assignment_id, found.program_id, found.title, due_at)
        await tell(self._kernel, Notice(kind.name, subject, data, users=tuple(users), expires_at=expires_at))

    async def _not_turned_in(self, users: Collection[str], subject: str, data: WorkNotice) -> Collection[str]:
        """Students of the program who see it and have turned nothing in."""
        found = await self._assignments.find(data.assignment_id)
        if found is None or not found.published:
            return ()
        return set(await self._students(users, subject, data)) - await self._handed_in.turned_in_by(data.assignment_id)

    async def _due(self, users: Collection[str], subject: str, data: WorkNotice) -> Collection[str]:
        """Those of them for whom it is due at the same moment still: an extension moves it."""
        open_ones = await self._not_turned_in(users, subject, data)
        return set(open_ones) & set(await self._due_then(open_ones, subject, data))

    async def _due_then(self, users: Collection[str], subject: str, data: WorkNotice) -> Collection[str]:
        found = await self._assignments.find(data.assignment_id)
        if found is None or not found.published or not users:
            return ()
        dates = await self._dates.of(found, users)
        return [user for user, own in dates.items() if own.due is not None and own.due.moment() == data.due_at]

    async def _students(self, users: Collection[str], subject: str, data: WorkNotice) -> Collection[str]:
        parts = await parts_of(self._kernel.database, list(users), data.program_id)
        return [user for user, part in parts.items() if part is Part.STUDENT]
