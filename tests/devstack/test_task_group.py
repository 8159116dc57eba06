"""Several steps at once: the first failure ends the others, and nothing runs on."""

from __future__ import annotations

import asyncio

import pytest

from devstack.task_group import run_all


async def test_a_failure_cancels_the_others_and_waits_for_them() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append("endless")

    async def failing() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await asyncio.wait_for(run_all(endless(), failing()), 5)
    assert ended == ["endless"]


async def test_all_are_waited_for() -> None:
    ended: list[int] = []

    async def step(number: int) -> None:
        await asyncio.sleep(0.01 * number)
        ended.append(number)

    await run_all(step(3), step(1), step(2))
    assert ended == [1, 2, 3]


async def test_a_cancellation_reaches_every_step() -> None:
    ended: list[int] = []

    async def step(number: int) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    running = asyncio.create_task(run_all(step(1), step(2)))
    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait({running}, timeout=5)
    assert running.cancelled()
    assert sorted(ended) == [1, 2]
