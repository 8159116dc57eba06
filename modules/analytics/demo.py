"""What `ksmp dev` shows of analytics: eight weeks of two programs, made up.

They are facts alone: no module has rows of these classes, orders and students.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from gateway import clock
from gateway.contract import Database
from modules.analytics.facade import Fact
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

DAYS: Final = 56
BATCH: Final = 5_000
BUCKET: Final = 900
# A class begins at this time of the zone, and lasts an hour.
EVENING: Final = time(18, 0)
CLASS: Final = timedelta(hours=1)
# When an assignment takes no more submissions.
DUE: Final = timedelta(days=7)
FREE: Final = "demo"
PAID: Final = "demo-paid"
# On which days of the week each program has a class, Monday being 0.
CLASSES: Final = {FREE: (0, 2, 4), PAID: (1, 5)}
LESSONS: Final = 12
# Students who come, learn and hand in less than the others.
BEHIND: Final = 3
PRICE: Final = 49_900
SEEDED: Final = "SELECT FROM analytics_rollup WHERE name = 'programs.enrolment' AND program_id = $1 LIMIT 1"


async def seed(database: Database, writer: EventWriter, zone: str, student: str) -> None:
    """Store the facts, once. `student` is a user who is one of the students. Raises Unavailable."""
    if await database.fetch(SEEDED, FREE):
        return
    now = clock.now()
    demo = Demo(now.astimezone(ZoneInfo(zone)).date(), ZoneInfo(zone), student)
    events = [Event.of(fact) for fact in demo.facts() if fact.at < now]
    for begin in range(0, len(events), BATCH):
        await writer.write(events[begin : begin + BATCH], Source.FACTS)


class Demo:
    """The facts of eight weeks until `today`, the same for the same day."""

    def __init__(self, today: date, zone: ZoneInfo, student: str) -> None:
        self._days = [today - timedelta(days=DAYS - number) for number in range(DAYS + 1)]
        self._zone = zone
        self._random = random.Random(7)  # noqa: S311 (no secret is made of it)
        others = [f"demo-student-{number:02}" for number in range(1, 28)]
        self._students = {FREE: [student, *others[:23]], PAID: others[12:]}
        # How eager a student is, between 0 and 1.
        self._eager = {user: self._random.uniform(0.72, 0.98) for user in (student, *others)}
        self._eager |= dict.fromkeys(others[:BEHIND], 0.3)

    def facts(self) -> Iterator[Fact]:
        for program in CLASSES:
            yield from self._program(program)
            yield from self._classes(program)
            yield from self._assignments(program)
        yield from self._shop()

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self._zone).astimezone(UTC)

    def _program(self, program: str) -> Iterator[Fact]:
        """Students, lessons, and who completed them."""
        begin = self._at(self._days[0], time(9, 0))
        for number in range(LESSONS):
            yield Fact(
                name="programs.lesson", at=begin, program_id=program, key=f"{program}-lesson-{number}", label="there"
            )
        for user in self._students[program]:
            joined = begin + timedelta(minutes=self._random.randrange(60, 2_880))
            fact = partial(Fact, at=joined, user_id=user, program_id=program)
            yield fact(name="programs.enrolled", key=program, label="enrolled")
            yield fact(name="programs.enrolment", value=1)
            done = 0
            for number in range(LESSONS):
                # A lesson every four days; who is eager does nearly all of them.
                if self._random.random() < self._eager[user] ** 0.5:
                    at = joined + timedelta(days=4 * number + self._random.uniform(1, 4))
                    done += 1
                    key = f"{program}-lesson-{number}"
                    yield fact(name="programs.lesson_done", at=at, key=key, value=1)
            if done == LESSONS:
                yield fact(name="programs.completed", at=joined + timedelta(days=50), key=program, value=1)

    def _classes(self, program: str) -> Iterator[Fact]:
        held = [day for day in self._days if day.weekday() in CLASSES[program]]
        for number, day in enumerate(held, 1):
            yield from self._class(program, f"{program}-class-{number}", self._at(day, EVENING), number)

    def _class(self, program: str, session: str, start: datetime, number: int) -> Iterator[Fact]:
        """One class, as the module of classes tells of it when it is over."""
        end = start + CLASS
        fact = partial(Fact, program_id=program, session_id=session)
        seconds = int(CLASS.total_seconds())
        state = partial(fact, name="live.session", key=session)
        yield state(at=start - timedelta(days=2), label="scheduled", value=seconds)
        yield state(at=start, label="live")
        yield state(at=end, label="ended", value=seconds)
        came = 0
        voters = 0
        for user in self._students[program]:
            # Attendance falls in the middle of the program, and comes back.
            there = self._random.random() < self._eager[user] - (0.14 if 7 <= number <= 11 else 0)
            mine = partial(fact, user_id=user)
            attended = partial(mine, name="live.attended", at=end, key=session)
            if not there:
                yield attended(label="absent")
                continue
            came += 1
            late = self._random.random() > 0.85
            first = self._random.randrange(600, 1_500) if late else self._random.randrange(240)
            last = seconds if self._random.random() < 0.8 else self._random.randrange(1_800, seconds)
            yield attended(label="late" if late else "present", value=last - first)
            for bucket in range(first // BUCKET, (last - 1) // BUCKET + 1):
                begun, left = max(first, bucket * BUCKET), min(last, (bucket + 1) * BUCKET)
                yield mine(name="live.watched", at=start + timedelta(seconds=begun), value=left - begun)
            for name, passed in (("live.joined_at", first), ("live.left_at", last)):
                label = str(min(9, passed * 10 // seconds))
                yield mine(name=name, at=start + timedelta(seconds=passed), label=label, value=1)
            ways = {"chat": 0.6, "hand": 0.15, "question": 0.25, "poll": 0.7}
            for way, share in ways.items():
                if self._random.random() < share * self._eager[user]:
                    voters += way == "poll"
                    count = 1 if way in ("hand", "poll") else self._random.randrange(1, 6)
                    yield mine(name="live.took_part", at=end, key=f"{session}:{way}", label=way, value=count)
            if self._random.random() < 0.5:
                stars = self._random.choices((5, 4, 3, 2), (62, 28, 8, 2))[0]
                at = end + timedelta(minutes=self._random.randrange(1, 90))
                yield mine(name="live.stars", at=at, label=str(stars), value=1, part="1")
        for kind, most in (("message", 24), ("question", 4), ("hand", 2), ("poll", came)):
            for bucket in range(4):
                count = self._random.randrange(most) if most > 1 else 0
                if count:
                    at = start + timedelta(seconds=bucket * BUCKET + 60)
                    yield fact(name="live.said", at=at, label=kind, value=count)
        yield fact(name="live.poll_taken", at=start + CLASS / 2, key=f"{session}-poll", label="named", value=voters)
        yield fact(name="live.peak", at=end, key=session, value=came)
        yield fact(name="live.stream", at=end, key=session, value=self._random.choice((0, 0, 0, 12, 41)))

    def _assignments(self, program: str) -> Iterator[Fact]:
        """One a week, due after five days and graded some days later."""
        for week in range(DAYS // 7):
            given = self._at(self._days[week * 7], time(10, 0))
            assignment = f"{program}-assignment-{week + 1}"
            fact = partial(Fact, program_id=program)
            yield fact(name="assignments.assignment", at=given, key=assignment, label="published")
            yield fact(name="assignments.assignment", at=given + DUE, key=assignment, label="closed")
            for user in self._students[program]:
                if self._random.random() > self._eager[user]:
                    continue
                late = self._random.random() > 0.88
                at = given + timedelta(days=self._random.uniform(5, 7) if late else self._random.uniform(2, 5))
                mine = partial(fact, user_id=user)
                label = "late" if late else "on_time"
                yield mine(name="assignments.turned_in", at=at, key=assignment, label=label, value=int(late))
                graded = at + timedelta(hours=self._random.uniform(6, 72))
                submission = f"{assignment}-{user}"
                score = self._random.randrange(5_500, 10_000)
                yield mine(name="assignments.graded", at=graded, key=submission, value=score)
                waited = int((graded - at).total_seconds())
                yield mine(name="assignments.first_grade", at=graded, key=submission, value=waited)

    def _shop(self) -> Iterator[Fact]:
        """Visits of the catalogue end as orders, attempts and payments; a few are paid back."""
        for number, day in enumerate(self._days):
            for order in range(self._random.randrange(1, 5) + number // 14):
                at = self._at(day, time(8, 0)) + timedelta(minutes=self._random.randrange(900))
                key = f"demo-order-{number}-{order}"
                fact = partial(Fact, user_id=f"demo-buyer-{number}-{order}", program_id=PAID)
                yield fact(name="payments.order_made", at=at, key=key, label="INR", value=PRICE)
                if self._random.random() < 0.1:
                    continue
                paid_at = at + timedelta(minutes=3)
                if self._random.random() < 0.06:
                    yield fact(name="payments.order_attempted", at=paid_at, key=key)
                    yield fact(name="payments.attempt", at=paid_at, key=f"{key}-failed", label="failed")
                    if self._random.random() < 0.3:
                        continue
                payment = f"{key}-paid"
                money = partial(fact, label="INR", value=PRICE)
                yield money(name="payments.order_paid", at=paid_at, key=key)
                yield money(name="payments.order_attempted", at=paid_at, key=key)
                yield fact(name="payments.attempt", at=paid_at, key=payment, label="captured", value=PRICE)
                yield money(name="payments.revenue", at=paid_at, key=payment)
                if self._random.random() < 0.04:
                    yield money(name="payments.refund", at=paid_at + timedelta(days=2), key=f"{key}-refund")
