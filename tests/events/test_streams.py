"""The streams of events and timers, created where they are missing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from structlog.testing import capture_logs

from devstack.guard import Guard
from devstack.nats import NatsCluster
from gateway.bus.connection import NatsBus
from gateway.events.streams import EventStreams


async def test_many_consumers_at_once_create_each_stream_once(tmp_path: Path, servers_guard: Guard) -> None:
    async with NatsCluster(tmp_path, guard=servers_guard) as cluster:
        bus = NatsBus(cluster.urls, "test")
        await bus.connect()
        streams = EventStreams(
            bus, replicas=1, retention=60.0, dead_retention=60.0, intake_bytes=1024, intake_retention=60.0
        )
        with capture_logs() as logged:
            epochs = await asyncio.gather(*(streams.ensure() for _ in range(20)))
        await bus.close()
    created = sorted(entry["stream"] for entry in logged if entry["event"] == "events.stream_created")
    assert created == sorted(epochs[0])
    assert all(one == epochs[0] for one in epochs)
