"""Fault 8: a time that begins or ends within a bucket is counted exactly."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from modules.analytics.store.event import Source
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.store.events import NOON, Story

COUNTED = """
    SELECT coalesce(sum(count), 0)::int AS count, coalesce(sum(value), 0)::int AS value,
        count(DISTINCT (bucket, label)) AS buckets
    FROM analytics_counted($1, $2, $3) WHERE program_id = $4
"""
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
async def story(writer: EventWriter) -> list[Any]:
    """Events of three hours, some of them just at the borders of buckets."""
    dice, story = random.Random(7), Story()
    times = [NOON + timedelta(milliseconds=dice.randrange(3 * 3_600_000)) for _ in range(300)]
    times += [NOON + 15 * MINUTE * number for number in range(12)]
    times += [NOON + 15 * MINUTE * number - timedelta(milliseconds=1) for number in range(1, 12)]
    facts = [
        story.fact(at=at, label=dice.choice("ab"), value=number, session_id=str(number))
        for number, at in enumerate(times)
    ]
    await writer.write(facts, Source.FACTS)
    return [story.program, facts]


@pytest.mark.parametrize(
    ("begin", "length"),
    [
        (0, 180),
        (15, 30),
        (0, 15),
        (7, 3),
        (7, 8),
        (7, 9),
        (7, 60),
        (15, 7),
        (15, 22),
        (14, 2),
        (7, 0),
        (-60, 400),
        (0.001, 29.999),
    ],
)
async def test_it_is_what_the_events_say(
    story: list[Any], database: asyncpg.Pool[Any], begin: float, length: float
) -> None:
    program, facts = story
    since = NOON + begin * MINUTE
    until = since + length * MINUTE
    row = await database.fetchrow(COUNTED, ["test.watched"], since, until, program)
    inside = [one.value for one in facts if since <= one.at < until]
    assert (row["count"], row["value"]) == (len(inside), sum(inside))
    # A bucket may be cut at both ends, and is one row all the same.
    assert row["buckets"] <= length // 15 * 2 + 4


async def test_other_names_are_left_out(story: list[Any], database: asyncpg.Pool[Any]) -> None:
    row = await database.fetchrow(COUNTED, ["test.state"], NOON, NOON + 100 * MINUTE, story[0])
    assert row["count"] == 0


async def test_the_callers_conditions_apply_within(story: list[Any], database: asyncpg.Pool[Any]) -> None:
    """The function is part of the caller's plan: nothing is computed that is thrown away."""
    plan = await database.fetch(
        "EXPLAIN SELECT * FROM analytics_counted($1, $2, $3) WHERE program_id = $4",
        ["test.watched"], NOON + MINUTE, NOON + 100 * MINUTE, story[0],
    )  # fmt: skip
    text = "\n".join(row[0] for row in plan)
    assert "Function Scan" not in text
    assert text.count("program_id = ") == 3
