"""Work that is repeated goes on whatever it raises."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gateway.errors import Unavailable
from gateway.tasks import end, repeat


async def test_it_goes_on_after_what_fails() -> None:
    done = asyncio.Event()
    counted = itertools.count()

    async def work() -> None:
        match next(counted):
            case 0:
                raise Unavailable("the database is away")
            case 1:
                raise RuntimeError("a fault of ours")
            case _:
                done.set()

    task = asyncio.create_task(repeat("work", work, 0.001))
    await asyncio.wait_for(done.wait(), 5)
    await end([task])
    assert task.cancelled()


@pytest.mark.parametrize("at_once", [True, False])
async def test_the_first_time_is_now_or_later(*, at_once: bool) -> None:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    task = asyncio.create_task(repeat("work", work, 60.0, at_once=at_once))
    for _ in range(3):
        await asyncio.sleep(0)
    assert done.is_set() is at_once
    await end([task])
