"""A gateway process with the shop that sells items until it is killed, or so many and then waits for SIGTERM.

`python -m tests.events.shop_program PREFIX COUNT`: sells its own items that are not sold yet, each with a timer.
Every tenth cannot be handled before the fault is `fixed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import msgspec

from gateway import failpoint, registry
from gateway.app import Gateway
from gateway.contract import Delivery, EventFollower, Followed, Intake, Kernel, Received, listener
from gateway.errors import Unavailable
from gateway.settings import Settings, read
from gateway.telemetry import logs
from tests.events.shop import Oops, Shop, Sold

FIXED = "SELECT 1 FROM item WHERE name = 'fixed'"
ONCE = "INSERT INTO noted (id, what, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


class Faulty(Shop):
    """Does not like every tenth item, neither as a listener nor as a follower or an intake."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.contributions = (
            EventFollower(name="shop.ledger", events=lambda: (Sold,), handle=self._follow, batch=20, wait=0.1),
            Intake(name="shop.visitors", handle=self._visit, batch=20, wait=0.1),
        )

    async def _follow(self, batch: Sequence[Followed]) -> None:
        await self._write("followed", [(one.id, one.event.name) for one in batch if isinstance(one.event, Sold)])

    async def _visit(self, batch: Sequence[Received]) -> None:
        await self._write("visited", [(one.id, msgspec.json.decode(one.body, type=str)) for one in batch])

    async def _write(self, what: str, ids: Sequence[tuple[str, str]]) -> None:
        """Write what is not there yet. It is done outside of a transaction of the kernel, and perhaps again."""
        for id, name in ids:
            await self.gateway.database.fetch(ONCE, id, what, name)
        failpoint.crash("kill.handled")
        if any(name.endswith("0") for _, name in ids) and not await self.gateway.database.fetch(FIXED):
            raise Oops

    @listener(Sold, "shop.count")
    async def _sold(self, event: Sold, delivery: Delivery) -> None:
        name = event.name
        await self._effect("sold", name, delivery)
        if name.endswith("0") and not await self.gateway.database.fetch(FIXED):
            raise Oops


async def main(prefix: str, count: int) -> None:
    logs.configure("info", "console")
    gateway = Gateway(read(Settings, os.environ), registry.ordered([Faulty]), environ={})
    (shop,) = gateway.modules
    assert isinstance(shop, Shop)
    shop.gateway = gateway
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with shop.gateway.running():
        selling = asyncio.create_task(sell(shop, prefix, count))
        await over.wait()
        selling.cancel()
        await shop.gateway.drain()


async def sell(shop: Shop, prefix: str, count: int) -> None:
    number = 0
    while number < count:
        name = f"{prefix}-{number}"
        try:
            if not await shop.gateway.database.fetch("SELECT 1 FROM item WHERE name = $1", name):
                await shop.kernel.intakes.put("shop.visitors", msgspec.json.encode(name), name)
                async with shop.kernel.database.transaction():
                    await shop.sell(name)
                    await shop.close_at(name, seconds=0.3)
        except Unavailable:
            await asyncio.sleep(0.1)
            continue
        number += 1
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], int(sys.argv[2])))
