"""Client events of the lab, as a client makes and sends them, and what is stored of them."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from gateway import clock
from tests.modules.analytics.lab import id_of

EVENTS = "/api/v1/analytics/events"
CONSENT = "/api/v1/analytics/consent"
INTAKE = "analytics.events"
_numbers = itertools.count(1)


def click(program: str, happened: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One event, with its id and its time by the client's clock."""
    at = happened or clock.now()
    event = {
        "id": id_of(at, next(_numbers)),
        "name": "lab.clicked",
        "at": at.isoformat(),
        "properties": {"button": "start", "program_id": program, "times": 2},
    }
    return event | changes


def sent(*events: dict[str, Any], behind: timedelta = timedelta(0)) -> dict[str, Any]:
    """A request of a client whose clock is behind by so much."""
    return {"sent_at": (clock.now() - behind).isoformat(), "events": list(events)}


def outcomes(answer: dict[str, Any]) -> list[str]:
    """What became of each event: the code of one that was refused."""
    return [one.get("code") or one["outcome"] for one in answer["events"]]


async def rows(database: asyncpg.Pool, program: str) -> list[asyncpg.Record]:
    return await database.fetch(
        "SELECT id, at, name, subject, label, value, client FROM analytics_event WHERE program_id = $1 ORDER BY id",
        program,
    )


async def subject_of(database: asyncpg.Pool, user: str) -> UUID | None:
    found: UUID | None = await database.fetchval("SELECT subject FROM analytics_subject WHERE user_id = $1", user)
    return found
