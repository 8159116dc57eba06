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

from gateway import registry
from gateway.app import Gateway
from gateway.contract import Delivery, listener
from gateway.errors import Unavailable
from gateway.settings import Settings, read
from gateway.telemetry import logs
from tests.events.shop import Oops, Shop, Sold


class Faulty(Shop):
    """Does not like every tenth item."""

    @listener(Sold, "shop.count")
    async def _sold(self, event: Sold, delivery: Delivery) -> None:
        name = event.name
        await self._effect("sold", name, delivery)
        if name.endswith("0") and not await self.gateway.database.fetch("SELECT 1 FROM item WHERE name = 'fixed'"):
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
