"""A stale cache asks seldom, and serves its last answer while there is no other."""

from __future__ import annotations

import asyncio

import pytest

from gateway import stale_cache
from gateway.errors import Unavailable
from gateway.stale_cache import StaleCache


class Database:
    """Counts what it is asked, and can be away."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = "first"
        self.away = False
        self.gate: asyncio.Event | None = None

    async def ask(self, key: str) -> str:
        self.asked.append(key)
        answer = self.answer
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("the database is away")
        return answer


async def test_an_answer_is_used_again_while_it_is_fresh() -> None:
    database = Database()
    cache = StaleCache(database.ask, fresh=60.0)
    assert await asyncio.gather(*[cache.get("a") for _ in range(10)]) == ["first"] * 10
    database.answer = "second"
    assert await cache.get("a") == "first"
    assert database.asked == ["a"]
    cache.forget("a")
    assert await cache.get("a") == "second"
    assert database.asked == ["a", "a"]


async def test_the_last_answer_serves_while_the_database_is_away() -> None:
    database = Database()
    cache = StaleCache(database.ask, fresh=0.0)
    assert await cache.get("a") == "first"
    database.away = True
    assert await cache.get("a") == "first"
    with pytest.raises(Unavailable):
        await cache.get("b")
    database.away = False
    assert await cache.get("b") == "first"


async def test_only_so_many_answers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_cache, "MOST", 2)
    database = Database()
    cache = StaleCache(database.ask, fresh=60.0)
    for key in ("a", "b", "a", "c", "a", "b"):
        await cache.get(key)
    assert database.asked == ["a", "b", "c", "b"]


@pytest.mark.parametrize("known", [False, True])
async def test_an_answer_that_was_asked_for_before_a_forget_is_not_kept(known: bool) -> None:
    database = Database()
    cache = StaleCache(database.ask, fresh=60.0)
    if known:
        await cache.get("a")
        cache.forget("a")
    gate = database.gate = asyncio.Event()
    under_way = asyncio.create_task(cache.get("a"))
    while len(database.asked) < 1 + known:
        await asyncio.sleep(0)
    cache.forget("a")
    database.gate, database.answer = None, "second"
    # Neither while the question is under way, nor after it.
    assert await cache.get("a") == "second"
    gate.set()
    assert await under_way == "first"
    assert await cache.get("a") == "second"
