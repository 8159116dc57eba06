"""Workers and rebuilds that are killed while events arrive: at no moment is anything counted wrong.

Fault 9: a rebuild that overlaps what arrives counts it twice, or not at all.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from ksmp_testkit import eventually
from tests.modules.analytics.store.events import NAMES, Story, computed, stored
from tests.modules.analytics.store.worker_program import AFTER, FIRST, WORKERS, batches

# What the tables say and what the events say, in one statement and so at one moment.
DIFFERENCES = """
    WITH said AS (
        SELECT analytics_bucket(at)::text || name || session_id || label AS what, count(*) || ':' || sum(value) AS is
        FROM analytics_event WHERE program_id = $1 GROUP BY analytics_bucket(at), name, session_id, label
        UNION ALL SELECT name || last.key, id::text FROM (
            SELECT DISTINCT ON (name, analytics_register_key(key, subject))
                name, analytics_register_key(key, subject) AS key, id
            FROM analytics_event WHERE program_id = $1 AND name = ANY($2)
            ORDER BY name, analytics_register_key(key, subject), at DESC, id DESC
        ) AS last
        UNION ALL SELECT DISTINCT (at AT TIME ZONE 'Asia/Kolkata')::date::text || subject, '' FROM analytics_event
        WHERE program_id = $1 AND name = ANY($3) AND subject IS NOT NULL
        UNION ALL SELECT name || (at AT TIME ZONE 'Asia/Kolkata')::date || label, count(*) || ':' || sum(value) FROM (
            SELECT name, at, label, value FROM analytics_register WHERE program_id = $1
            UNION ALL SELECT name, at, label, value FROM analytics_event WHERE program_id = $1 AND name <> ALL($2)
        ) AS counting GROUP BY name, (at AT TIME ZONE 'Asia/Kolkata')::date, label
    ), held AS (
        SELECT bucket::text || name || session_id || label AS what, count || ':' || value AS is
        FROM analytics_rollup WHERE program_id = $1
        UNION ALL SELECT name || key, id::text FROM analytics_register WHERE program_id = $1
        UNION ALL SELECT day::text || subject, '' FROM analytics_learner_day WHERE program_id = $1
        UNION ALL SELECT name || day || label, count || ':' || value FROM analytics_day
        WHERE program_id = $1 AND count <> 0
    )
    SELECT (SELECT count(*) FROM said) AS said, (SELECT count(*) FROM (
        (SELECT * FROM said EXCEPT ALL SELECT * FROM held) UNION ALL (SELECT * FROM held EXCEPT ALL SELECT * FROM said)
    ) AS one) AS different
"""


class Processes:
    """Runs the program until it ends well, with the next fault each time that it was killed."""

    def __init__(self, url: str) -> None:
        self._environ = os.environ | {"KSMP_DATABASE_URL": url}
        self.killed = 0

    async def run(self, arguments: Sequence[str], faults: Sequence[str]) -> None:
        left = list(faults)
        while True:
            fault = left.pop(0).split(":") if left else []
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.modules.analytics.store.worker_program", *arguments, *fault,
                env=self._environ,
            )  # fmt: skip
            status = await process.wait()
            if not fault:
                assert status == 0
                return
            assert status == -signal.SIGKILL, f"{fault} was not reached"
            self.killed += 1


async def test_at_every_moment_figures_are_what_the_events_say(
    own_postgres: str, database: asyncpg.Pool[Any], tmp_path: Path
) -> None:
    program, processes = Story().program, Processes(own_postgres)
    workers = [
        asyncio.create_task(
            processes.run(
                ["write", program, str(tmp_path / str(number)), str(number)],
                ["kill.stored:5", "kill.stored_committed:10", "kill.stored:20"],
            )
        )
        for number in range(WORKERS)
    ]

    async def rebuild() -> None:
        await eventually(lambda: database.fetchval("SELECT count(*) FROM analytics_event"), "there is something to do")
        while not all(one.done() for one in workers):
            await processes.run(["rebuild"], ["kill.rebuilt:2", "kill.rebuilt_committed:2"])

    rebuilding = asyncio.create_task(rebuild())
    looks: set[int] = set()
    while not rebuilding.done():
        row = await database.fetchrow(DIFFERENCES, program, sorted(NAMES.registers), sorted(NAMES.activity))
        assert row["different"] == 0
        looks.add(row["said"])
    await asyncio.gather(*workers, rebuilding)
    assert processes.killed >= 8
    assert len(looks) > 10
    told = [event for number in range(WORKERS) for batch in batches(program, number) for event in batch]
    assert await stored(database, program) == computed(told)
    assert await database.fetchval("SELECT count(*) FROM analytics_event WHERE program_id = $1", program) == 900
    ended = await database.fetch("SELECT since, until, finished_at IS NOT NULL AS finished FROM analytics_rebuild")
    assert {tuple(row) for row in ended} == {(FIRST, AFTER, True)}
