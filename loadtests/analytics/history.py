"""The history of a school as facts and client events: as many as one wants, in the shares that a school would have.

Programs, students and times are chosen by a seeded generator. Classes make over half of the events, since each viewer
is a fact in every 15 minutes. A fifth comes from clients, and a twentieth from the histograms of gateways.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from gateway import clock
from modules.analytics.facade import Fact
from modules.analytics.store.event import Event, Source

DAY: Final = timedelta(days=1)
# Of the batches that the writer gets.
BATCH: Final = 5000
CLASS_SECONDS: Final = 3600
# A class as 50 students see it: attended, watched, came, left and took part; and what is said of the class itself.
STUDENTS: Final = 50
EVENTS_OF_CLASS: Final = 470
ASSIGNMENTS: Final = 20
LATENCIES: Final = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "+Inf")


class History:
    """`count` events of the `days` before `until`, program by program and student by student."""

    def __init__(self, count: int, days: int, until: datetime, seed: int) -> None:
        self._dice = random.Random(seed)
        self._days = days
        self._a_day = count / days
        self._begin = until - days * DAY
        programs, students = max(10, count // 80_000), max(500, count // 500)
        self.programs = [self._id() for _ in range(programs)]
        users = [f"user-{number}" for number in range(students)]
        # One of them is somebody who can sign in.
        users[0] = "dev-student"
        self._students = {program: self._dice.sample(users, k=min(320, students // 2)) for program in self.programs}
        for program in self.programs[:3]:
            self._students[program][0] = "dev-student"
        self._lessons = {program: [self._id() for _ in range(40)] for program in self.programs}

    def batches(self) -> Iterator[tuple[Source, list[Event]]]:
        """All of it, in the order in which it would arrive."""
        yield from _batched(Source.FACTS, self._enrolments())
        for day in range(self._days):
            at = self._begin + day * DAY
            yield from _batched(Source.FACTS, self._facts(at))
            yield from _batched(Source.CLIENTS, self._client_events(at))

    def classes(self, count: int, at: datetime) -> list[Event]:
        """The facts of some classes that end now, for what is written while others read."""
        found: list[Event] = []
        while len(found) < count:
            found += self._class(at - timedelta(seconds=CLASS_SECONDS))
        return found[:count]

    def _enrolments(self) -> Iterator[Event]:
        for program, students in self._students.items():
            for lesson in self._lessons[program]:
                yield self._fact("programs.lesson", self._begin, program, key=lesson, label="there")
            for number in range(ASSIGNMENTS):
                key = f"{program}-{number}"
                yield self._fact("assignments.assignment", self._begin, program, key=key, label="published")
            for user in students:
                at = self._begin + self._dice.random() * self._days * 0.5 * DAY
                fact = partial(self._fact, at=at, program=program, user=user)
                order = self._id()
                yield fact("payments.order_made", key=order, label="INR", value=499_900)
                if self._dice.random() < 0.2:
                    yield fact("payments.attempt", key=self._id(), label="failed")
                if self._dice.random() < 0.9:
                    payment = self._id()
                    yield fact("payments.order_attempted", key=order, label="INR", value=499_900)
                    yield fact("payments.attempt", key=payment, label="captured", value=499_900)
                    yield fact("payments.order_paid", key=order, label="INR", value=499_900)
                    yield fact("payments.revenue", key=payment, label="INR", value=499_900)
                    if self._dice.random() < 0.05:
                        yield fact("payments.refund", key=self._id(), label="INR", value=499_900)
                yield fact("programs.enrolled", key=program, label="enrolled")
                yield fact("programs.enrolment", value=1)

    def _facts(self, day: datetime) -> Iterator[Event]:
        for _ in range(round(self._a_day * 0.55 / EVENTS_OF_CLASS)):
            yield from self._class(day + self._within_a_day())
        for _ in range(round(self._a_day * 0.2 / 3)):
            yield from self._study(day + self._within_a_day())
        for number in range(round(self._a_day * 0.05 / 2)):
            at = day + number * DAY / (self._a_day * 0.025)
            label, value = self._dice.choice(LATENCIES), self._dice.randrange(400)
            part = str(number)
            yield self._fact("gateway.rest_seconds", at, label=label, value=value, part=part)
            yield self._fact("gateway.chat_seconds", at, label=label, value=value, part=part)

    def _class(self, begin: datetime) -> Iterator[Event]:
        program, session = self._dice.choice(self.programs), self._id()
        end = begin + timedelta(seconds=CLASS_SECONDS)
        fact = partial(self._fact, program=program, session=session)
        yield fact("live.session", begin - DAY, key=session, label="scheduled", value=CLASS_SECONDS)
        yield fact("live.session", end, key=session, label="ended", value=CLASS_SECONDS)
        yield fact("live.peak", end, key=session, value=round(STUDENTS * 0.8))
        yield fact("live.stream", end, key=session, value=self._dice.randrange(20))
        for quarter in range(4):
            at = begin + quarter * timedelta(minutes=15)
            for kind, most in (("message", 120), ("hand", 9), ("question", 5)):
                yield fact("live.said", at, label=kind, value=self._dice.randrange(1, most))
        for number in range(2):
            yield fact("live.poll_taken", end, key=f"{session}-{number}", label="named", value=self._dice.randrange(40))
        for user in self._dice.sample(self._students[program], k=STUDENTS):
            state = self._dice.choices(("present", "late", "absent"), (72, 12, 16))[0]
            of_user = partial(fact, user=user)
            yield of_user("live.attended", end, key=session, label=state, value=0 if state == "absent" else 3000)
            if state == "absent":
                continue
            for quarter in range(4):
                at = begin + timedelta(minutes=15 * quarter, milliseconds=self._dice.randrange(60_000))
                yield of_user("live.watched", at, value=self._dice.randrange(500, 900))
            yield of_user("live.joined_at", begin, label=str(self._dice.randrange(3)), value=1)
            yield of_user("live.left_at", end, label=str(self._dice.choice((5, 8, 9, 9, 9))), value=1)
            for kind, share in (("chat", 0.6), ("hand", 0.2), ("question", 0.15), ("poll", 0.7)):
                if self._dice.random() < share:
                    value = self._dice.randrange(1, 12)
                    yield of_user("live.took_part", end, key=f"{session}:{kind}", label=kind, value=value)
            if self._dice.random() < 0.3:
                stars = str(self._dice.choice((3, 4, 5, 5, 5)))
                yield fact("live.stars", end, label=stars, value=1, part=user)

    def _study(self, at: datetime) -> Iterator[Event]:
        program = self._dice.choice(self.programs)
        user = self._dice.choice(self._students[program])
        fact = partial(self._fact, program=program, user=user)
        yield fact("programs.lesson_done", at, key=self._dice.choice(self._lessons[program]), value=1)
        submission = self._id()
        if self._dice.random() < 0.7:
            late = self._dice.random() < 0.1
            key = f"{program}-{self._dice.randrange(ASSIGNMENTS)}"
            yield fact("assignments.turned_in", at, key=key, label="late" if late else "on_time", value=int(late))
        if self._dice.random() < 0.6:
            graded = at + timedelta(hours=8)
            yield fact("assignments.graded", graded, key=submission, value=self._dice.randrange(4000, 10_000))
            yield fact("assignments.first_grade", graded, key=submission, value=28_800)

    def _client_events(self, day: datetime) -> Iterator[Event]:
        for _ in range(round(self._a_day * 0.2)):
            at, program = day + self._within_a_day(), self._dice.choice(self.programs)
            user = self._dice.choice(self._students[program]) if self._dice.random() < 0.6 else ""
            name = self._dice.choice(("catalogue.program_viewed", "catalogue.program_viewed", "live.player_stalled"))
            value = self._dice.randrange(5000) if name == "live.player_stalled" else 0
            yield Event(id=self._id7(at), at=at, name=name, user_id=user, program_id=program, value=value)

    def _fact(
        self,
        name: str,
        at: datetime,
        program: str = "",
        session: str = "",
        user: str = "",
        key: str = "",
        label: str = "",
        value: int = 0,
        part: str = "",
    ) -> Event:
        return Event.of(
            Fact(
                name=name,
                at=at,
                user_id=user,
                program_id=program,
                session_id=session,
                key=key,
                label=label,
                value=value,
                part=part,
            )
        )

    def _within_a_day(self) -> timedelta:
        """Most of it in the afternoon of India."""
        return timedelta(hours=min(23.9, max(0.0, self._dice.gauss(11, 4))))

    def _id(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128)))

    def _id7(self, at: datetime) -> UUID:
        return UUID(int=clock.to_ms(at) << 80 | 7 << 76 | 2 << 62 | self._dice.getrandbits(61))


def _batched(source: Source, events: Iterator[Event]) -> Iterator[tuple[Source, list[Event]]]:
    batch: list[Event] = []
    for event in events:
        batch.append(event)
        if len(batch) == BATCH:
            yield source, batch
            batch = []
    if batch:
        yield source, batch
