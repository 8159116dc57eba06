"""Clients that do not read what they asked for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from ksmp_testkit import MakeToken
from ksmp_testkit.socket_client import connected
from tests.peer import PING, Peer, frame
from tests.target import MIB, Target

from .conftest import MakePair, MakeTarget

# By default the kernel buffers megabytes for a client that does not read. These sizes keep it small.
SMALL = 4096
TEXT = "x" * 14_000


async def fill(target: Target, token: MakeToken, room: str, total: int) -> None:
    """Say so many bytes in a room, by several members."""

    async def write(number: int) -> None:
        async with connected(target.ws_url, token(f"writer-{number}")) as writer:
            await writer.join(room)
            for _ in range(total // 10 // len(TEXT)):
                await writer.say(room, TEXT)
                await asyncio.sleep(0.052)

    await asyncio.gather(*(write(number) for number in range(10)))


@contextlib.contextmanager
def members(target: Target, token: MakeToken, room: str, count: int) -> Iterator[list[Peer]]:
    """Members of the room, each a user of its own, that do not read any more."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(target.port, receive_buffer=SMALL)) for _ in range(count)]
        for number, peer in enumerate(peers):
            peer.signed_in(token(f"slow-{number}"))
            assert peer.call("join", room=room)["room"] == room
        yield peers


async def test_4001_members_that_never_read(target: Target, token: MakeToken, room: str, beside: MakePair) -> None:
    async with beside(target):
        before = target.memory()
        with members(target, token, room, 20) as peers:
            # Over a mebibyte, and what the kernel buffers.
            await fill(target, token, room, 6 * MIB)
            assert target.memory() < before + 20 * 2 * MIB + 60 * MIB
            await target.settles(2)
            for peer in peers:
                assert await asyncio.to_thread(peer.cut_off, 10.0)


async def test_an_event_stream_that_is_never_read_is_cut_off(
    target: Target, token: MakeToken, room: str, beside: MakePair
) -> None:
    async with beside(target):
        before = target.memory()
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(Peer(target.port, receive_buffer=SMALL)) for _ in range(20)]
            for number, peer in enumerate(peers):
                ask = (
                    f"GET /realtime/sse?room={room} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token(f's{number}')}"
                )
                peer.send(f"{ask}\r\n\r\n".encode())
            await target.settles(22)
            await fill(target, token, room, 6 * MIB)
            await target.settles(2)
            for peer in peers:
                assert await asyncio.to_thread(peer.cut_off, 10.0)
            assert target.memory() < before + 20 * 2 * MIB + 60 * MIB


async def test_responses_that_are_never_read_are_cut_off(target: Target, beside: MakePair) -> None:
    def attack() -> bool:
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(Peer(target.port, receive_buffer=SMALL)) for _ in range(3)]
            for peer in peers:
                # Larger in sum than what the kernel buffers.
                peer.send(b"GET /api/docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            return all(peer.cut_off(30.0) for peer in peers)

    async with beside(target):
        before = target.memory()
        assert await asyncio.to_thread(attack)
        assert target.memory() < before + 60 * MIB


async def test_pings_whose_pongs_are_never_read(target: Target, token: MakeToken, beside: MakePair) -> None:
    pings = frame(PING, b"x" * 125) * 1000

    def attack() -> int:
        sent = 0
        with Peer(target.port, receive_buffer=SMALL) as peer:
            peer.signed_in(token("pinger"))
            peer.link.settimeout(3.0)
            while sent < 64 * MIB and peer.send(pings):
                sent += len(pings)
        return sent

    async with beside(target):
        before = target.memory()
        assert await asyncio.to_thread(attack) < 32 * MIB
        assert target.memory() < before + 40 * MIB
        await target.settles(2)


@pytest.mark.parametrize("how", ["half-open", "close frame"])
async def test_a_client_that_leaves_without_reading_is_cut_off(
    make_target: MakeTarget, token: MakeToken, room: str, how: str, beside: MakePair
) -> None:
    """The unread bytes are more than the kernel buffers, and fewer than the limit that closes a slow client."""
    async with make_target(outbound_hard_bytes=64 * MIB) as target, beside(target):
        with members(target, token, room, 3) as peers:
            await fill(target, token, room, 6 * MIB)
            assert await target.metric("ksmp_connections") == 5
            for peer in peers:
                if how == "half-open":
                    peer.link.shutdown(socket.SHUT_WR)
                else:
                    peer.send(frame(8, (1000).to_bytes(2, "big")))
            for peer in peers:
                assert await asyncio.to_thread(peer.cut_off, 15.0)
            await target.settles(2)
