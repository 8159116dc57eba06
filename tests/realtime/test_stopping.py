"""Background tasks end when they are stopped, whatever they wait for at that moment."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from devstack.guard import Guard
from devstack.nats import NatsCluster
from gateway.bus.connection import NatsBus
from gateway.realtime.archive import Archiver
from ksmp_testkit import Running, eventually


async def test_an_archiver_stops_at_any_moment(node: Running) -> None:
    """Without a pause it asks the bus all the time, so many stops come just after an answer."""
    gateway = node.gateway
    for _ in range(60):
        archiver = Archiver("stopping", gateway.archive, gateway.log, gateway.metrics, pause=0.0)
        archiver.start()
        await asyncio.sleep(0.01 + random.random() * 0.02)
        stopping = asyncio.create_task(archiver.stop())
        _, late = await asyncio.wait({stopping}, timeout=2)
        for _ in range(20 if late else 0):
            if archiver._task is not None and not archiver._task.done():
                archiver._task.cancel()
                await asyncio.sleep(0.05)
        assert not late


async def test_a_bus_stops_although_nats_is_away(tmp_path: Path, servers_guard: Guard) -> None:
    """Otherwise a gateway would not close the rest of its parts."""
    async with NatsCluster(tmp_path, guard=servers_guard, restart=False) as own:
        bus = NatsBus(own.urls, "stopping")
        await bus.connect()
        await own.stop()
        await eventually(lambda: not bus.up, "the loss")
        # Data that a lost connection can no longer take.
        bus.client._pending.append(b"PING\r\n")
        bus.client._pending_data_size += 6
        await bus.close()
        assert not bus.up
