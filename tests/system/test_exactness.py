"""What was acknowledged is stored, ordered and recovered, whatever is killed in the middle.

A quarter of the viewers come and go over event streams, some of their visits excepted.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.system import fleet
from tests.system.cluster import Cluster, running

VIEWERS = 40


def report(capsys: pytest.CaptureFixture[str], what: str, result: fleet.Result) -> None:
    with capsys.disabled():
        print(f"\n  {what}: {result}")


async def test_random_traffic_over_two_gateways(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    result = await fleet.run(cluster, viewers=VIEWERS, seconds=12, seed=1)
    report(capsys, "calm", result)
    assert result.lost == 0
    assert result.sent > VIEWERS
    assert result.erased > 0
    assert result.duplicates > 0
    assert result.recovered > 0
    assert result.streams > VIEWERS // fleet.STREAMED_EVERY


async def test_a_gateway_is_killed(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    # Others kill it as well.
    before = cluster.gateways[0].deaths
    result = await fleet.run(cluster, viewers=VIEWERS, seconds=12, seed=2, fault=lambda: cluster.kill_gateway(0))
    report(capsys, "a gateway gets SIGKILL", result)
    assert result.lost == 0
    assert result.streams > VIEWERS // fleet.STREAMED_EVERY
    assert cluster.gateways[0].deaths == before + 1


async def test_nats_is_killed_and_comes_back(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    result = await fleet.run(cluster, viewers=VIEWERS, seconds=12, seed=3, fault=lambda: cluster.kill_nats(3))
    report(capsys, "NATS gets SIGKILL and returns after 3 s", result)
    assert result.lost == 0


async def test_postgresql_is_away(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    result = await fleet.run(cluster, viewers=VIEWERS, seconds=9, seed=4, fault=lambda: cluster.stop_postgres(10))
    report(capsys, "PostgreSQL is away for 10 s", result)
    assert result.lost == 0
    # Chat went on: only those who had never been here before could not be let in.
    assert result.errors.get("internal", 0) == 0


async def test_both_gateways_and_nats_are_killed(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    async def fault() -> None:
        await cluster.kill_gateway(0)
        await asyncio.gather(cluster.kill_nats(2), _later(1.0, cluster))

    result = await fleet.run(cluster, viewers=VIEWERS, seconds=12, seed=5, fault=fault)
    report(capsys, "both gateways and NATS get SIGKILL", result)
    assert result.lost == 0


async def test_the_stream_leader_of_three_is_killed(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path_factory.mktemp("three"), nats_nodes=3) as cluster:

        async def fault() -> None:
            leader = await cluster.stream_leader()
            await cluster.kill_leader(leader, 4)

        result = await fleet.run(cluster, viewers=VIEWERS, seconds=12, seed=6, fault=fault)
        report(capsys, "the stream's leader of three NATS nodes gets SIGKILL", result)
        assert result.lost == 0


async def _later(seconds: float, cluster: Cluster) -> None:
    await asyncio.sleep(seconds)
    await cluster.kill_gateway(1)
