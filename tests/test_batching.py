"""Questions of the same moment, asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from gateway.batching import Batched
from gateway.errors import Unavailable

WHERE: ContextVar[str] = ContextVar("where", default="outside")


class Doubling:
    """Doubles numbers, each call when it is let go. It notes what it was asked, and in which context."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.contexts: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, numbers: list[int]) -> Sequence[int]:
        self.asked.append(numbers)
        self.contexts.append(WHERE.get())
        await self.free.wait()
        if 13 in numbers:
            raise ValueError("13")
        if 0 in numbers:
            raise Unavailable("away")
        return [2 * number for number in numbers]


async def test_what_is_asked_in_one_turn_is_asked_together() -> None:
    ask = Doubling()
    double = Batched(ask)
    assert await asyncio.gather(*(double(number) for number in (1, 2, 3))) == [2, 4, 6]
    assert await double(4) == 8
    assert ask.asked == [[1, 2, 3], [4]]


async def test_what_is_asked_while_calls_are_under_way_waits_for_one_of_them() -> None:
    ask = Doubling()
    ask.free.clear()
    double = Batched(ask, at_once=2, most=3)
    tasks = []
    for number in range(1, 9):
        tasks.append(asyncio.create_task(double(number)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert ask.asked == [[1], [2]]
    ask.free.set()
    assert await asyncio.gather(*tasks) == [2 * number for number in range(1, 9)]
    assert sorted(ask.asked[2:]) == [[3, 4, 5], [6, 7, 8]]


async def test_the_error_of_one_question_is_its_own() -> None:
    ask = Doubling()
    double = Batched(ask)
    results = await asyncio.gather(*(double(number) for number in (1, 13, 2)), return_exceptions=True)
    assert results[::2] == [2, 4]
    assert isinstance(results[1], ValueError)


async def test_unavailable_is_told_to_all_without_asking_again() -> None:
    ask = Doubling()
    double = Batched(ask)
    results = await asyncio.gather(*(double(number) for number in (1, 0, 2)), return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert ask.asked == [[1, 0, 2]]


async def test_a_caller_that_is_cancelled_leaves_the_others_theirs() -> None:
    ask = Doubling()
    ask.free.clear()
    double = Batched(ask)
    one, two, three = (asyncio.create_task(double(number)) for number in (1, 2, 3))
    one.cancel()
    await asyncio.sleep(0)
    one.cancel()
    ask.free.set()
    assert await asyncio.gather(two, three) == [4, 6]
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_a_call_is_in_no_caller_s_context() -> None:
    ask = Doubling()
    WHERE.set("in a transaction")
    assert await Batched(ask)(1) == 2
    assert ask.contexts == ["outside"]


@pytest.mark.parametrize("answers", [[2], [2, 4, 6, 8]])
async def test_another_number_of_answers_is_an_error_and_nobody_waits_for_ever(answers: list[int]) -> None:
    async def ask(numbers: list[int]) -> list[int]:
        return answers

    double = Batched(ask)
    results = await asyncio.wait_for(asyncio.gather(*(double(n) for n in (1, 2)), return_exceptions=True), 5)
    if len(answers) == 1:
        # Each is asked alone, and then it is one answer to one question.
        assert results == [2, 2]
    else:
        assert all(isinstance(result, RuntimeError) for result in results)


async def test_a_cancelled_question_does_not_leave_those_behind_it_waiting() -> None:
    async def ask(numbers: list[int]) -> list[int]:
        if len(numbers) > 1:
            raise ValueError
        if numbers == [2]:
            raise asyncio.CancelledError
        return numbers

    same = Batched(ask)
    results = await asyncio.wait_for(asyncio.gather(*(same(n) for n in (1, 2, 3)), return_exceptions=True), 5)
    assert results[0] == 1
    assert all(isinstance(result, Unavailable) for result in results[1:])


async def test_a_caller_that_was_cancelled_is_not_asked_alone() -> None:
    ask = Doubling()
    ask.free.clear()
    double = Batched(ask)
    tasks = [asyncio.create_task(double(number)) for number in (1, 2, 13)]
    while not ask.asked:
        await asyncio.sleep(0)
    tasks[1].cancel()
    ask.free.set()
    await asyncio.wait(tasks)
    assert ask.asked == [[1, 2, 13], [1], [13]]


async def test_a_call_that_is_cancelled_before_it_began_leaves_nobody_waiting() -> None:
    double = Batched(Doubling())
    asked = asyncio.create_task(double(1))
    before = asyncio.all_tasks()
    await asyncio.sleep(0)
    (call,) = asyncio.all_tasks() - before
    call.cancel()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(asked, 5)
    assert await double(2) == 4
