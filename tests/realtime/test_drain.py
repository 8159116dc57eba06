"""Clients that are sent away get reconnect times that are spread evenly. The node's other work goes on meanwhile."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gateway.errors import CloseCode
from gateway.protocol.codec import JSON
from gateway.realtime import drain
from gateway.realtime.frame_encoder import websocket_encoder
from gateway.realtime.member import Member
from tests.realtime.node import Transcript


@pytest.mark.parametrize(
    ("count", "seconds"), [(0, 1.0), (1, 1.0), (200, 1.0), (500, 2.5), (5000, 25.0), (12_000, 60.0), (50_000, 60.0)]
)
def test_the_window_is_as_long_as_the_clients_are_many(count: int, seconds: float) -> None:
    assert drain.window(count, rate=200.0, least=1.0, most=60.0) == seconds


def crowd(count: int) -> list[Member]:
    def member(number: int) -> Member:
        return Member(str(number), websocket_encoder(JSON, None), Transcript(), soft=1000, hard=100_000, spread=1.0)

    return [member(number) for number in range(count)]


def retries(members: list[Member]) -> list[int]:
    found = []
    for member in members:
        assert isinstance(member._sink, Transcript)
        disconnect = member._sink.messages[-1]["data"]
        assert (disconnect["code"], member._sink.closed) == (4000, 4000)
        found.append(disconnect["retry_ms"])
    return found


async def test_in_every_second_of_the_window_as_many_come_back() -> None:
    members = crowd(1000)
    await drain.send_away(members, CloseCode.DRAIN, 25.0)
    seconds = [retry // 1000 for retry in retries(members)]
    assert [len(list(group)) for _, group in itertools.groupby(sorted(seconds))] == [40] * 25


async def test_who_has_left_takes_no_place() -> None:
    members = crowd(40)
    for member in members[:20]:
        member.gone = True
    await drain.send_away(members, CloseCode.DRAIN, 20.0)
    assert sorted(retry // 1000 for retry in retries(members[20:])) == list(range(20))


async def test_other_work_has_its_turn_between_the_disconnects() -> None:
    members = crowd(drain.SLICE * 10)
    closed: list[int] = []

    async def work() -> None:
        while not closed or closed[-1] < len(members):
            closed.append(sum(not member.open for member in members))
            await asyncio.sleep(0)

    working = asyncio.create_task(work())
    await drain.send_away(members, CloseCode.BUS_LOST, 1.0)
    await working
    assert max(later - sooner for sooner, later in itertools.pairwise(closed)) <= drain.SLICE
