"""Gateways are killed while they write a notice out and send it: each user is told once, and none is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from gateway import module_folders
from gateway.identifier import new_id
from ksmp_testkit.eventually import eventually
from tests.system.cluster import Cluster, running

FOLDER = Path(__file__).parent / "pager_module"
EXTRA = {
    "KSMP_MODULES": "accounts,notify,pager",
    "KSMP_MODULE_PATHS": str(FOLDER),
    "KSMP_NOTIFY_WORKERS": "2",
    "KSMP_NOTIFY_BATCH": "25",
    "KSMP_NOTIFY_LEASE": "2.0",
    "KSMP_NOTIFY_INTERVAL": "0.2",
    "KSMP_NOTIFY_FIRST_WAIT": "0.2",
}
USERS = 1500
TABLES = """
    CREATE TABLE pager_member (user_id text PRIMARY KEY);
    CREATE TABLE pager_given (notification_id uuid, user_id text, attempt int, unknown boolean);
"""
TELL = """
    INSERT INTO notify_notice (id, kind, subject, audience, data, at, expires_at, state, created_at)
    VALUES ($1, 'pager.page', 'one', 'crowd:1', '{}', now(), now() + interval '1 hour', 'waiting', now())
"""


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    module_folders.use([str(FOLDER)])
    try:
        async with running(tmp_path, extra=EXTRA) as cluster:
            yield cluster
    finally:
        module_folders.use([])


@pytest.fixture
async def record(cluster: Cluster) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(cluster.postgres.url)
    yield connection
    await connection.close()


async def test_a_killed_worker_tells_nobody_twice_and_leaves_nobody_out(
    cluster: Cluster, record: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await record.execute(TABLES)
    users = [f"u-{number:05}" for number in range(USERS)]
    await record.executemany("INSERT INTO pager_member VALUES ($1)", [(user,) for user in users])
    await record.execute(TELL, new_id())

    async def count(statement: str) -> int:
        return int(await record.fetchval(statement))

    async def reaches(statement: str, least: int) -> None:
        async def so() -> bool:
            return await count(statement) >= least

        await eventually(so, f"{statement} reaches {least}", timeout=60)

    written = "SELECT count(*) FROM notify_notification"
    sent = "SELECT count(*) FROM notify_delivery WHERE state = 'sent'"
    await reaches(written, USERS // 10)
    await cluster.kill_gateway(0)
    # Meanwhile some leave the audience and others come, before and behind where the workers are.
    left, came = users[USERS // 2 :: 50], [f"{user}a" for user in users[::50]]
    await record.execute("DELETE FROM pager_member WHERE user_id = ANY($1)", left)
    await record.executemany("INSERT INTO pager_member VALUES ($1)", [(user,) for user in came])
    await reaches(written, USERS // 2)
    await cluster.kill_gateway(1)

    async def over() -> bool:
        state = await record.fetchval("SELECT state FROM notify_notice")
        return state == "expanded" and await count(sent) == await count("SELECT count(*) FROM notify_delivery")

    await eventually(over, "everything is sent", timeout=90)
    told = Counter(row["user_id"] for row in await record.fetch("SELECT user_id FROM notify_notification WHERE in_app"))
    assert set(told.values()) == {1}
    stayed = {*users} - {*left}
    assert stayed <= told.keys()
    assert told.keys() <= {*users, *came}
    # On the channel a repeat is the same notification, and says that it may have arrived before.
    given = await record.fetch("SELECT notification_id, user_id, attempt, unknown FROM pager_given")
    assert {row["user_id"] for row in given} == told.keys()
    assert len({row["notification_id"] for row in given}) == len(told)
    repeats = [row for row in given if row["attempt"] > 1]
    assert len(given) == len(told) + len([row for row in repeats if row["unknown"]]) - await _lost(record)
    assert all(row["unknown"] for row in repeats)
    with capsys.disabled():
        print(f"\n{len(told)} told, {len(repeats)} of them again by another worker")


async def _lost(record: asyncpg.Connection) -> int:
    """Repeats of what the worker had claimed, and not yet handed over when it was killed."""
    return int(
        await record.fetchval(
            "SELECT count(*) FROM (SELECT FROM pager_given GROUP BY notification_id HAVING min(attempt) > 1) AS lost"
        )
    )
