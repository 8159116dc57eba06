"""Sockets that are too many, silent, or from a foreign origin."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

from ksmp_testkit import MakeToken
from tests.peer import Peer
from tests.target import MIB, Target

from .conftest import MakePair, MakeTarget

COUNT = 500
BAD_TOKENS = 600
BURST = 20


async def test_4503_one_user_with_500_sockets(target: Target, token: MakeToken, beside: MakePair) -> None:
    bearer = token("collector")

    def attack(stack: contextlib.ExitStack) -> list[Peer]:
        peers = []
        for _ in range(COUNT):
            peers.append(stack.enter_context(Peer(target.port)))
            peers[-1].signed_in(bearer)
        return peers

    async with beside(target):
        before = target.memory()
        with contextlib.ExitStack() as stack:
            peers = await asyncio.to_thread(attack, stack)
            await target.settles(2 + 10)
            codes = [await asyncio.to_thread(peer.close_code) for peer in peers[:-10]]
            assert set(codes) == {4503}
            assert target.memory() < before + 100 * MIB
            # The ten newest are served.
            for peer in peers[-10:]:
                assert "server_time" in await asyncio.to_thread(peer.call, "ping")


async def test_4502_sockets_that_never_connect(target: Target, beside: MakePair) -> None:
    def attack() -> tuple[set[int | None], int]:
        with contextlib.ExitStack() as stack:
            peers = []
            for _ in range(COUNT):
                peers.append(stack.enter_context(Peer(target.port)))
                assert peers[-1].upgrade() == 101
            memory = target.memory()
            return {peer.close_code() for peer in peers}, memory

    async with beside(target):
        before = target.memory()
        codes, memory = await asyncio.to_thread(attack)
        assert codes == {4502}
        print(f"\na socket that says nothing takes {(memory - before) / COUNT / 1024:.0f} KiB")
        assert memory < before + COUNT * 200 * 1024
        await target.settles(2)


async def test_4000_of_too_many_silent_sockets_the_oldest_go(
    make_target: MakeTarget, token: MakeToken, beside: MakePair
) -> None:
    def attack(port: int) -> list[int | None]:
        with contextlib.ExitStack() as stack:
            peers = []
            for _ in range(200):
                peers.append(stack.enter_context(Peer(port)))
                assert peers[-1].upgrade() == 101
            time.sleep(0.2)
            # A client that sends `connect` is served.
            with Peer(port) as honest:
                assert honest.signed_in(token("late"))["user"]["id"] == "late"
            return [peer.close_code() for peer in peers]

    async with make_target(silent_sockets=50, connect_timeout=4.0) as target, beside(target):
        codes = await asyncio.to_thread(attack, target.port)
        assert codes[:149] == [4000] * 149
        assert set(codes[151:]) == {4502}


async def test_bad_origins_are_refused_and_leave_nothing(target: Target, beside: MakePair) -> None:
    def attack() -> set[int]:
        statuses = set()
        for number in range(300):
            with Peer(target.port) as peer:
                statuses.add(peer.upgrade(origin=f"https://evil-{number}.example"))
        return statuses

    async with beside(target):
        before, sockets = target.memory(), target.sockets()
        # The first are told why. Of so many from one network the others are told to wait.
        assert await asyncio.to_thread(attack) == {403, 429}
        await target.settles(2)
        assert target.memory() < before + 30 * MIB
        async with asyncio.timeout(10):
            while target.sockets() > sockets + 5:
                await asyncio.sleep(0.1)


async def test_4500_bad_tokens_from_where_honest_users_are(
    make_target: MakeTarget, token: MakeToken, beside: MakePair
) -> None:
    """Every token is another one, so each has to be verified."""
    claims, _, signature = token("forger").rpartition(".")
    bad = [f"{claims}.{number:05}{signature[5:]}" for number in range(BAD_TOKENS)]

    def attack(port: int) -> Counter[tuple[str, int | None]]:
        found: Counter[tuple[str, int | None]] = Counter()
        for number, one in enumerate(bad):
            with Peer(port) as peer:
                assert peer.upgrade() == 101
                code = peer.call("connect", token=one)["code"]
                # The first may try again, so their end is not waited for.
                found[code, peer.close_code() if number >= BURST else None] += 1
            if number % 100 == 0:
                with Peer(port) as honest:
                    assert honest.signed_in(token(f"late-{number}"))["user"]["id"] == f"late-{number}"
        return found

    limit = {"refused_connect_rate": 0.001, "refused_connect_burst": BURST}
    async with make_target(**limit) as target, beside(target):
        before, cpu, written = target.memory(), target.cpu(), target.log.read_text().count("\n")
        found = await asyncio.to_thread(attack, target.port)
        print(f"\na bad token takes {(target.cpu() - cpu) / BAD_TOKENS * 1e6:.0f} µs, with its handshake")
        assert found == {("unauthenticated", None): BURST, ("unauthenticated", 4500): BAD_TOKENS - BURST}
        await target.settles(2)
        assert target.memory() < before + 30 * MIB
        # Two lines for each honest newcomer, and one in ten seconds for all others.
        assert target.log.read_text().count("\n") - written < 2 * BAD_TOKENS / 100 + 20


async def test_sockets_that_come_and_go(target: Target, token: MakeToken, beside: MakePair) -> None:
    """Connections are cut in every stage, and nothing of them stays."""
    bearer = token("comet")

    def attack() -> None:
        for number in range(300):
            with Peer(target.port) as peer:
                if number % 3 == 0:
                    continue
                peer.upgrade()
                if number % 3 == 2:
                    peer.call("connect", token=bearer)

    async with beside(target):
        before, sockets = target.memory(), target.sockets()
        await asyncio.to_thread(attack)
        await target.settles(2)
        assert target.memory() < before + 40 * MIB
        async with asyncio.timeout(10):
            while target.sockets() > sockets + 5:
                await asyncio.sleep(0.1)
