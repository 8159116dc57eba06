"""Events of several callers go together, and each caller learns whether they were kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from gateway import clock
from gateway.errors import Unavailable
from modules.analytics.intake.client_events import ClientEvent
from modules.analytics.tracking.gathering import Gathering
from tests.modules.analytics.lab import id_of


def events(count: int) -> list[ClientEvent]:
    now = clock.now()
    return [ClientEvent(UUID(id_of(now, number)), now, "lab.clicked", "", "", "", "", 0) for number in range(count)]


class Stream:
    def __init__(self) -> None:
        self.messages: list[int] = []
        self.away = False

    async def put(self, batch: Sequence[ClientEvent]) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("NATS is away")
        self.messages.append(len(batch))


async def test_what_comes_within_a_moment_is_one_message() -> None:
    stream = Stream()
    gathering = Gathering(stream.put, seconds=0.05, most=100)
    await asyncio.gather(*(gathering.put(events(3)) for _ in range(5)))
    await gathering.put(events(1))
    assert stream.messages == [15, 1]


async def test_a_full_message_does_not_wait_and_none_is_larger() -> None:
    stream = Stream()
    gathering = Gathering(stream.put, seconds=3600.0, most=10)
    waiting = [asyncio.create_task(gathering.put(events(4))) for _ in range(3)]
    await asyncio.gather(*waiting[:2])
    assert stream.messages == [8]
    await asyncio.gather(waiting[2], gathering.put(events(6)))
    assert stream.messages == [8, 10]


async def test_all_learn_that_nothing_was_kept() -> None:
    stream = Stream()
    stream.away = True
    gathering = Gathering(stream.put, seconds=0.01, most=10)
    answers = await asyncio.gather(*(gathering.put(events(2)) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in answers] == [Unavailable] * 3
    stream.away = False
    await gathering.put(events(2))
    assert stream.messages == [2]


async def test_a_caller_that_gives_up_takes_no_others_with_it() -> None:
    stream = Stream()
    gathering = Gathering(stream.put, seconds=0.05, most=10)
    hasty = asyncio.create_task(gathering.put(events(2)))
    patient = asyncio.create_task(gathering.put(events(3)))
    await asyncio.sleep(0)
    hasty.cancel()
    await patient
    with pytest.raises(asyncio.CancelledError):
        await hasty
    assert stream.messages == [5]
