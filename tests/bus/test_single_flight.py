"""A crowd shares one call, and no caller gets the result of a call that began before it asked."""

from __future__ import annotations

import asyncio

from gateway.bus.single_flight import SingleFlight


class Oracle:
    """Answers how often it was called, when the test lets it."""

    def __init__(self) -> None:
        self.asked = 0
        self.let = asyncio.Event()
        self.wrong = False

    async def ask(self) -> int:
        self.asked += 1
        answer = self.asked
        await self.let.wait()
        if self.wrong:
            raise RuntimeError("no answer")
        return answer


async def test_a_crowd_shares_one_question() -> None:
    oracle = Oracle()
    oracle.let.set()
    shared = SingleFlight(oracle.ask)
    assert await asyncio.gather(*(shared() for _ in range(50))) == [1] * 50
    assert await shared() == 2


async def test_who_comes_while_it_is_under_way_is_answered_by_the_next() -> None:
    oracle = Oracle()
    shared = SingleFlight(oracle.ask)
    early = asyncio.create_task(shared())
    while not oracle.asked:
        await asyncio.sleep(0)
    late = [asyncio.create_task(shared()) for _ in range(10)]
    await asyncio.sleep(0.01)
    assert oracle.asked == 1
    oracle.let.set()
    assert await early == 1
    assert await asyncio.gather(*late) == [2] * 10


async def test_one_who_gives_up_does_not_take_it_from_the_others() -> None:
    oracle = Oracle()
    shared = SingleFlight(oracle.ask)
    first, second = asyncio.create_task(shared()), asyncio.create_task(shared())
    await asyncio.sleep(0.01)
    first.cancel()
    oracle.let.set()
    assert await second == 1


async def test_a_failure_is_everyones_and_the_next_question_is_put_all_the_same() -> None:
    oracle = Oracle()
    oracle.let.set()
    oracle.wrong = True
    shared = SingleFlight(oracle.ask)
    results = await asyncio.gather(shared(), shared(), return_exceptions=True)
    assert [str(result) for result in results] == ["no answer"] * 2
    oracle.wrong = False
    assert await shared() == 2
