"""A rebuild makes what is added up equal to what the events say, whatever it was before."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from gateway.db.database import PostgresDatabase
from gateway.errors import Conflict
from ksmp_testkit import MakeSettings
from modules.analytics.measures.zone import Zone
from modules.analytics.store.event import Source
from modules.analytics.store.rebuild import Rebuild
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.store.events import NAMES, NOON, ZONE, Story, computed, stored

FIRST, AFTER = date(2021, 3, 8), date(2021, 3, 13)


@pytest.fixture
async def rebuild(store: PostgresDatabase, database: asyncpg.Pool[Any]) -> AsyncIterator[Rebuild]:
    yield Rebuild(store, lambda: NAMES, ZONE)
    await database.execute("DELETE FROM analytics_rebuild")


async def finished(rebuild: Rebuild) -> int:
    """Do what is left of it; in how many steps."""
    steps = 1
    while await rebuild.step() is not None:
        steps += 1
    return steps


def told(story: Story) -> list[Any]:
    return [
        story.fact("test.state", NOON - timedelta(days=1), key="s1", label="live"),
        story.fact("test.state", NOON, key="s1", label="ended"),
        story.fact("test.done", NOON, key="x", user="ann"),
        story.fact("test.done", NOON + timedelta(days=1), key="y", user="bob"),
        story.fact(at=NOON - timedelta(hours=30), user="ann", value=60),
        story.fact(at=NOON, user="ann", value=600),
    ]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE analytics_rollup SET count = count + 1, value = 7 WHERE program_id = $1",
        "DELETE FROM analytics_rollup WHERE program_id = $1",
        """
        INSERT INTO analytics_rollup SELECT bucket, name, program_id, session_id, 'stray', 1, 1 FROM analytics_rollup
        WHERE program_id = $1
        """,
        "DELETE FROM analytics_register WHERE program_id = $1",
        # One that no event says is the latest of its key.
        "UPDATE analytics_register SET at = at + interval '1 hour', label = 'stray' WHERE program_id = $1",
        "UPDATE analytics_register SET label = 'stray' WHERE program_id = $1",
        "UPDATE analytics_register SET name = 'test.watched' WHERE program_id = $1",
        "UPDATE analytics_register SET key = key || 'stray' WHERE program_id = $1",
        "DELETE FROM analytics_learner_day WHERE program_id = $1",
        "DELETE FROM analytics_day WHERE program_id = $1",
        "UPDATE analytics_day SET count = count + 1 WHERE program_id = $1",
        "UPDATE analytics_register SET day = day - 1, label = 'stray' WHERE program_id = $1",
        "UPDATE analytics_learner_day SET day = day - 1 WHERE program_id = $1",
    ],
)
async def test_what_was_wrong_is_right(
    rebuild: Rebuild, writer: EventWriter, database: asyncpg.Pool[Any], damage: str
) -> None:
    story = Story()
    await writer.write(facts := told(story), Source.FACTS)
    await database.execute(damage, story.program)
    assert await stored(database, story.program) != computed(facts)
    await rebuild.begin(FIRST, AFTER)
    assert await finished(rebuild) == 5
    assert await stored(database, story.program) == computed(facts)


async def test_other_days_are_left_alone(rebuild: Rebuild, writer: EventWriter, database: asyncpg.Pool[Any]) -> None:
    story = Story()
    await writer.write([story.fact(at=NOON), story.fact(at=NOON + timedelta(days=1))], Source.FACTS)
    await database.execute("UPDATE analytics_rollup SET count = 5 WHERE program_id = $1", story.program)
    await rebuild.begin(FIRST, NOON.date() + timedelta(days=1))
    await finished(rebuild)
    rows = await database.fetch(
        "SELECT count FROM analytics_rollup WHERE program_id = $1 ORDER BY bucket", story.program
    )
    assert [row["count"] for row in rows] == [1, 5]


async def test_one_that_was_stopped_goes_on(rebuild: Rebuild, writer: EventWriter) -> None:
    await writer.write([Story().fact()], Source.FACTS)
    await rebuild.begin(FIRST, AFTER)
    await rebuild.step()
    found = await rebuild.begin()
    assert found is not None
    assert (found.since, found.next, found.until) == (FIRST, FIRST + timedelta(days=1), AFTER)
    assert await rebuild.begin(FIRST, AFTER) == found
    with pytest.raises(Conflict, match="2021-03-08 until before 2021-03-13 must be finished"):
        await rebuild.begin(FIRST, AFTER - timedelta(days=1))
    assert await finished(rebuild) == 4
    assert await rebuild.step() is None


async def test_another_zone_has_other_days(
    rebuild: Rebuild, store: PostgresDatabase, writer: EventWriter, database: asyncpg.Pool[Any]
) -> None:
    story = Story()
    at = NOON.replace(hour=20)
    await writer.write([story.fact("test.done", at, key="x", user="ann")], Source.FACTS)
    assert {day.day for day, _ in (await stored(database, story.program)).learner_days} == {11}
    await rebuild.begin(FIRST, AFTER)
    for _ in range(4):
        await rebuild.step()
    elsewhere = Rebuild(store, lambda: NAMES, Zone("America/New_York"))
    found = await elsewhere.begin()
    assert found is not None
    assert found.next == FIRST
    await finished(elsewhere)
    assert {day.day for day, _ in (await stored(database, story.program)).learner_days} == {10}


async def test_days_without_events_are_nothing_to_do(rebuild: Rebuild) -> None:
    assert await rebuild.begin(date(1990, 1, 1), date(1990, 2, 1)) is None


async def test_the_command(
    settings: MakeSettings, own_postgres: str, writer: EventWriter, database: asyncpg.Pool[Any]
) -> None:
    story = Story()
    await writer.write([story.fact(value=3)], Source.FACTS)
    await database.execute("UPDATE analytics_rollup SET value = 7 WHERE program_id = $1", story.program)
    made = settings()
    environ = {
        "KSMP_ENVIRONMENT": "test",
        "KSMP_DATABASE_URL": own_postgres,
        "KSMP_NATS_URL": ",".join(made.nats_url),
        "KSMP_ISSUER": made.issuer,
        "KSMP_JWKS_URL": made.jwks_url,
        "KSMP_CLIENT_IDS": ",".join(made.client_ids),
    }

    async def run(*arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.cli", "analytics", "rebuild", *arguments,
            env=os.environ | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 60.0)
        return process.returncode, output.decode()

    code, said = await run("--from", "2021-03-10", "--until", "2021-03-10")
    assert code == 0, said
    assert "days of Asia/Kolkata from 2021-03-10 to 2021-03-10" in said
    assert "all days are added up anew" in said
    rollup = "SELECT value FROM analytics_rollup WHERE program_id = $1"
    assert await database.fetchval(rollup, story.program) == 3
    assert (await run("--from", "1990-01-01", "--until", "1990-01-02"))[1].startswith("nothing to do")
