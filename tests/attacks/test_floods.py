"""Far more than a client may send in a second."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable

import pytest

from ksmp_testkit import MakeToken
from tests.peer import PING, PONG, TEXT, Peer, command, frame
from tests.target import MIB, Target

from .conftest import MakePair

SECONDS = 2.0
ATTACKERS = 4


def flood(attack: Callable[[int], None]) -> None:
    """Run attackers in parallel, each of them repeatedly."""

    def run(number: int) -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            attack(number)

    with concurrent.futures.ThreadPoolExecutor(ATTACKERS) as pool:
        list(pool.map(run, range(ATTACKERS)))


KINDS = {
    "pings of the protocol": command("ping", 1),
    "typing": command("typing", room="session:x", on=True),
    "unknown": command("nope", 1),
    "joins": command("join", 1, room="session:nowhere"),
    "sends": command("chat.send", 1, room="session:x", data={"text": "x"}),
    "pings of WebSocket": frame(PING),
    "pongs of WebSocket": frame(PONG),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_4506_ten_thousand_a_second(target: Target, token: MakeToken, beside: MakePair, kind: str) -> None:
    burst = KINDS[kind] * 10_000
    codes: list[int | None] = []

    def attack(number: int) -> None:
        with Peer(target.port) as peer:
            peer.signed_in(token(f"flooder-{number}"))
            peer.send(burst)
            codes.append(peer.told())

    async with beside(target):
        before = target.memory()
        await asyncio.to_thread(flood, attack)
        assert target.memory() < before + 40 * MIB
        await target.settles(2)
    # Without a code when what it has sent since has reset the connection.
    assert set(codes) <= {4506, None}
    assert 4506 in codes


async def test_just_below_a_flood_is_refused_command_by_command(
    target: Target, token: MakeToken, beside: MakePair
) -> None:
    def attack(number: int) -> None:
        with Peer(target.port) as peer:
            peer.signed_in(token(f"pusher-{number}"))
            for _ in range(15):
                peer.send(command("ping", 1) * 10)
                time.sleep(0.1)
            answers = [peer.message() for _ in range(150)]
            refused = [one for one in answers if one is not None and "error" in one]
            assert len(refused) > 50
            assert {one["error"]["code"] for one in refused} <= {"rate_limited", "conflict"}

    async with beside(target):
        await asyncio.to_thread(flood, attack)


async def test_a_flood_before_connect(target: Target, beside: MakePair) -> None:
    burst = command("connect", 1, token="x" * 8000) * 1000
    codes: set[int | None] = set()

    def attack(number: int) -> None:
        with Peer(target.port) as peer:
            assert peer.upgrade() == 101
            peer.send(burst)
            codes.add(peer.told())

    async with beside(target):
        before = target.memory()
        await asyncio.to_thread(flood, attack)
        assert target.memory() < before + 40 * MIB
    # The address has shown too many bad tokens before the flood is one.
    assert codes <= {4500, 4506, None}
    assert 4500 in codes


async def test_the_largest_messages_as_fast_as_they_are_taken(
    target: Target, token: MakeToken, beside: MakePair
) -> None:
    largest = frame(TEXT, b'{"cmd":"ping","pad":"' + b"x" * 16_000 + b'"}') * 1000
    codes: set[int | None] = set()

    def attack(number: int) -> None:
        with Peer(target.port) as peer:
            peer.signed_in(token(f"large-{number}"))
            peer.send(largest)
            codes.add(peer.told())

    async with beside(target):
        before = target.memory()
        await asyncio.to_thread(flood, attack)
        assert target.memory() < before + 60 * MIB
    assert codes <= {4506, None}
