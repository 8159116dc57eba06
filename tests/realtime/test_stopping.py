"""What runs in the background ends when it is told to, whatever it was waiting for at that moment."""

from __future__ import annotations

import asyncio
import random

from gateway.realtime.archive import Archiver
from tests.conftest import Running


async def test_an_archiver_stops_at_any_moment(node: Running) -> None:
    """Without a pause it asks the bus all the time, so that many stops meet an answer that has just come."""
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
