"""HTTP requests that never end: slow heads, endless heads, and too many of them."""

from __future__ import annotations

import asyncio
import contextlib
import time

import httpx

from tests.peer import Peer
from tests.target import MIB, Target

from .conftest import MakePair, MakeTarget

HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"


async def test_slow_heads_are_ended_at_the_deadline(target: Target, beside: MakePair) -> None:
    def attack() -> list[int]:
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(Peer(target.port)) for _ in range(100)]
            for peer in peers:
                peer.send(HEAD)
            until = time.monotonic() + 3.0
            while time.monotonic() < until:
                for peer in peers:
                    peer.send(b"a")
                time.sleep(0.1)
            return [peer.status() for peer in peers]

    async with beside(target):
        # A status, unless what is sent after it has reset the connection.
        assert set(await asyncio.to_thread(attack)) <= {408, 0}


async def test_whoever_says_nothing_is_not_waited_for(target: Target, beside: MakePair) -> None:
    def attack() -> bool:
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(Peer(target.port)) for _ in range(100)]
            for peer in peers[:50]:
                # Neither is this the beginning of a request.
                peer.send(b"\r\n")
            return all(peer.ended(6.0) for peer in peers)

    async with beside(target):
        assert await asyncio.to_thread(attack)


async def test_a_late_head_gets_an_answer(target: Target) -> None:
    def attack() -> int:
        with Peer(target.port) as peer:
            peer.send(HEAD)
            return peer.status()

    assert await asyncio.to_thread(attack) == 408


async def test_the_next_head_of_a_connection_has_a_deadline_too(target: Target) -> None:
    def attack() -> tuple[int, bool]:
        with Peer(target.port) as peer:
            peer.send(HEAD + b"\r\n")
            status = peer.status()
            time.sleep(0.2)
            peer.send(HEAD)
            return status, peer.ended(6.0)

    assert await asyncio.to_thread(attack) == (200, True)


async def test_heads_without_an_end_are_refused(target: Target, beside: MakePair) -> None:
    def attack(piece: bytes) -> tuple[int, int]:
        with Peer(target.port) as peer:
            peer.send(HEAD + b"X: ")
            sent = 0
            while sent < 64 * MIB and peer.send(piece):
                sent += len(piece)
            return sent, peer.status()

    async with beside(target):
        before = target.memory()
        for piece in (b"x" * 65_536, b"x: y\r\n" * 10_000):
            for _ in range(5):
                sent, status = await asyncio.to_thread(attack, piece)
                assert sent < 32 * MIB
                assert status in (431, 0)
        assert target.memory() < before + 40 * MIB


async def test_trailers_without_an_end_are_refused(target: Target, beside: MakePair) -> None:
    def attack() -> int:
        with Peer(target.port) as peer:
            peer.send(b"POST /api/v1/rooms/x/commands HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
            sent = 0
            while sent < 64 * MIB and peer.send(b"x: y\r\n" * 10_000):
                sent += 60_000
            return sent

    async with beside(target):
        before = target.memory()
        assert await asyncio.to_thread(attack) < 32 * MIB
        assert target.memory() < before + 40 * MIB


async def test_of_too_many_unfinished_requests_the_oldest_go(make_target: MakeTarget, beside: MakePair) -> None:
    def attack(port: int) -> list[bool]:
        with contextlib.ExitStack() as stack:
            peers = []
            for _ in range(150):
                peers.append(stack.enter_context(Peer(port)))
                peers[-1].send(HEAD)
            # On a busy machine the gateway takes a while to see all of them. The last of these goes only then.
            oldest = [peer.cut_off(15.0) for peer in peers[:100]]
            return [*oldest, *(peer.cut_off(0) for peer in peers[100:])]

    async with make_target(unfinished_requests=50, header_timeout=60.0) as target, beside(target):
        attacking = asyncio.create_task(asyncio.to_thread(attack, target.port))
        async with httpx.AsyncClient(base_url=target.url) as http:
            while not attacking.done():
                # A client that sends a whole request is served meanwhile.
                assert (await http.get("/health/live", headers={"Connection": "close"})).status_code == 200
                await asyncio.sleep(0.02)
        gone = await attacking
        assert all(gone[:80])
        assert not any(gone[-40:])
