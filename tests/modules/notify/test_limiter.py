"""A limit that all workers share."""

from __future__ import annotations

import asyncio
import uuid

from ksmp_testkit import Running
from modules.notify.limiter import Limiter


async def test_all_workers_share_a_bucket(node: Running) -> None:
    limiters = [Limiter(node.gateway.database) for _ in range(4)]
    name = uuid.uuid4().hex
    # So slow that nothing runs in during the test.
    taken = await asyncio.gather(*(limiter.take(name, 30, 1, burst=100) for limiter in limiters * 2))
    assert sorted(each.granted for each in taken) == [0, 0, 0, 0, 10, 30, 30, 30]
    assert all((each.wait > 0) == (each.granted < 30) for each in taken)


async def test_a_bucket_fills_again(node: Running) -> None:
    limiter, name = Limiter(node.gateway.database), uuid.uuid4().hex
    assert (await limiter.take(name, 10, 60_000, burst=10)).granted == 10
    granted = 0
    async with asyncio.timeout(10):
        while granted < 50:
            taken = await limiter.take(name, 10, 60_000, burst=10)
            granted += taken.granted
            await asyncio.sleep(taken.wait)


async def test_nobody_takes_anything_while_it_is_blocked(node: Running) -> None:
    limiter, name = Limiter(node.gateway.database), uuid.uuid4().hex
    assert await limiter.blocked(name) == 0
    await limiter.block(name, 1000)
    # A shorter one does not end it.
    await limiter.block(name, 1)
    assert 900 < await limiter.blocked(name) <= 1000
    taken = await limiter.take(name, 10, 60_000)
    assert taken.granted == 0
    assert taken.wait > 900
    await limiter.block(other := uuid.uuid4().hex, 0.01)
    async with asyncio.timeout(10):
        while (await limiter.take(other, 1, 60_000)).granted == 0:
            await asyncio.sleep(0.01)
