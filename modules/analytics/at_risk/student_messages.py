"""Writes to students who fall behind, by a notification in the mentor's own words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from gateway.text import checked
from modules.accounts.facade import names_of, record
from modules.analytics.at_risk.at_risk import AtRisk
from modules.analytics.at_risk.message_repository import MessageRepository
from modules.analytics.at_risk.messages import MessageResult, MessageResults, MessageToStudents
from modules.analytics.at_risk.settings import RiskSettings
from modules.analytics.errors import too_many_messages
from modules.notify.facade import Kind, Notice, tell
from modules.programs.facade import Part, offer, parts_of

LOCALE: Final = Path(__file__).parents[1] / "locale"
DAY: Final = timedelta(days=1)
# The act in the audit.
WRITE: Final = "analytics.write_to_students"


class MentorMessage(msgspec.Struct, frozen=True):
    """What the texts of the notification are filled with."""

    program_id: str
    program: str
    mentor: str
    text: str


class StudentMessages:
    """The kind of notification, and the call that tells it. Nobody is written to twice within `message_pause`."""

    def __init__(self, kernel: Kernel, settings: RiskSettings, at_risk: AtRisk) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self._at_risk = at_risk
        self._pause = timedelta(seconds=settings.message_pause)
        self._characters = settings.message_characters
        self._a_day = settings.messages_a_day
        self._rows = MessageRepository(kernel.database)
        self.kind = Kind(
            name="analytics.message",
            data=MentorMessage,
            title="%(mentor)s writes to you about %(program)s",
            body="%(text)s",
            link="/programs/%(program_id)s",
            ttl=timedelta(days=7),
            still_wanted=self._students,
            locale=LOCALE,
        )
        self.contributions = (self.kind,)

    async def send(self, principal: Principal, program: str, new: MessageToStudents) -> MessageResults:
        """Write to students of the program.

        Raises BadInput `invalid` or `too_large` for the text, what filters raise, Limited
        `analytics.too_many_messages`, what `AtRisk.check_teaches` raises, and Unavailable, after which it may be sent:
        a repeat answers `recently` then.
        """
        await self._at_risk.check_teaches(principal, program)
        checked(new.text, self._characters, "text")
        await self._kernel.filters.check(new, Author.of(principal))
        users = list(dict.fromkeys(new.users))
        found = await offer(self._database, program)
        if found is None:
            raise not_found("there is no such program")
        students = await self._students(users, program, None)
        now = clock.now()
        async with self._database.transaction():
            await self._rows.lock(principal.id)
            told = await self._rows.mark(program, students, principal.id, now, now - self._pause)
            if told:
                await self._check_rate(principal.id)
                data = MentorMessage(program, found.title, principal.name, new.text)
                subject = f"{program}@{new_id()}"
                notice = Notice(self.kind.name, subject, data, users=tuple(sorted(told)), actor=principal.id)
                await tell(self._kernel, notice)
                await record(self._database, principal, WRITE, program, {"students": sorted(told)})
            written = await self._rows.written(program, students)
        return MessageResults([_result(user, told, written) for user in users])

    async def held(self, user: str) -> Mapping[str, Any]:
        """What an export shows."""
        rows = await self._rows.held(user)
        return {"messages": rows} if rows else {}

    async def forget(self, user: str) -> None:
        await self._rows.forget(user)

    async def _check_rate(self, by: str) -> None:
        now = clock.now()
        count, first = await self._rows.sent(by, now - DAY)
        if count > self._a_day:
            raise too_many_messages(self._a_day, ((first or now) + DAY - now).total_seconds())

    async def _students(self, users: Collection[str], subject: str, data: object) -> Sequence[str]:
        """Those of these users who are students of the program; `subject` begins with its id."""
        # A program that is open to all has every id as its student, also one that nobody has.
        known = await names_of(self._database, list(users))
        parts = await parts_of(self._database, list(known), subject.partition("@")[0])
        return [user for user in users if parts.get(user) is Part.STUDENT]


def _result(user: str, told: Collection[str], written: Mapping[str, Any]) -> MessageResult:
    at = written.get(user)
    return MessageResult(user, "sent" if user in told else "no_student" if at is None else "recently", at)
