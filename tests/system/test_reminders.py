"""Reminders of classes with the default settings, also when everything is away at the moment at which they are due."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from gateway.principal import Role
from ksmp_testkit import eventually
from tests.system.cluster import Cluster, running

CLASSES = 25
# The lobby opens at the same moment as this reminder: both are 15 minutes ahead.
AHEAD = timedelta(minutes=15)
TOLD = """
    SELECT notice.subject, count(delivery.id) AS pushes FROM notify_notification AS one
    JOIN notify_notice AS notice ON notice.id = one.notice_id
    LEFT JOIN notify_delivery AS delivery ON delivery.notification_id = one.id AND delivery.channel = 'push'
    WHERE one.user_id = 'sam' AND notice.kind = 'live.soon' GROUP BY notice.id
"""


async def schedule(cluster: Cluster, due: datetime) -> set[str]:
    """Classes that are reminded of at that moment; their ids."""
    token = cluster.issuer.token("meera", name="Meera", role=Role.MENTOR, ttl=600)
    base = cluster.urls[0].replace("ws://", "http://").removesuffix("/realtime")
    starts = due + AHEAD
    body = {"program_id": "algebra", "starts_at": starts.isoformat(), "ends_at": (starts + AHEAD).isoformat()}
    made = set()
    async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"}) as mentor:
        for number in range(CLASSES):
            answer = await mentor.post("/api/v1/sessions/", json=body | {"title": f"Class {number}"})
            assert answer.status_code == 201, answer.text
            made.add(answer.json()["id"])
    return made


async def told(cluster: Cluster) -> Counter[str]:
    """How often the student was told of each session."""
    connection = await asyncpg.connect(cluster.postgres.url)
    try:
        rows = await connection.fetch(TOLD)
    finally:
        await connection.close()
    assert all(row["pushes"] <= 1 for row in rows)
    return Counter(row["subject"].partition("@")[0] for row in rows)


async def lobbies(cluster: Cluster) -> bool:
    connection = await asyncpg.connect(cluster.postgres.url)
    try:
        opened = await connection.fetchval("SELECT count(*) FROM live_session WHERE state = 'lobby'")
        return bool(opened == 2 * CLASSES)
    finally:
        await connection.close()


async def test_every_class_is_reminded_of_once_also_over_a_restart_of_everything(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with running(tmp_path_factory.mktemp("reminders"), count=2) as cluster:
        connection = await asyncpg.connect(cluster.postgres.url)
        await connection.execute("INSERT INTO program (id, title, mentor_id) VALUES ('algebra', 'Algebra', 'meera')")
        await connection.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ('algebra', 'sam')")
        await connection.close()
        now = datetime.now(UTC)
        first, second = now + timedelta(seconds=15), now + timedelta(seconds=20)
        undisturbed, over_restart = await schedule(cluster, first), await schedule(cluster, second)
        assert time.time() < first.timestamp(), "the machine is too slow for this test: the classes began too early"
        # A second before the moment everything goes, and comes back after it.
        await asyncio.sleep(max(0.0, second.timestamp() - time.time() - 1.0))
        for number in range(2):
            await cluster.kill_gateway(number)
        await asyncio.gather(cluster.kill_nats(3.0), cluster.stop_postgres(3.0))

        async def all_told() -> bool:
            found = await told(cluster)
            return found.keys() >= undisturbed | over_restart

        await eventually(all_told, timeout=60)
        await eventually(lambda: lobbies(cluster), "every lobby is open", timeout=30)
        assert await told(cluster) == Counter(dict.fromkeys(undisturbed | over_restart, 1))
