"""Bodies of HTTP requests that never end."""

from __future__ import annotations

import asyncio
import contextlib
import time

from ksmp_testkit import MakeToken
from tests.peer import Peer
from tests.target import MIB, Target

from .conftest import MakePair


def head(token: str, framing: str) -> bytes:
    lines = ["POST /api/v1/rooms/session:1/commands HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", framing]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_slow_bodies_are_ended_at_the_deadline(target: Target, token: MakeToken, beside: MakePair) -> None:
    post = head(token("slow"), "Content-Length: 1000")

    def attack() -> bool:
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(Peer(target.port)) for _ in range(15)]
            for peer in peers:
                peer.send(post)
            until = time.monotonic() + 3.0
            while time.monotonic() < until:
                for peer in peers:
                    peer.send(b"{")
                time.sleep(0.1)
            return all(peer.ended(3.0) for peer in peers)

    async with beside(target):
        assert await asyncio.to_thread(attack)


async def test_a_slow_body_is_told_so(target: Target, token: MakeToken) -> None:
    def attack() -> int:
        with Peer(target.port) as peer:
            peer.send(head(token("late"), "Content-Length: 1000") + b"{")
            return peer.status()

    assert await asyncio.to_thread(attack) == 408


async def test_the_next_body_of_a_connection_has_a_deadline_too(target: Target, token: MakeToken) -> None:
    def attack() -> tuple[int, bool]:
        with Peer(target.port) as peer:
            peer.send(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            status = peer.status()
            time.sleep(0.2)
            # Head and beginning come at once, so the head alone is never waited for.
            peer.send(head(token("late"), "Content-Length: 1000") + b"{")
            return status, peer.ended(6.0)

    assert await asyncio.to_thread(attack) == (200, True)


async def test_a_body_without_an_end_is_not_taken(target: Target, token: MakeToken, beside: MakePair) -> None:
    def attack(post: bytes) -> tuple[float, int]:
        """Send chunks for as long as they are taken."""
        began, sent = time.monotonic(), 0
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        with Peer(target.port) as peer:
            peer.send(post)
            while time.monotonic() < began + 20 and peer.send(chunk):
                sent += len(chunk)
                time.sleep(0.005)
        return time.monotonic() - began, sent

    async with beside(target):
        before = target.memory()
        for bearer in ("nonsense", token("endless")):
            seconds, _ = await asyncio.to_thread(attack, head(bearer, "Transfer-Encoding: chunked"))
            assert seconds < 15
        assert target.memory() < before + 40 * MIB
