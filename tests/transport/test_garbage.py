"""A connection that has ended frees itself. The garbage collector finds nothing of it, however it ended."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from asyncio.selector_events import _SelectorSocketTransport  # type: ignore[attr-defined]
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import Any

import nats
import pytest

from ksmp_testkit import MakeGateway, MakeToken, Running
from tests.peer import TEXT, Peer, command, frame

COUNT = 25
NATS = Path(nats.__file__).parent
# nats-py's waits that time out leave some of these, however many connections there are.
OF_THE_BUS = ("builtins.traceback", "builtins.frame")
RESET = struct.pack("ii", 1, 0)
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v1/rooms/session:1/commands HTTP/1.1\r\nHost: x\r\n"

Talk = Callable[[Peer, str], None]


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    """With short deadlines, so that the clients that are late are so soon; and with room for all of them."""
    async with gateway(modules=("accounts",), **SETTINGS) as running:
        yield running


def reset(peer: Peer) -> None:
    peer.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.link.close()


def answered(peer: Peer, head: bytes = LIVE + b"\r\n", status: int = 200) -> None:
    """Read the answer whole, so that closing afterwards resets nothing."""
    peer.send(head)
    assert peer.status() == status
    size = next(int(line[15:]) for line in peer.head.lower().splitlines() if line.startswith("content-length:"))
    while len(peer.received) < size:
        assert peer._receive()
    peer.received = peer.received[size:]


def nothing_said(peer: Peer, _: str) -> None:
    pass


def nothing_said_and_reset(peer: Peer, _: str) -> None:
    reset(peer)


def closed_after_an_answer(peer: Peer, _: str) -> None:
    answered(peer)


def reset_after_an_answer(peer: Peer, _: str) -> None:
    answered(peer)
    reset(peer)


def reset_after_several(peer: Peer, _: str) -> None:
    for _ in range(3):
        answered(peer)
    reset(peer)


def pipelined(peer: Peer, _: str) -> None:
    peer.send((LIVE + b"\r\n") * 3)
    for _ in range(3):
        answered(peer, b"")


def pipelined_and_reset(peer: Peer, _: str) -> None:
    peer.send((LIVE + b"\r\n") * 30)
    reset(peer)


def asked_to_close(peer: Peer, _: str) -> None:
    answered(peer, LIVE + b"Connection: close\r\n\r\n")
    assert peer.ended(5.0)


def reset_in_the_middle(peer: Peer, _: str) -> None:
    peer.send(LIVE + b"\r\n")
    reset(peer)


def reset_in_a_head(peer: Peer, _: str) -> None:
    peer.send(LIVE)
    reset(peer)


def a_head_that_is_late(peer: Peer, _: str) -> None:
    peer.send(LIVE)
    assert peer.status() == 408
    assert peer.ended(5.0)


def a_head_that_is_too_large(peer: Peer, _: str) -> None:
    peer.send(LIVE)
    peer.send(b"X: " + b"x" * 100_000)
    assert peer.ended(5.0)


def no_http(peer: Peer, _: str) -> None:
    peer.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    assert peer.ended(5.0)


def no_such_route(peer: Peer, _: str) -> None:
    answered(peer, b"GET /api/v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404)


def refused(peer: Peer, _: str) -> None:
    answered(peer, b"GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\n\r\n", 401)


def signed_in(peer: Peer, token: str) -> None:
    answered(peer, f"GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())


def half_a_body(peer: Peer, token: str) -> None:
    peer.send(POST + f"Authorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n{{".encode())
    assert peer.ended(5.0)


def reset_in_a_body(peer: Peer, token: str) -> None:
    peer.send(POST + f"Authorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n{{".encode())
    reset(peer)


def a_body_that_is_too_large(peer: Peer, token: str) -> None:
    body = b"x" * 200_000
    peer.send(POST + f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    assert peer.status() == 413


def expected_to_continue(peer: Peer, token: str) -> None:
    peer.send(POST + f"Authorization: Bearer {token}\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
    assert peer.status() == 100
    answered(peer, b"{}", 400)


def half_open(peer: Peer, _: str) -> None:
    answered(peer)
    peer.link.shutdown(socket.SHUT_WR)
    assert peer.ended(5.0)


def stream(peer: Peer, token: str) -> None:
    peer.send(f"GET /realtime/sse HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    assert peer.status() == 200
    while b"joined" not in peer.received:
        assert peer._receive()


def a_stream_that_is_left(peer: Peer, token: str) -> None:
    stream(peer, token)


def a_stream_that_is_reset(peer: Peer, token: str) -> None:
    stream(peer, token)
    reset(peer)


def an_origin_that_is_refused(peer: Peer, _: str) -> None:
    assert peer.upgrade(origin="https://evil.example") == 403
    assert peer.ended(5.0)


def an_upgrade_that_is_none(peer: Peer, _: str) -> None:
    peer.send(LIVE.replace(b"/health/live", b"/realtime") + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert peer.status() == 400
    assert peer.ended(5.0)


def an_upgrade_elsewhere(peer: Peer, _: str) -> None:
    peer.send(
        LIVE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert peer.status() == 200


def another_upgrade(peer: Peer, _: str) -> None:
    answered(peer, LIVE + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")


def a_socket_that_says_nothing(peer: Peer, _: str) -> None:
    assert peer.upgrade() == 101
    assert peer.close_code() == 4502


def a_socket_that_is_reset(peer: Peer, token: str) -> None:
    peer.signed_in(token)
    reset(peer)


def a_socket_that_is_reset_before_connect(peer: Peer, _: str) -> None:
    assert peer.upgrade() == 101
    reset(peer)


def a_socket_that_is_cut(peer: Peer, token: str) -> None:
    peer.signed_in(token, deflate=True)


def a_socket_that_closes(peer: Peer, token: str) -> None:
    peer.signed_in(token)
    peer.send(frame(0x8, b"\x03\xe8"))
    assert peer.close_code() == 1000


def a_socket_that_is_closed(peer: Peer, token: str) -> None:
    peer.signed_in(token)
    peer.send(frame(TEXT, b"no message"))
    assert peer.close_code() == 4502


def a_socket_that_breaks_the_standard(peer: Peer, token: str) -> None:
    peer.signed_in(token)
    peer.send(b"\x83\x80\0\0\0\0")
    assert peer.close_code() == 1002


def a_socket_in_fragments(peer: Peer, token: str) -> None:
    peer.signed_in(token)
    peer.send(frame(TEXT, b'{"id": 2,', fin=False) + frame(0x9, b"?") + frame(0x0, b'"cmd": "ping"}'))
    while (message := peer.message()) is not None and message.get("id") != 2:
        pass


def a_socket_that_is_half_open(peer: Peer, token: str) -> None:
    peer.signed_in(token)
    peer.link.shutdown(socket.SHUT_WR)
    assert peer.ended(5.0)


def a_socket_of_a_bad_token(peer: Peer, _: str) -> None:
    assert peer.upgrade() == 101
    peer.send(command("connect", 1, token="nonsense"))
    assert peer.close_code() == 4500


def a_socket_that_floods(peer: Peer, token: str) -> None:
    peer.signed_in(token)
    peer.send(command("ping", 2) * 450)
    assert peer.close_code() == 4506


# All refused handshakes are told the reason. Of the bad tokens some may be tried again, the others end at once.
SETTINGS = {
    "header_timeout": 0.3,
    "body_timeout": 0.3,
    "close_timeout": 0.3,
    "connect_timeout": 1.5,
    "refused_handshake_burst": 1000,
    "refused_connect_burst": COUNT // 2,
}
KINDS: list[Talk] = [
    nothing_said,
    nothing_said_and_reset,
    closed_after_an_answer,
    reset_after_an_answer,
    reset_after_several,
    pipelined,
    pipelined_and_reset,
    asked_to_close,
    reset_in_the_middle,
    reset_in_a_head,
    a_head_that_is_late,
    a_head_that_is_too_large,
    no_http,
    no_such_route,
    refused,
    signed_in,
    half_a_body,
    reset_in_a_body,
    a_body_that_is_too_large,
    expected_to_continue,
    half_open,
    a_stream_that_is_left,
    a_stream_that_is_reset,
    an_origin_that_is_refused,
    an_upgrade_that_is_none,
    an_upgrade_elsewhere,
    another_upgrade,
    a_socket_that_says_nothing,
    a_socket_that_is_reset,
    a_socket_that_is_reset_before_connect,
    a_socket_that_is_cut,
    a_socket_that_closes,
    a_socket_that_is_closed,
    a_socket_that_breaks_the_standard,
    a_socket_in_fragments,
    a_socket_that_is_half_open,
    a_socket_of_a_bad_token,
    a_socket_that_floods,
]


async def settled(node: Running) -> None:
    """Wait for the end of every connection, and of what runs after it."""
    async with asyncio.timeout(15):
        while node.server.server_state.connections or node.gateway.hub.members or node.server.server_state.tasks:
            await asyncio.sleep(0.01)
    for _ in range(20):
        await asyncio.sleep(0)


def without_those_of_asyncio() -> None:
    """Break the cycle that each of asyncio's own transports is. uvloop's have none."""
    for one in gc.get_objects():
        if isinstance(one, _SelectorSocketTransport) and one.is_closing():
            one._read_ready_cb = None  # type: ignore[attr-defined]


def of_the_bus(garbage: list[Any]) -> set[int]:
    """The ids of what nats-py's own waits have left: they end by a timeout, so a slow machine has more of them."""
    known = {id(one): one for one in garbage}
    waiting = [one for one in garbage if str(NATS) in _file_of(one)]
    found: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in known and id(one) not in found:
            found.add(id(one))
            waiting += gc.get_referents(one)
    return found


def _file_of(one: Any) -> str:
    """Where the code is that a task, a coroutine or a frame runs; empty for anything else."""
    if isinstance(one, asyncio.Task):
        one = one.get_coro()
    code = getattr(one, "cr_code", None) or getattr(one, "f_code", None)
    return code.co_filename if isinstance(code, CodeType) else ""


async def left(node: Running, talk: Talk, tokens: list[str]) -> dict[str, int]:
    """What the collector finds after a connection for each token: the types that are there once for each, or more."""

    def one(token: str) -> None:
        with Peer(node.port) as peer:
            talk(peer, token)

    def all_of_them() -> None:
        with ThreadPoolExecutor(len(tokens)) as pool:
            list(pool.map(one, tokens))

    # What the first of a kind makes stays for the others.
    await asyncio.to_thread(one, tokens[0])
    await settled(node)
    gc.collect()
    gc.disable()
    try:
        await asyncio.to_thread(all_of_them)
        await settled(node)
        without_those_of_asyncio()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        bus = of_the_bus(gc.garbage)
        others = [type(one) for one in gc.garbage if id(one) not in bus]
        found = Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in others)
        return {name: count for name, count in found.items() if count >= len(tokens) and name not in OF_THE_BUS}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.fixture(scope="module")
def tokens(token: MakeToken) -> list[str]:
    return [token(f"left-{number}") for number in range(COUNT)]


@pytest.mark.parametrize("talk", KINDS, ids=lambda talk: talk.__name__)
async def test_nothing_is_left_for_the_collector(node: Running, tokens: list[str], talk: Talk) -> None:
    assert await left(node, talk, tokens) == {}
