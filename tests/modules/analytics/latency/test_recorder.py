"""The latency of a gateway as facts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from gateway import failpoint
from gateway.errors import Unavailable
from ksmp_testkit import CreateClass, MakeGateway, Running
from modules.analytics.latency.recorder import LatencyRecorder
from modules.analytics.module import AnalyticsModule
from modules.analytics.settings import LatencySettings

SUM = "SELECT coalesce(sum(value), 0) FROM analytics_rollup WHERE name = $1 AND label <> ''"
ENVIRON = {"KSMP_ANALYTICS_LATENCY_INTERVAL": "3600"}


@pytest.fixture(scope="module")
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, registry: CollectorRegistry) -> AsyncIterator[Running]:
    async with gateway(collectors=registry, environ=ENVIRON) as running:
        yield running


@pytest.fixture
async def recorder(node: Running, registry: CollectorRegistry) -> LatencyRecorder:
    """A recorder of this gateway that has told all until now."""
    made = LatencyRecorder(node.module(AnalyticsModule).writer, LatencySettings(), registry)
    await made.record()
    return made


async def labels(database: asyncpg.Pool) -> set[str]:
    """The bounds of chat that are counted."""
    rows = await database.fetch("SELECT DISTINCT label FROM analytics_rollup WHERE name = 'gateway.chat_seconds'")
    return {row["label"] for row in rows}


async def test_requests_and_chat_messages_become_facts(
    recorder: LatencyRecorder, create_class: CreateClass, database: asyncpg.Pool
) -> None:
    lesson = await create_class()
    await recorder.record()
    known = await labels(database)
    rest = await database.fetchval(SUM, "gateway.rest_seconds")
    chat = await database.fetchval(SUM, "gateway.chat_seconds")
    for _ in range(3):
        await lesson.student.command("chat.send", {"text": "hello"})
        assert (await lesson.student.rest.get("/api/v1/auth/me")).status_code == 200
    assert (await lesson.student.rest.get("/health/live")).status_code == 200
    await recorder.record()
    await recorder.record()
    assert await database.fetchval(SUM, "gateway.rest_seconds") == rest + 3
    assert await database.fetchval(SUM, "gateway.chat_seconds") == chat + 3
    # Facts that other tests made up may be there too.
    assert await labels(database) - known <= {
        "+Inf",
        *map(str, (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5)),
    }


@pytest.mark.parametrize("lost_at", ["kill.stored", "kill.stored_committed"])
async def test_a_minute_that_may_be_stored_is_written_again_and_counts_once(
    recorder: LatencyRecorder, create_class: CreateClass, database: asyncpg.Pool, lost_at: str
) -> None:
    """PostgreSQL is lost before the commit, and after it."""
    lesson = await create_class()
    await recorder.record()
    before = await database.fetchval(SUM, "gateway.chat_seconds")

    def lost(_: object) -> bool:
        raise Unavailable("the connection was lost")

    await lesson.student.command("chat.send", {"text": "hello"})
    failpoint.set(lost_at, lost)
    try:
        with pytest.raises(Unavailable):
            await recorder.record()
    finally:
        failpoint.set(lost_at, None)
    await lesson.student.command("chat.send", {"text": "again"})
    await recorder.record()
    assert await database.fetchval(SUM, "gateway.chat_seconds") == before + 2


async def test_two_gateways_of_one_minute_both_count(
    node: Running, registry: CollectorRegistry, recorder: LatencyRecorder, create_class: CreateClass
) -> None:
    """Their ids differ, although time, bucket and count are the same."""
    other = LatencyRecorder(node.module(AnalyticsModule).writer, LatencySettings(), registry)
    grown = {("gateway.chat_seconds", "0.05"): 2}
    assert {one.id for one in recorder._events(grown)}.isdisjoint(one.id for one in other._events(grown))
