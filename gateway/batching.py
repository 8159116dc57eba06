"""Batching: questions of the same moment are asked together, in one call."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from gateway.errors import Unavailable

Q = TypeVar("Q")
A = TypeVar("A")

# Questions in one call.
MOST: Final = 500
# Calls under way at once. With two, a slow call does not hold up all others.
AT_ONCE: Final = 2


class Batched(Generic[Q, A]):
    """Collects the questions of one turn of the event loop, and those that come while enough calls are under way.

    A single question is asked at the end of the turn, so it waits for nothing else. The call runs in a context of its
    own: in no transaction of a caller, and without the log fields of one. When it fails for several questions, each of
    them is asked alone, so the error of one is its own. Unavailable is the answer to all, as when a call is cancelled.
    """

    def __init__(
        self, ask: Callable[[list[Q]], Awaitable[Sequence[A]]], *, most: int = MOST, at_once: int = AT_ONCE
    ) -> None:
        """`ask` gives an answer for each question, in their order."""
        self._ask = ask
        self._most = most
        self._at_once = at_once
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._scheduled = False
        self._calls: set[asyncio.Task[None]] = set()

    async def __call__(self, question: Q) -> A:
        """The answer; raises what asking raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, answer))
        self._schedule(loop)
        return await answer

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting and not self._scheduled and len(self._calls) < self._at_once:
            self._scheduled = True
            # A task begins in the next turn, so it finds all questions of this one.
            call = loop.create_task(self._call(loop), context=contextvars.Context())
            self._calls.add(call)
            call.add_done_callback(self._ended)

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if call.cancelled():
            # Perhaps before it began, and nothing else would ask these questions.
            self._scheduled = False
            waiting, self._waiting = self._waiting, []
            _fail(waiting, Unavailable("the question was given up"))
        self._schedule(call.get_loop())

    async def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        # A caller that was cancelled meanwhile wants no answer.
        waiting = [one for one in self._waiting if not one[1].done()]
        batch, self._waiting = waiting[: self._most], waiting[self._most :]
        self._schedule(loop)
        if not batch:
            return
        try:
            await self._answer(batch)
        finally:
            # However it ended, nobody waits for ever.
            _fail(batch, Unavailable("the question was given up"))

    async def _answer(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._ask([question for question, _ in batch])
            if len(answers) != len(batch):
                raise RuntimeError(f"{len(answers)} answers to {len(batch)} questions")
        except Exception as error:
            if len(batch) == 1 or isinstance(error, Unavailable):
                _fail(batch, error)
            else:
                for one in batch:
                    if not one[1].done():
                        await self._answer([one])
            return
        for (_, answer), found in zip(batch, answers, strict=True):
            if not answer.done():
                answer.set_result(found)


def _fail(batch: Sequence[tuple[object, asyncio.Future[A]]], error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)
