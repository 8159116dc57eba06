"""Two programs with facts: Meera's, where Ann learns, and Omar's, where Bob does and Ann once was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from gateway import clock
from modules.analytics.facade import Fact
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

A = "/api/v1/analytics"


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
