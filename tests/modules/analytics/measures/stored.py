"""Facts as they are stored, written beside the module: events are left out where no test reads them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from modules.analytics.facade import Fact
from modules.analytics.measures.window import Window
from modules.analytics.measures.zone import Zone

INDIA = Zone("Asia/Kolkata")
# Long ago, so that facts of other tests, which happen now, are not counted.
DAY = date(2021, 3, 1)


def at(day: int = 0, hour: int = 12, minute: int = 0) -> datetime:
    """A moment in India, so many days after 1 March 2021, a Monday."""
    return INDIA.begin(DAY + timedelta(days=day)) + timedelta(hours=hour, minutes=minute)


def window(days: int = 7, first: int = 0) -> Window:
    """So many days in India from that day on."""
    return Window(INDIA.begin(DAY + timedelta(days=first)), INDIA.begin(DAY + timedelta(days=first + days)), INDIA)


def bucket_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC) - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(minutes=15)


class Stored:
    """Writes rollups, registers and learner days. Each object has users and programs of its own."""

    def __init__(self, database: asyncpg.Pool[Any]) -> None:
        self._database = database
        self.mark = uuid.uuid4().hex[:8]
        self.subjects: dict[str, uuid.UUID] = {}

    def program(self, name: str = "p") -> str:
        return f"{name}-{self.mark}"

    async def subject(self, user: str) -> uuid.UUID:
        """The subject of a user of this object."""
        if user not in self.subjects:
            self.subjects[user] = uuid.uuid4()
            await self._database.execute(
                "INSERT INTO analytics_subject (user_id, subject) VALUES ($1, $2)", user, self.subjects[user]
            )
        return self.subjects[user]

    async def add(self, *facts: Fact, registers: Sequence[str] = (), activity: Sequence[str] = ()) -> None:
        for fact in facts:
            subject = await self.subject(fact.user_id) if fact.user_id else None
            await self._database.execute(
                """
                INSERT INTO analytics_rollup AS r VALUES ($1, $2, $3, $4, $5, 1, $6)
                ON CONFLICT (name, bucket, program_id, session_id, label)
                DO UPDATE SET count = r.count + 1, value = r.value + $6
                """,
                *(bucket_of(fact.at), fact.name, fact.program_id, fact.session_id, fact.label, fact.value),
            )
            if fact.name in registers:
                key = f"{fact.key}:{subject}" if subject else fact.key
                await self._database.execute(
                    """
                    INSERT INTO analytics_register AS r VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                    ON CONFLICT (name, key) DO UPDATE SET at = $3, label = $8, value = $9 WHERE r.at <= $3
                    """,
                    *(fact.name, key, fact.at, uuid.uuid4(), subject),
                    *(fact.program_id, fact.session_id, fact.label, fact.value),
                )
            if fact.name in activity:
                await self._database.execute(
                    "INSERT INTO analytics_learner_day VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                    *(INDIA.day_of(fact.at), fact.program_id, subject),
                )

    async def as_of(self, moment: datetime) -> None:
        """All that happened before is stored."""
        await self._database.execute("UPDATE analytics_progress SET as_of = $1", moment)
