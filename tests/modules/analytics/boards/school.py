"""Two programs with facts: Meera's, where Ann learns, and Omar's, where Bob does and Ann once was."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.analytics.facade import Fact
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

A = "/api/v1/analytics"


async def opened(running: Running, caller: Caller) -> School:
    """A school in which each mentor has published a program, and each student has a place."""
    mark = uuid.uuid4().hex[:8]

    def client(name: str, role: str) -> httpx.AsyncClient:
        return caller(f"{name}-{mark}", role)

    meera, omar = client("meera", "mentor"), client("omar", "mentor")
    ann, bob = client("ann", "student"), client("bob", "student")
    programs = []
    for mentor, student in ((meera, ann), (omar, bob)):
        program = done(await mentor.post("/api/v1/programs", json={"title": "Algebra"}), 201)["id"]
        done(await mentor.post(f"/api/v1/programs/{program}/publish", headers={"If-Match": "*"}))
        done(await student.post(f"/api/v1/programs/{program}/enrolment"))
        programs.append(program)
    writer = running.module(AnalyticsModule).writer
    return School(mark, writer, meera, omar, ann, bob, client("root", "admin"), *programs)


@dataclass
class School:
    """People with clients, and the ids of the programs `p`, which Meera teaches, and `q`, which Omar does."""

    mark: str
    writer: EventWriter
    meera: httpx.AsyncClient
    omar: httpx.AsyncClient
    ann: httpx.AsyncClient
    bob: httpx.AsyncClient
    root: httpx.AsyncClient
    p: str
    q: str

    def id(self, name: str) -> str:
        return f"{name}-{self.mark}"

    def fact(self, name: str, user: str, program: str, *, at: datetime | None = None, **others: Any) -> Fact:
        """A fact of a user in a program; of yesterday, where nothing else is said."""
        when = at or clock.now() - timedelta(days=1)
        return Fact(name=name, at=when, user_id=self.id(user) if user else "", program_id=program, **others)

    def attended(self, user: str, label: str, program: str, seconds: int = 0) -> Fact:
        session = f"s-{program}"
        return self.fact("live.attended", user, program, session_id=session, key=session, label=label, value=seconds)

    async def tell(self, *facts: Fact) -> list[Event]:
        """Store facts as those of modules are stored."""
        events = [Event.of(fact) for fact in facts]
        await self.writer.write(events, Source.FACTS)
        return events
