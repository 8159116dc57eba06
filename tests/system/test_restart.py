"""Gateways that are told to stop: nothing is lost, nobody flaps, and they end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from gateway.principal import Role
from ksmp_testkit.socket_client import WireClient, connected
from tests.system import fleet
from tests.system.cluster import Cluster, running
from tests.system.viewer import Viewer

VIEWERS = 40
# The window over which the clients of a gateway come back: longer than the grace of 5 s.
WINDOW = 7.0


class Witness:
    """Stays in the room on one gateway, and keeps all it is shown of who comes and goes."""

    def __init__(self, client: WireClient, room: str) -> None:
        self._client = client
        self._room = room

    async def sees(self, names: set[str], *, timeout: float = 10.0) -> None:
        """Wait until all of these are shown."""
        async with asyncio.timeout(timeout):
            while not names <= await self.members():
                await asyncio.sleep(0.1)

    async def members(self) -> set[str]:
        page = await self._client.call("presence", room=self._room)
        assert not page["more"]
        return {member["id"] for member in page["members"]}

    async def changes(self) -> list[tuple[set[str], set[str]]]:
        """Who joined and who left, a push each, so far."""
        await self.members()
        pushes = [push["data"] for push in self._client.pushes("presence", self._room)]
        return [({member["id"] for member in data["join"]}, set(data["leave"])) for data in pushes]


@contextlib.asynccontextmanager
async def witness(cluster: Cluster, number: int, room: str, name: str) -> AsyncIterator[Witness]:
    token = cluster.issuer.token(name, name=name, role=Role.STUDENT, ttl=600)
    async with connected(cluster.urls[number], token) as client:
        await client.join(room)
        yield Witness(client, room)


async def all_inside(viewers: list[Viewer], *, timeout: float) -> None:
    async with asyncio.timeout(timeout):
        while not all(viewer.inside for viewer in viewers):
            await asyncio.sleep(0.05)


async def test_a_rolling_restart_under_traffic(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = {"KSMP_RECONNECT_RATE": "1", "KSMP_RECONNECT_MOST": str(WINDOW)}
    async with running(tmp_path_factory.mktemp("restart"), extra=extra) as cluster:
        room = await cluster.create_session("host-0")
        ledger, viewers = fleet.assemble(cluster, room, VIEWERS, seed=7, stay=(600.0, 600.0))
        names = {viewer.name for viewer in viewers}
        tasks = [asyncio.create_task(viewer.run()) for viewer in viewers]
        await all_inside(viewers, timeout=15)
        said = []

        async def restart(number: int, survivor: int) -> None:
            """Until the process is ready again; its clients are on their way back then."""
            reconnects, used = sum(viewer.reconnects for viewer in viewers), cluster.cpu_seconds(survivor)
            took = await cluster.stop_gateway(number)
            assert took < 15.0

            async def back() -> None:
                began = time.monotonic()
                await asyncio.sleep(WINDOW / 2)
                await all_inside(viewers, timeout=3 * WINDOW)
                came = sum(viewer.reconnects for viewer in viewers) - reconnects
                cpu = cluster.cpu_seconds(survivor) - used
                said.append(
                    f"gateway {number + 1} ended after {took:.1f} s; all back {time.monotonic() - began:.1f} s later,"
                    f" with {came} connections; the other one used {cpu:.2f} s of CPU meanwhile, traffic included"
                )

            returning.append(asyncio.create_task(back()))
            await cluster.wait_up(number)

        returning: list[asyncio.Task[None]] = []
        async with witness(cluster, 1, room, "first-witness") as first:
            await first.sees(names)
            settled = len(await first.changes())
            await restart(0, 1)
            # Comes while some are still away, and is shown them all the same.
            async with witness(cluster, 0, room, "second-witness") as second:
                await second.sees(names)
                await returning[-1]
                for joined, left in (await first.changes())[settled:]:
                    assert joined | left <= {"second-witness"}
                await restart(1, 0)
                await returning[-1]
                # Past the end of what the gateways' goodbyes hold: the grace after the window.
                await asyncio.sleep(6.0)
                # Only the first witness went for good.
                assert await second.members() == names | {"second-witness"}
                shown = await second.changes()
                assert names <= shown[0][0]
                for joined, left in shown[1:]:
                    assert not (joined | left) & names
        result = await fleet.judge(cluster, room, ledger, viewers, tasks)
        with capsys.disabled():
            print("\n  " + "\n  ".join([*said, f"a rolling restart: {result}"]))
        assert result.lost == 0
        assert result.reloaded == 0
        # Both gateways sent theirs away, each client to a moment of its own.
        disconnects = [disconnect for viewer in viewers for disconnect in viewer.disconnects]
        assert {disconnect["code"] for disconnect in disconnects} == {4000}
        assert len(disconnects) >= VIEWERS
        assert max(disconnect["retry_ms"] for disconnect in disconnects) > 5000
