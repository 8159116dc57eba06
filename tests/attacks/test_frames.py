"""Frames that need more memory than was sent: giants, fragments, and compressed bombs."""

from __future__ import annotations

import asyncio
import json
import zlib

import pytest

from ksmp_testkit import MakeToken
from tests.peer import BINARY, CONT, TEXT, Peer, command, frame
from tests.target import MIB, Target

from .conftest import MakePair


def deflated(size: int) -> bytes:
    """So many spaces, as permessage-deflate has them in a frame."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    blank = b" " * MIB
    packed = b"".join(packer.compress(blank) for _ in range(size // MIB)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed[:-4]


@pytest.mark.parametrize("size", [1 << 17, 1 << 31, (1 << 63) - 1])
async def test_4505_a_giant_frame_is_refused_by_its_head(
    target: Target, token: MakeToken, beside: MakePair, size: int
) -> None:
    def attack() -> tuple[int, int]:
        with Peer(target.port) as peer:
            peer.signed_in(token("giant"))
            peer.answers = False
            peer.send(frame(TEXT, size=size))
            while not peer.codes:
                opcode, payload = peer.next() or (0x8, b"")
                if opcode == 0x8:
                    peer.codes.append(int.from_bytes(payload[:2], "big"))
            sent = 0
            while sent < 64 * MIB and peer.send(b"x" * MIB):
                sent += MIB
            return peer.codes[0], sent

    async with beside(target):
        before = target.memory()
        for _ in range(10):
            code, sent = await asyncio.to_thread(attack)
            assert code == 4505
            assert sent < 32 * MIB
        assert target.memory() < before + 40 * MIB


async def test_4505_a_giant_message_in_fragments(target: Target, token: MakeToken, beside: MakePair) -> None:
    def attack() -> int | None:
        with Peer(target.port) as peer:
            peer.signed_in(token("parts"))
            peer.send(frame(TEXT, b"x" * 1000, fin=False))
            for _ in range(100):
                peer.send(frame(CONT, b"x" * 1000, fin=False))
            return peer.told()

    async with beside(target):
        assert await asyncio.to_thread(attack) == 4505


@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "small"])
async def test_fragments_without_an_end_are_a_flood(
    target: Target, token: MakeToken, beside: MakePair, payload: bytes
) -> None:
    """Empty fragments add nothing to the size of a message, and take memory all the same."""
    parts = frame(CONT, payload, fin=False) * 10_000

    def attack() -> int | None:
        with Peer(target.port) as peer:
            peer.signed_in(token("fragments"))
            peer.send(frame(TEXT, b"{", fin=False))
            for _ in range(200):
                if not peer.send(parts):
                    break
            return peer.told()

    async with beside(target):
        before = target.memory()
        for _ in range(5):
            # Without a code when what it has sent since has reset the connection.
            assert await asyncio.to_thread(attack) in (4506, None)
        assert target.memory() < before + 40 * MIB


async def test_4505_a_deflate_bomb_is_not_unpacked(target: Target, token: MakeToken, beside: MakePair) -> None:
    # A quarter of a gibibyte in 256 KiB; and 60 KiB, under every limit on what is sent, that would be 60 MiB.
    large, small = deflated(256 * MIB), deflated(60 * MIB)
    assert len(small) < 65_536 < len(large)

    def attack(opcode: int, *parts: bytes) -> int | None:
        with Peer(target.port) as peer:
            peer.signed_in(token("bomber"), deflate=True)
            assert "permessage-deflate" in peer.head
            for index, part in enumerate(parts):
                last = index == len(parts) - 1
                peer.send(frame(opcode if index == 0 else CONT, part, fin=last, rsv1=index == 0))
            return peer.told()

    async with beside(target):
        before = target.memory()
        for _ in range(5):
            assert await asyncio.to_thread(attack, TEXT, large) in (4505, None)
            assert await asyncio.to_thread(attack, TEXT, small) == 4505
            assert await asyncio.to_thread(attack, BINARY, small) == 4505
            # In fragments, each of which would unpack to a little.
            pieces = [small[start : start + 50] for start in range(0, 20_000, 50)]
            assert await asyncio.to_thread(attack, TEXT, *pieces) == 4505
        assert target.memory() < before + 40 * MIB


async def test_a_bomb_before_connect(target: Target, beside: MakePair) -> None:
    bomb = deflated(60 * MIB)

    def attack() -> int | None:
        with Peer(target.port) as peer:
            assert peer.upgrade(deflate=True) == 101
            peer.send(frame(TEXT, bomb, rsv1=True))
            return peer.told()

    async with beside(target):
        assert await asyncio.to_thread(attack) == 4505


async def test_4506_bombs_behind_a_connect_are_not_kept(target: Target, token: MakeToken, beside: MakePair) -> None:
    """They come while the token is being verified, and each is under the limit."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -12)
    bomb = (packed.compress(b" " * 16_000) + packed.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def attack() -> int | None:
        with Peer(target.port) as peer:
            assert peer.upgrade(deflate=True) == 101
            peer.send(command("connect", 1, token=token("hasty")) + frame(TEXT, bomb, rsv1=True) * 3000)
            return peer.told()

    async with beside(target):
        before = target.memory()
        for _ in range(3):
            assert await asyncio.to_thread(attack) in (4506, 4502, None)
        assert target.memory() < before + 60 * MIB


@pytest.mark.parametrize(("count", "code"), [(4, None), (5, 4506)], ids=["as much as one", "more"])
async def test_4506_what_waits_for_connect_is_limited_by_its_unpacked_size(
    target: Target, token: MakeToken, count: int, code: int | None
) -> None:
    ping = json.dumps({"cmd": "ping", "id": 2, "padding": " " * 16_000}).encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    bomb = frame(TEXT, (packer.compress(ping) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv1=True)

    def attack() -> int | None:
        with Peer(target.port) as peer:
            assert peer.upgrade(deflate=True) == 101
            peer.send(command("connect", 1, token=token("hasty")) + bomb * count)
            while (message := peer.message()) is not None:
                if message.get("id") == 2:
                    return None
            return peer.codes[0]

    assert await asyncio.to_thread(attack) == code
