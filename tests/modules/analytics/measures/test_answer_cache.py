"""Answers that are used again for a moment."""

from __future__ import annotations

import asyncio

import pytest

from modules.analytics.measures.answer_cache import AnswerCache


async def test_who_asks_at_the_same_time_shares_an_answer() -> None:
    cache, asked = AnswerCache(60.0), 0
    going = asyncio.Event()

    async def ask() -> int:
        nonlocal asked
        asked += 1
        number = asked
        await going.wait()
        return number

    waiting = [asyncio.ensure_future(cache.get("a", ask)) for _ in range(5)]
    other = asyncio.ensure_future(cache.get("b", ask))
    await asyncio.sleep(0)
    # Who goes away does not take the answer from the others.
    waiting[0].cancel()
    going.set()
    (shared,) = {await one for one in waiting[1:]}
    assert {shared, await other} == {1, 2}
    assert await cache.get("a", ask) == shared
    assert asked == 2


async def test_a_failure_is_no_answer() -> None:
    cache = AnswerCache(60.0)

    async def fail() -> int:
        raise ValueError("no")

    async def work() -> int:
        return 1

    with pytest.raises(ValueError, match="no"):
        await cache.get("a", fail)
    assert await cache.get("a", work) == 1
