"""The endpoint follows RFC 6455 and RFC 7692, on each event loop. The peer writes every byte itself."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest

from devstack.guard import Guard
from ksmp_testkit import MakeSettings, MakeToken
from tests.peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, Peer, command, frame
from tests.target import Target, targeted

T = TypeVar("T")
ASK = json.dumps({"id": 7, "cmd": "ping", "note": "Grüße, 世界 🌍"}, ensure_ascii=False).encode()


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
async def target(
    request: pytest.FixtureRequest,
    settings: MakeSettings,
    tmp_path_factory: pytest.TempPathFactory,
    servers_guard: Guard,
) -> AsyncIterator[Target]:
    folder = tmp_path_factory.mktemp("standard")
    async with targeted(settings, folder, servers_guard, event_loop=request.param) as target:
        said = re.findall(r'"loop":\s*"(\w+)"', target.log.read_text())
        assert said == [request.param], "the gateway runs on another loop"
        yield target


Speak = Callable[..., Any]


@pytest.fixture
def speak(target: Target, token: MakeToken) -> Speak:
    """Runs a conversation in a thread: `await speak(talk)`, where `talk` gets a peer that is connected."""

    async def run(talk: Callable[[Peer], T], *, deflate: bool = False) -> T:
        def converse() -> T:
            with Peer(target.port) as peer:
                peer.signed_in(token("standard"), deflate=deflate)
                return talk(peer)

        return await asyncio.to_thread(converse)

    return run


def answered(peer: Peer, id: int = 7) -> bool:
    """Whether the reply comes, and then another command is served."""
    while (message := peer.message()) is not None:
        if message.get("id") == id:
            return "ok" in message and "server_time" in peer.call("ping")
    return False


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


# The handshake (4.2)


def asking(**changes: str | None) -> bytes:
    headers: dict[str, str | None] = {
        "Host": "x",
        "Connection": "keep-alive, Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(["GET /realtime HTTP/1.1", *lines, "", ""]).encode()


async def test_the_key_of_the_standard_s_example(target: Target) -> None:
    def talk() -> tuple[int, str]:
        with Peer(target.port) as peer:
            peer.send(asking())
            return peer.status(), peer.head.lower()

    status, head = await asyncio.to_thread(talk)
    assert status == 101
    assert "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in head
    assert "upgrade: websocket" in head


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Version": "12"}, 400),
        ({"Sec_WebSocket_Version": None}, 400),
    ],
)
async def test_handshakes_that_are_refused(target: Target, changes: dict[str, str | None], status: int) -> None:
    def talk() -> int:
        with Peer(target.port) as peer:
            peer.send(asking(**changes))
            return peer.status()

    assert await asyncio.to_thread(talk) in (status, 426)


async def test_a_handshake_may_come_byte_by_byte(target: Target, token: MakeToken) -> None:
    def talk() -> bool:
        with Peer(target.port) as peer:
            peer.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in asking():
                peer.send(bytes([byte]))
            assert peer.status() == 101
            for byte in command("connect", 1, token=token("bytes")):
                peer.send(bytes([byte]))
            return answered(peer, 1)

    assert await asyncio.to_thread(talk)


# Fragments (5.4)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
async def test_fragments_are_one_message(speak: Speak, size: int) -> None:
    """Also where they cut a character in two."""

    def talk(peer: Peer) -> bool:
        parts = [ASK[start : start + size] for start in range(0, len(ASK), size)]
        data = frame(TEXT, parts[0], fin=False)
        data += b"".join(frame(CONT, part, fin=False) for part in parts[1:-1])
        peer.send(data + frame(CONT, parts[-1]))
        return answered(peer)

    assert await speak(talk)


async def test_fragments_may_be_empty(speak: Speak) -> None:
    def talk(peer: Peer) -> bool:
        peer.send(frame(TEXT, fin=False) + frame(CONT, fin=False) + frame(CONT, ASK, fin=False) + frame(CONT))
        return answered(peer)

    assert await speak(talk)


async def test_control_frames_may_come_between_fragments(speak: Speak) -> None:
    def talk(peer: Peer) -> tuple[bool, list[bytes]]:
        peer.send(frame(TEXT, ASK[:5], fin=False) + frame(PING, b"between") + frame(PONG, b"nobody asked"))
        peer.send(frame(CONT, ASK[5:]))
        return answered(peer), peer.pongs

    assert await speak(talk) == (True, [b"between"])


async def test_many_messages_in_one_segment(speak: Speak) -> None:
    def talk(peer: Peer) -> list[int]:
        peer.send(b"".join(command("ping", id) for id in range(10, 30)))
        seen: list[int] = []
        while len(seen) < 20 and (message := peer.message()) is not None:
            if "ok" in message:
                seen.append(message["id"])
        return seen

    assert sorted(await speak(talk)) == list(range(10, 30))


# Pings and pongs (5.5.2, 5.5.3)


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))], ids=len)
async def test_a_ping_is_answered_with_what_it_carried(speak: Speak, payload: bytes) -> None:
    def talk(peer: Peer) -> list[bytes]:
        peer.send(frame(PING, payload))
        assert "server_time" in peer.call("ping")
        return peer.pongs

    assert await speak(talk) == [payload]


async def test_a_pong_that_nobody_asked_for_is_ignored(speak: Speak) -> None:
    def talk(peer: Peer) -> bool:
        peer.send(frame(PONG, b"?") + frame(TEXT, ASK))
        return answered(peer)

    assert await speak(talk)


# Closing (7)


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 3000, 4999])
async def test_a_close_frame_is_answered_with_its_code_and_the_connection_ends(speak: Speak, code: int) -> None:
    def talk(peer: Peer) -> int | None:
        peer.send(closing(code, "tschüß".encode()))
        return peer.close_code()

    assert await speak(talk) == code


async def test_a_close_frame_may_be_empty(speak: Speak) -> None:
    def talk(peer: Peer) -> list[tuple[int, bytes]]:
        peer.send(frame(CLOSE))
        frames = []
        while (one := peer.next()) is not None:
            frames.append(one)
        return frames

    frames = await speak(talk)
    assert frames[-1] == (CLOSE, b"")
    assert all(opcode != CLOSE for opcode, _ in frames[:-1])


async def test_nothing_is_read_after_a_close_frame(speak: Speak) -> None:
    def talk(peer: Peer) -> tuple[int | None, bool]:
        peer.send(closing(1000) + frame(TEXT, ASK))
        answers = []
        while (message := peer.message()) is not None:
            answers.append(message)
        return peer.codes[0] if peer.codes else None, any(one.get("id") == 7 for one in answers)

    assert await speak(talk) == (1000, False)


async def test_the_server_closes_and_waits_for_the_answer(speak: Speak) -> None:
    def talk(peer: Peer) -> tuple[list[int], bool, bool]:
        peer.send(frame(TEXT, b"no message"))
        while not peer.codes and (one := peer.next()) is not None:
            if one[0] == CLOSE:
                peer.codes.append(int.from_bytes(one[1][:2], "big"))
        early = peer.ended(0.5)
        peer.send(closing(4502))
        return peer.codes, early, peer.ended(3.0)

    assert await speak(talk) == ([4502], False, True)


async def test_the_server_does_not_wait_for_an_answer_for_ever(speak: Speak) -> None:
    def talk(peer: Peer) -> tuple[int | None, bool]:
        peer.answers = False
        peer.send(frame(TEXT, b"no message"))
        return peer.close_code(), peer.ended(1.0)

    assert await speak(talk) == (4502, True)


async def test_both_may_close_at_once(speak: Speak) -> None:
    def talk(peer: Peer) -> int | None:
        peer.send(frame(TEXT, b"no message") + closing(1000))
        return peer.close_code()

    assert await speak(talk) in (4502, 1000)


async def test_a_half_open_peer_is_let_go(speak: Speak) -> None:
    """A half-open peer: its earlier commands may be answered, and the connection ends."""

    def talk(peer: Peer) -> bool:
        peer.link.shutdown(socket.SHUT_WR)
        return peer.ended(5.0)

    assert await speak(talk)


async def test_a_peer_that_vanishes_in_a_frame(target: Target, token: MakeToken) -> None:
    def talk() -> None:
        for how in range(6):
            with Peer(target.port) as peer:
                peer.signed_in(token("vanishing"))
                peer.send(frame(TEXT, ASK)[: how * 4])
                if how % 2:
                    # Reset instead of closed.
                    peer.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    await asyncio.to_thread(talk)
    await target.settles(0)


# What fails the connection (5.1, 5.2, 5.4, 5.5, 7.4, 8.1)

BROKEN = {
    "text that is no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "an overlong character": (frame(TEXT, b'{"cmd":"\xc0\xaf"}'), 1007),
    "a surrogate": (frame(TEXT, b'{"cmd":"\xed\xa0\x80"}'), 1007),
    "a character cut off at the end": (frame(TEXT, '{"cmd":"é'.encode()[:-1]), 1007),
    "no UTF-8 in a fragment": (frame(TEXT, b'{"cmd":', fin=False) + frame(CONT, b'"\xff"}'), 1007),
    "no mask": (b"\x81\x02{}", 1002),
    "a reserved bit": (b"\xa1\x80\0\0\0\0", 1002),
    "another reserved bit": (b"\x91\x80\0\0\0\0", 1002),
    "a compressed frame without the extension": (frame(TEXT, b"x", rsv1=True), 1002),
    "a reserved opcode": (frame(0x3), 1002),
    "a reserved control opcode": (frame(0xB), 1002),
    "a continuation of nothing": (frame(CONT, b"x"), 1002),
    "a message within a message": (frame(TEXT, b"{", fin=False) + frame(TEXT, ASK), 1002),
    "bytes within a text": (frame(TEXT, b"{", fin=False) + frame(BINARY, ASK), 1002),
    "a ping in fragments": (frame(PING, b"x", fin=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close frame of 126 bytes": (closing(1000, b"x" * 124), 1002),
    "a close frame of one byte": (frame(CLOSE, b"\x03"), 1002),
    "the close code 999": (closing(999), 1002),
    "the close code 1005": (closing(1005), 1002),
    "the close code 1006": (closing(1006), 1002),
    "the close code 1015": (closing(1015), 1002),
    "the close code 2999": (closing(2999), 1002),
    "the close code 5000": (closing(5000), 1002),
    "a reason that is no UTF-8": (closing(1000, b"\xff"), 1007),
    "a message over the limit": (frame(TEXT, b" " * 70_000), 4505),
    "a message over the limit in fragments": (
        frame(TEXT, b" " * 40_000, fin=False) + frame(CONT, b" " * 40_000),
        4505,
    ),
    "bytes where text was agreed": (frame(BINARY, ASK), 4502),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_what_breaks_the_standard_fails_the_connection(speak: Speak, case: str) -> None:
    data, expected = BROKEN[case]

    def talk(peer: Peer) -> tuple[int | None, bool]:
        peer.send(data + frame(TEXT, ASK))
        answers = []
        while (message := peer.message()) is not None:
            answers.append(message)
        return peer.codes[0] if peer.codes else None, any(one.get("id") == 7 for one in answers)

    code, served = await speak(talk)
    assert not served
    # In time for its sender to read why, if it reads at all.
    assert code == expected


# permessage-deflate (RFC 7692)


def packed(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


async def test_compressed_messages_and_plain_ones(speak: Speak) -> None:
    def talk(peer: Peer) -> tuple[bool, bool, bool]:
        small = packed(ASK)
        peer.send(frame(TEXT, small, rsv1=True))
        whole = answered(peer)
        peer.send(frame(TEXT, small[:9], rsv1=True, fin=False) + frame(PING) + frame(CONT, small[9:]))
        parts = answered(peer)
        peer.send(frame(TEXT, ASK))
        return whole, parts, answered(peer)

    assert await speak(talk, deflate=True) == (True, True, True)


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"\xff\xff\xff", rsv1=True),
        frame(PING, packed(b"x"), rsv1=True),
        frame(TEXT, packed(ASK)[:9], rsv1=True, fin=False) + frame(CONT, packed(ASK)[9:], rsv1=True),
        frame(TEXT, packed(b"\xff\xfe"), rsv1=True),
    ],
    ids=["no deflate", "a compressed ping", "a compressed continuation", "no UTF-8 inside"],
)
async def test_what_breaks_the_extension_fails_the_connection(speak: Speak, data: bytes) -> None:
    def talk(peer: Peer) -> tuple[int | None, float]:
        began = time.monotonic()
        peer.send(data)
        return peer.close_code(), time.monotonic() - began

    code, _ = await speak(talk, deflate=True)
    assert code in (1002, 1007)
