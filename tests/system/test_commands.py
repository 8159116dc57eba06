"""What one client may rely on while servers die: order, and that a repeat happens once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from gateway.principal import Role
from tests.system import fleet
from tests.system.cluster import Cluster


@pytest.fixture
async def room(cluster: Cluster) -> str:
    return await cluster.create_session("host-0")


async def enter(cluster: Cluster, number: int, user: str, room: str, *, host: bool = False) -> ClientConnection:
    """A socket on one of the gateways that is in the room, tried until it is."""
    token = cluster.issuer.token(user, name=user, role=Role.ADMIN if host else Role.STUDENT, ttl=600)
    for _ in range(40):
        try:
            socket = await websockets.connect(cluster.urls[number], compression=None)
            await call(socket, cmd="connect", token=token)
            await call(socket, cmd="join", room=room)
            return socket
        except (OSError, AssertionError, websockets.WebSocketException):
            await asyncio.sleep(0.25)
    raise AssertionError("the gateway never let us in")


async def call(socket: ClientConnection, **command: Any) -> dict[str, Any]:
    """Send a command and wait for its ok; pushes in between are passed over."""
    await socket.send(json.dumps({"id": 1, **command}))
    return await answer(socket, 1)


async def answer(socket: ClientConnection, id: int) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            message = json.loads(await socket.recv())
            if message.get("id") == id:
                assert "ok" in message, message
                ok: dict[str, Any] = message["ok"]
                return ok


async def test_commands_keep_their_order_while_nats_is_away(cluster: Cluster, room: str) -> None:
    socket = await enter(cluster, 0, "orderly", room)
    away = asyncio.create_task(cluster.kill_nats(2))
    await asyncio.sleep(0.3)
    for number in range(10):
        command = {"id": 10 + number, "cmd": "chat.send", "room": room, "data": {"text": str(number)}}
        await socket.send(json.dumps(command))
    seqs = [(await answer(socket, 10 + number))["seq"] for number in range(10)]
    await away
    assert seqs == sorted(seqs)
    log = await fleet.read_log(cluster, room)
    assert [log[seq]["data"]["text"] for seq in sorted(log)] == [str(number) for number in range(10)]
    await socket.close()


async def test_a_repeat_happens_once_though_its_message_was_erased_and_nats_killed(cluster: Cluster, room: str) -> None:
    """The stream forgets the id of an erased message when its server is killed; the rooms do not."""
    socket = await enter(cluster, 0, "repeating", room)
    host = await enter(cluster, 0, "host-0", room, host=True)
    send = {"cmd": "chat.send", "room": room, "nonce": "n-1", "data": {"text": "once"}}
    first = await call(socket, **send)
    await call(host, cmd="chat.delete", room=room, data={"seq": first["seq"]})
    await cluster.kill_nats(0.2)
    # The other gateway has never seen the room.
    elsewhere = await enter(cluster, 1, "repeating", room)
    again = await call(elsewhere, **send)
    assert again == {"seq": first["seq"], "duplicate": True}
    for each in (socket, host, elsewhere):
        await each.close()


async def test_without_postgresql_one_may_come_back_on_another_gateway(cluster: Cluster, room: str) -> None:
    """The grant that the first gateway holds is enough; who has none is told to come again."""
    here = await enter(cluster, 0, "wanderer", room)
    await cluster.postgres.stop()
    try:
        await here.close()
        there = await enter(cluster, 1, "wanderer", room)
        assert (await call(there, cmd="chat.send", room=room, data={"text": "back"}))["seq"] > 0
        stranger = await websockets.connect(cluster.urls[1], compression=None)
        token = cluster.issuer.token("stranger", name="stranger", role=Role.STUDENT, ttl=600)
        await call(stranger, cmd="connect", token=token)
        with pytest.raises(AssertionError, match="unavailable"):
            await call(stranger, cmd="join", room=room)
        for socket in (there, stranger):
            await socket.close()
    finally:
        await cluster.postgres.start()


async def test_a_repeat_on_another_gateway_returns_the_first_result(cluster: Cluster, room: str) -> None:
    here, there = await enter(cluster, 0, "twice", room), await enter(cluster, 1, "twice", room)
    send = {"cmd": "chat.send", "room": room, "nonce": "n-1", "data": {"text": "once"}}
    first = await call(here, **send)
    assert await call(there, **send) == {"seq": first["seq"], "duplicate": True}
    # Another user, or another command, may use the same nonce.
    other = await enter(cluster, 1, "someone", room)
    second = await call(other, **send)
    assert second["seq"] > first["seq"]
    assert "duplicate" not in second
    for socket in (here, there, other):
        await socket.close()
