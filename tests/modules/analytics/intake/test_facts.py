"""Events of any module become facts, once, whatever the others of their batch do."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from gateway import clock, failpoint
from gateway.contract import Followed
from gateway.events import names
from ksmp_testkit import Running, eventually
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.progress import LOCK
from tests.modules.analytics.lab import Lab, Measured

FOLLOWER = "analytics.facts"


@pytest.fixture
def program() -> str:
    return f"p{uuid.uuid4().hex[:12]}"


@pytest.fixture
def lab(node: Running) -> Lab:
    return node.module(Lab)


def measured(program: str, value: int, wrong: str = "") -> Measured:
    return Measured(f"u{value}", program, value, clock.now(), wrong)


async def stored(database: asyncpg.Pool, program: str) -> list[int]:
    rows = await database.fetch("SELECT value FROM analytics_event WHERE program_id = $1 ORDER BY value", program)
    return [row["value"] for row in rows]


async def rolled_up(database: asyncpg.Pool, program: str) -> tuple[int, int]:
    row = await database.fetchrow(
        "SELECT coalesce(sum(count), 0)::int AS count, coalesce(sum(value), 0)::int AS value FROM analytics_rollup "
        "WHERE program_id = $1 AND name = 'lab.measured' AND label = 'grams'",
        program,
    )
    return row["count"], row["value"]


async def test_events_of_a_stranger_s_module_become_facts(
    lab: Lab, node: Running, database: asyncpg.Pool, program: str
) -> None:
    await lab.measure(*(measured(program, value) for value in range(1, 51)))
    await node.events_handled(FOLLOWER)
    assert await stored(database, program) == list(range(1, 51))
    assert await rolled_up(database, program) == (50, sum(range(1, 51)))
    subjects = await database.fetchval(
        "SELECT count(DISTINCT e.subject) FROM analytics_event e JOIN analytics_subject USING (subject) "
        "WHERE program_id = $1",
        program,
    )
    assert subjects == 50


async def test_an_event_that_comes_again_counts_once(
    lab: Lab, node: Running, database: asyncpg.Pool, program: str
) -> None:
    event = measured(program, 7)
    lost: list[object] = []
    failpoint.set("event.ack.lost", lambda message: not lost and not lost.append(message))  # type: ignore[func-returns-value]
    try:
        await lab.measure(event)
        await eventually(lambda: lost, "its acknowledgement is lost")
    finally:
        failpoint.clear()
    # The same event as a relay sends it again after the window of the stream.
    await node.module(AnalyticsModule).intake.facts.store([Followed(id="again", at=clock.now(), event=event)] * 3)
    await node.events_handled(FOLLOWER, timeout=30)
    assert await stored(database, program) == [7]
    assert await rolled_up(database, program) == (1, 7)


@pytest.mark.parametrize(
    ("wrong", "error"), [("raises", "the lab is closed"), ("name", "lab.other is not among the names")]
)
async def test_one_that_makes_no_facts_is_a_dead_letter_and_the_others_are_stored(
    lab: Lab, node: Running, database: asyncpg.Pool, program: str, wrong: str, error: str
) -> None:
    await lab.measure(measured(program, 1), measured(program, 2, wrong), measured(program, 3))
    await eventually(lambda: _stored(database, program, [1, 3]), "the others are stored")
    await node.events_handled(FOLLOWER)
    message = await node.gateway.bus.jetstream.get_last_msg(names.DEAD, names.dead(FOLLOWER))
    assert message.data is not None
    assert error in message.data.decode()
    assert await rolled_up(database, program) == (2, 4)


async def test_as_of_is_the_time_before_which_all_is_stored(
    lab: Lab, node: Running, database: asyncpg.Pool, program: str
) -> None:
    async with database.acquire() as connection, connection.transaction():
        # Nobody can store anything.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await lab.measure(measured(program, 1))
        published = await connection.fetchval(
            "SELECT created_at FROM outbox WHERE body->>'program_id' = $1 AND kind = 'event'", program
        )
        consumer = next(one for one in node.gateway.event_runtime.consumers if one.source.name == FOLLOWER)

        async def taken() -> bool:
            return bool((await consumer.info()).num_ack_pending)

        await eventually(taken, "it waits to be stored")
        for _ in range(3):
            await node.module(AnalyticsModule).intake._as_of.move()
            assert await database.fetchval("SELECT as_of FROM analytics_progress") <= published
        assert await stored(database, program) == []

    async def passed() -> bool:
        as_of = await database.fetchval("SELECT as_of FROM analytics_progress")
        if as_of <= published:
            return False
        assert await stored(database, program) == [1]
        return True

    await eventually(passed, "it moves on when the event is stored, also while nothing else comes")


async def _stored(database: asyncpg.Pool, program: str, values: list[int]) -> bool:
    return await stored(database, program) == values
