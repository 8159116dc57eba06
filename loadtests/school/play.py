"""One run: the course and the class are played, then the figures of the dashboards are compared with the books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from devstack.people import many_tokens
from gateway.principal import Role
from ksmp_client import Room
from loadtests import stack
from loadtests.checkouts.run import SETTINGS as CHECKOUTS
from loadtests.checkouts.shop import Shop
from loadtests.school.books import ClassBook
from loadtests.school.comparison import Dashboards
from loadtests.school.course import Course
from loadtests.school.expected import funnel, of_business, of_staff, of_student
from loadtests.school.live_class import BIG, LATE, SMALL, LiveClass

GATEWAYS: Final = 2
SETTINGS: Final = CHECKOUTS | {
    "KSMP_LIVE_ATTENDANCE_INTERVAL": "1",
    "KSMP_LIVE_ATTENDANCE_LATE": str(LATE),
    "KSMP_LIVE_STARS_OPEN": "3600",
    "KSMP_PAYMENTS_ORDER_LIFE": "900",
    "KSMP_ANALYTICS_FRESH": "0.1",
    "KSMP_ANALYTICS_WATCH_RATE_COUNT": "100",
}
# Students of each program whose dashboard is looked at.
SAMPLE: Final = 12


async def play(students: int = 200, places: int = 50, more: int = 8) -> list[str]:
    """Every figure that is not what the players did."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=50)
    async with (
        stack.running(GATEWAYS, **SETTINGS) as running,
        httpx.AsyncClient(limits=limits, timeout=20.0, trust_env=False) as http,
        asyncpg.create_pool(running.database_url, min_size=1, max_size=2) as database,
    ):
        shop = Shop(running, http, database, seed=1)

        def tokens(count: int, prefix: str) -> dict[str, str]:
            made = many_tokens(Path(running.data), Role.STUDENT, count=count, prefix=prefix, ttl=3600.0)
            return {f"{prefix}-student-{number}": token for number, token in enumerate(made, 1)}

        dashboards = Dashboards(shop, datetime.now(UTC).replace(microsecond=0))
        await dashboards.look_before()
        course = Course(shop, tokens(places + more, "buyer"), places)
        await course.open()
        await course.buy()
        await course.learn()
        small = LiveClass(shop, course.learners, SMALL)
        small.book.program, small.book.expected = course.book.program, course.book.learners
        big = LiveClass(shop, tokens(students, "pupil"), BIG)
        await big.open()
        faults: list[str] = []
        for lesson in (big, small):
            await lesson.plan()
            await lesson.teach(partial(_look, lesson.book, faults))
        return faults + await _differences(dashboards, shop, course, [big, small])


async def _look(book: ClassBook, faults: list[str], room: Room) -> None:
    """What the mentor is shown in the middle of the class."""
    wanted = {
        "viewers": len(book.on_time | book.late),
        "hands_raised": len(book.hands),
        "questions_asked": sum(book.questions.values()),
        "voters": len(book.votes),
    }
    until = time.monotonic() + 20.0
    while True:
        figures = (await room.command("analytics.watch", {}, patient=True))["figures"]
        shown = {name: figures[name] for name in wanted if name in figures}
        shown["voters"] = figures["poll"]["voters"] if figures["poll"] else 0
        if shown == wanted:
            return
        if time.monotonic() > until:
            faults.append(f"in class the mentor was shown {shown}, and it was {wanted}")
            return
        await asyncio.sleep(1.0)


async def _differences(dashboards: Dashboards, shop: Shop, course: Course, lessons: Sequence[LiveClass]) -> list[str]:
    book, classes, running = course.book, [lesson.book for lesson in lessons], shop.running
    staff, business = of_staff(book, classes), of_business(book, classes)
    faults = await dashboards.differences("mentor", running.tokens["mentor"], staff)
    faults += await dashboards.differences("admin", running.tokens["admin"], staff | business)
    steps = await dashboards.kinds(running.tokens["admin"], "funnel")
    if steps != (wanted := funnel(book, classes)):
        faults.append(f"admin: the steps of orders are {steps}, and were {wanted}")
    for source in (course.tokens, lessons[0].tokens):
        # Some of every sort: who is late, gave the place back, did not come.
        for user in list(source)[:: max(1, len(source) // SAMPLE)]:
            wrong = await dashboards.differences("student", source[user], of_student(user, book, classes))
            faults += [f"{user}, {fault}" for fault in wrong]
    return faults
