"""A program whose facts are written by the test, and a gateway that notifies at once."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Clients, MakeGateway, Running
from modules.analytics.facade import Fact
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

ENVIRON = {
    "KSMP_ANALYTICS_MESSAGES_A_DAY": "3",
    "KSMP_ANALYTICS_MESSAGE_CHARACTERS": "100",
    "KSMP_NOTIFY_INTERVAL": "0.2",
}
DAY = timedelta(days=1)


@dataclass
class Course:
    """A program of `mentor`, with what happened in it."""

    writer: EventWriter
    database: asyncpg.Pool[Any]
    now: datetime = field(default_factory=clock.now)
    program: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def mentor(self) -> str:
        return f"mentor-{self.program[:8]}"

    @property
    def path(self) -> str:
        return f"/api/v1/analytics/programs/{self.program}/at-risk"

    def user(self, name: str) -> str:
        return f"{name}-{self.program[:8]}"

    async def write(self, *facts: Fact) -> None:
        await self.writer.write([Event.of(fact) for fact in facts], Source.FACTS, clock.now())

    def fact(self, name: str, key: str, label: str, days: float, user: str = "", **others: Any) -> Fact:
        """A fact of so many days ago."""
        return Fact(
            name=name,
            at=self.now - days * DAY,
            user_id=self.user(user) if user else "",
            program_id=self.program,
            key=f"{key}-{self.program}",
            label=label,
            **others,
        )

    async def enrol(self, *names: str, days: float = 60) -> None:
        """They have a place, are known on the platform, and analytics has heard of it."""
        for name in names:
            user = self.user(name)
            await self.database.execute(
                "INSERT INTO account_user (id, name, role) VALUES ($1, $2, 'student')", user, name.title()
            )
            await self.database.execute(
                "INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", self.program, user
            )
        await self.write(*[self.fact("programs.enrolled", "place", "enrolled", days, name) for name in names])

    async def classes(self, days: Sequence[float], **labels: Sequence[str]) -> None:
        """A class so many days ago each; of each student what they were in each."""
        facts = [
            self.fact("live.attended", f"class-{day}", label, day, name)
            for name, theirs in labels.items()
            for day, label in zip(days, theirs, strict=True)
            if label
        ]
        await self.write(*facts)

    async def assignments(self, closed: Sequence[float], **labels: Sequence[str]) -> None:
        """An assignment that closed so many days ago each; of each student how they turned it in, or empty."""
        facts = [self.fact("assignments.assignment", f"work-{day}", "closed", day) for day in closed]
        facts += [
            self.fact("assignments.turned_in", f"work-{day}", label, day + 1, name)
            for name, theirs in labels.items()
            for day, label in zip(closed, theirs, strict=True)
            if label
        ]
        await self.write(*facts)

    async def lessons(self, count: int, **done: int) -> None:
        """The program has so many lessons; how many each student has completed."""
        facts = [self.fact("programs.lesson", f"lesson-{number}", "there", 50) for number in range(count)]
        facts += [
            self.fact("programs.lesson_done", f"lesson-{number}", "", 5, name, value=1)
            for name, theirs in done.items()
            for number in range(theirs)
        ]
        await self.write(*facts)


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(environ=ENVIRON) as running:
        yield running


@pytest.fixture
async def course(node: Running, database: asyncpg.Pool[Any], clients: Clients) -> Course:
    made = Course(node.module(AnalyticsModule).writer, database)
    await database.execute(
        "INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', $2)", made.program, made.mentor
    )
    # The platform knows the mentor's role from the first request on.
    assert (await clients.rest(made.mentor, "mentor").get("/api/v1/users/me")).status_code == 200
    return made
