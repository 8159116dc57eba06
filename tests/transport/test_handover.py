"""After its handshake a connection is served by calls. It has no task of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from collections import Counter

from websockets.frames import Frame, Opcode

from gateway.transport.endpoint import WebSocketEndpoint
from gateway.transport.library_reader import PIECE
from ksmp_testkit import MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import connected
from tests.transport.raw import RawClient, raw

MASK = b"\0\0\0\0"


def text(message: dict[str, object]) -> bytes:
    """A client's frame, masked with zeroes so that it can be made by hand."""
    payload = json.dumps(message).encode()
    return bytes(Frame(Opcode.TEXT, payload).serialize(mask=True))


async def test_idle_connections_have_no_tasks(node: Running, token: MakeToken, room: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        before = None
        for number in range(30):
            client: RawClient = await stack.enter_async_context(raw(node.port))
            await client.send({"id": 1, "cmd": "connect", "token": token(f"idle{number}")})
            await client.ok(1)
            await client.send({"id": 2, "cmd": "join", "room": room})
            await client.ok(2)
            if number == 9:
                await asyncio.sleep(0.6)
                before = len(asyncio.all_tasks())
        await asyncio.sleep(0.6)
        assert before is not None
        # The count includes the tests' own tasks. Twenty more connections add none.
        assert len(asyncio.all_tasks()) <= before + 2


def alive() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects())


async def test_a_connection_is_a_few_small_objects(node: Running, token: MakeToken) -> None:
    """Nothing of the request stays, and neither uvicorn's class nor the library's machine is made."""
    async with asyncio.timeout(10):
        while node.gateway.hub.members:
            await asyncio.sleep(0.01)
    before = alive()
    async with contextlib.AsyncExitStack() as stack:
        for number in range(5):
            await stack.enter_async_context(connected(node.ws_url, token(f"light{number}")))
        more = alive() - before
        assert more["WebSocketEndpoint"] == 5
        assert more["HttpProtocol"] < 5
        assert more["RequestResponseCycle"] < 5
        assert more["LibraryReader"] == 0


async def test_commands_behind_a_connect_are_answered_in_order(node: Running, token: MakeToken, room: str) -> None:
    """They come in one piece, before there is an answer to the first."""
    async with raw(node.port) as client:
        await client.send_bytes(
            text({"id": 1, "cmd": "connect", "token": token("eager")})
            + text({"id": 2, "cmd": "join", "room": room})
            + text({"id": 3, "cmd": "chat.send", "room": room, "data": {"text": "first"}})
        )
        await client.ok(1)
        joined = await client.ok(2)
        assert joined["room"] == room
        assert (await client.ok(3))["seq"] > joined["seq"]


async def test_a_connect_behind_one_that_failed_is_tried(node: Running, token: MakeToken) -> None:
    async with raw(node.port) as client:
        await client.send_bytes(
            text({"id": 1, "cmd": "connect", "token": "nonsense"})
            + text({"id": 2, "cmd": "connect", "token": token("second")})
            + text({"id": 3, "cmd": "ping"})
        )
        refused = await client.next()
        assert isinstance(refused, dict)
        assert refused["error"]["code"] == "unauthenticated"
        assert (await client.ok(2))["user"]["id"] == "second"
        assert (await client.ok(3))["server_time"] > 0


async def test_a_flood_in_one_piece_is_cut_off_early(gateway: MakeGateway, token: MakeToken) -> None:
    """Input after the close frame is not parsed, however much it is."""
    async with gateway(command_rate=1.0, command_burst=1, flood_factor=2.0) as running, raw(running.port) as client:
        await client.send({"id": 1, "cmd": "connect", "token": token("flood")})
        await client.ok(1)
        ping = text({"cmd": "ping"})
        await client.send_bytes(ping * (20 * PIECE // len(ping)))
        while isinstance(message := await client.next(), dict):
            pass
        assert message is not None
        assert message.code == 4506
        assert any(type(one) is WebSocketEndpoint and one.deaf for one in gc.get_objects())
