"""Programs with their mentors, and facts of what happened in them, as the modules tell them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.analytics.facade import Fact
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import Event, Source

ANALYTICS = "/api/v1/analytics"
# Far enough back that it is never tomorrow, and within the usual window.
YESTERDAY = timedelta(days=1)


class School:
    """Each school has users and programs of its own."""

    def __init__(self, node: Running, caller: Caller) -> None:
        self.analytics = node.module(AnalyticsModule)
        self.callers = caller
        self.mark = uuid.uuid4().hex[:8]

    def user(self, name: str) -> str:
        return f"{name}-{self.mark}"

    def caller(self, name: str, role: str = "student") -> httpx.AsyncClient:
        return self.callers(self.user(name), role)

    async def program(self, mentor: str = "meera", title: str = "Algebra") -> str:
        made = await self.caller(mentor, "mentor").post("/api/v1/programs", json={"title": title})
        return str(done(made, 201)["id"])

    async def tell(self, *facts: Fact) -> None:
        """Store facts; all of before now is then stored."""
        await self.analytics.writer.write([Event.of(fact) for fact in facts], Source.FACTS, clock.now())

    def fact(self, name: str, at: datetime | None = None, *, user: str = "", **others: Any) -> Fact:
        return Fact(name=name, at=at or clock.now() - YESTERDAY, user_id=self.user(user) if user else "", **others)

    def attended(self, program: str, session: str, present: int, absent: int = 0) -> list[Fact]:
        """A class to which the first of the students came."""
        labels = ["present"] * present + ["absent"] * absent
        return [
            self.fact(
                "live.attended",
                user=f"s{number}",
                program_id=program,
                session_id=session,
                key=session,
                label=label,
                value=600,
            )
            for number, label in enumerate(labels)
        ]

    async def read(self, who: httpx.AsyncClient, path: str, **params: Any) -> Any:
        return done(await who.get(f"{ANALYTICS}/{path}", params=params))


def total(figures: Any) -> tuple[int | None, int | None]:
    """Numerator and denominator of a measure's whole."""
    (one,) = figures["total"]
    return one["numerator"], one["denominator"]


def named(dashboard: Any, name: str) -> Any:
    """The figures of a headline."""
    return next(one for one in dashboard["headlines"] if one["measure"]["name"] == name)
