"""Server-sent events: one half of rooms without a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.socket_client import TIMEOUT, connected

from .events import stream
from .poster import poster, problem


@pytest.fixture(scope="module")
async def busy(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway without limits on how fast one may speak."""
    environ = {"KSMP_CHAT_RATE_COUNT": "1000000"}
    async with gateway(environ=environ, command_rate=1e6, command_burst=1_000_000) as running:
        yield running


# Opening a stream


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unauthenticated"),
        ({"Authorization": "Bearer nonsense"}, "unauthenticated"),
        ({"Authorization": "Bearer"}, "unauthenticated"),
        ({"Authorization": "Basic YTpi"}, "unauthenticated"),
        ("late", "token_expired"),
    ],
)
async def test_a_stream_needs_a_token(
    node: Running, http: httpx.AsyncClient, token: MakeToken, headers: Any, code: str
) -> None:
    if headers == "late":
        headers = {"Authorization": f"Bearer {token('late', ttl=-3600)}"}
    before = set(node.gateway.hub.members)
    problem(await http.get("/realtime/sse", headers=headers), 401, code)
    assert set(node.gateway.hub.members) <= before


@pytest.mark.parametrize(
    "query",
    ["room=no+room", "room=session", "since=session:1", "since=session:1|e|x", "since=session:1|e|-1", "since=|e|1"],
)
async def test_what_is_no_room_and_no_position(http: httpx.AsyncClient, token: MakeToken, query: str) -> None:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    problem(await http.get(f"/realtime/sse?{query}", headers=headers), 400, "invalid")
    headers["Last-Event-ID"] = "nonsense"
    problem(await http.get("/realtime/sse", headers=headers), 400, "invalid")


async def test_a_gateway_that_is_not_ready_streams_nothing(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(ready=False, nats_url=("nats://127.0.0.1:1",)) as running:
        async with httpx.AsyncClient(base_url=running.url) as http:
            async with asyncio.timeout(TIMEOUT):
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        answer = await http.get("/realtime/sse", headers={"Authorization": f"Bearer {token('ada')}"})
                        break
                    await asyncio.sleep(0.05)
        assert problem(answer, 503, "unavailable")["temporary"] is True
        assert int(answer.headers["retry-after"]) >= 1
        async with poster(running, token("ada")) as ada:
            await ada.fails(503, "unavailable", "session:1", "chat.send", data={"text": "x"})


async def test_joined_comes_first_for_each_room_and_then_its_pushes_in_order(
    busy: Running, token: MakeToken, room: str, create_session: CreateSession
) -> None:
    second, closed_to_us = f"session:{await create_session()}", f"session:{await create_session(open=False)}"
    async with (
        stream(busy, token("ada"), room, second, closed_to_us, "session:nowhere", "poll:1") as ada,
        poster(busy, token("bob")) as bob,
    ):
        names = [room, second, closed_to_us, "session:nowhere", "poll:1", "user:ada", "announce:all"]
        joined = {name: (await ada.expect_push("joined", name))["data"] for name in names}
        for name in (room, second, "user:ada", "announce:all"):
            assert set(joined[name]) == {"room", "epoch", "seq", "messages", "members", "can"}
            assert joined[name]["room"] == name
        assert "chat.send" in joined[room]["can"]
        assert joined[closed_to_us]["error"]["code"] == "forbidden"
        assert joined["session:nowhere"]["error"]["code"] == "not_found"
        assert joined["poll:1"]["error"]["code"] == "not_found"
        seqs = [(await bob.say(name, f"m{n}"))["seq"] for n in range(10) for name in (room, second)]
        await ada.expect(lambda one: one.get("seq") == seqs[-1])
        for name, sent in ((room, seqs[::2]), (second, seqs[1::2])):
            got = ada.durable(name)
            assert [one["seq"] for one in got] == sent
            assert [one["data"]["text"] for one in got] == [f"m{n}" for n in range(10)]
            assert [one["prev"] for one in got[1:]] == sent[:-1]
            of_room = [one["push"] for one in ada.received if one.get("room") == name]
            assert of_room[0] == "joined"
            assert of_room.count("joined") == 1
        # Durable events have an id to continue from. Other events have none.
        epoch = joined[room]["epoch"]
        for event, id in zip(ada.received, ada.ids, strict=True):
            assert id == (f"{event['room']}|{epoch}|{event['seq']}" if "seq" in event else None)


async def test_a_stream_recovers_by_since_and_by_last_event_id(busy: Running, token: MakeToken, room: str) -> None:
    async with poster(busy, token("bob")) as bob:
        async with stream(busy, token("ada"), room) as ada:
            epoch = (await ada.expect_push("joined", room))["data"]["epoch"]
            await bob.say(room, "m0")
            await ada.expect_push("chat.message", room)
            last = next(id for id in ada.ids if id is not None)
        missed = [(await bob.say(room, f"m{n}"))["seq"] for n in range(1, 4)]
        for fields in ({"since": (last,)}, {"last": last}, {"since": (f"{room}|{epoch}|0",), "last": last}):
            async with stream(busy, token("ada"), room, **fields) as ada:  # type: ignore[arg-type]
                joined = (await ada.expect_push("joined", room))["data"]
                assert joined["recovered"] is True
                assert [one["seq"] for one in joined["messages"]] == missed
                assert joined["messages"][0]["prev"] == int(last.rpartition("|")[2])
                assert joined["seq"] == missed[-1]
                after = (await bob.say(room, "after"))["seq"]
                assert (await ada.expect_push("chat.message", room))["seq"] == after
                missed.append(after)
        # A position of another epoch, or ahead of the log, cannot be recovered from.
        for mark in (f"{room}|another|5", f"{room}|{epoch}|{2**52}"):
            async with stream(busy, token("ada"), since=(mark,)) as ada:
                joined = (await ada.expect_push("joined", room))["data"]
                assert joined["recovered"] is False
                assert joined["messages"][-1]["seq"] == joined["seq"] == missed[-1]


async def test_a_socket_and_a_stream_in_one_room_see_the_same(busy: Running, token: MakeToken, room: str) -> None:
    async with (
        connected(busy.ws_url, token("ada")) as ada,
        connected(busy.ws_url, token("cy"), "msgpack") as cy,
        stream(busy, token("bob"), room) as bob,
        poster(busy, token("dan")) as dan,
    ):
        await bob.expect_push("joined", room)
        await ada.join(room)
        await cy.join(room)
        ids = [await ada.send("chat.send", room=room, data={"text": f"a{n}"}) for n in range(30)]
        posts = [dan.say(room, f"d{n}", nonce=f"n{n}") for n in range(30)]
        await asyncio.gather(*(ada.reply(id) for id in ids), *posts)
        last = (await dan.say(room, "the end"))["seq"]
        for client in (ada, cy, bob):
            await client.expect(lambda one: one.get("seq") == last)
        seen = [one for one in ada.received if "seq" in one]
        assert len(seen) == 61
        assert bob.durable(room) == seen
        assert [one for one in cy.received if "seq" in one] == seen
        # Ephemeral pushes reach both too.
        await dan.call(room, "typing", on=True)
        for client in (ada, bob):
            assert (await client.expect_push("typing", room))["data"]["users"] == [{"id": "dan", "name": "Dan"}]
        for client in (ada, bob):
            await client.expect(
                lambda one: one.get("push") == "presence" and one["room"] == room and one["data"]["count"] == 3
            )


# While it lasts


async def test_a_quiet_stream_is_kept_open_by_comments(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(sse_heartbeat=0.1) as running, stream(running, token("ada")) as ada:
        await ada.expect_push("joined", "user:ada")
        await eventually(lambda: ada.comments >= 3)
        assert not ada.ended


async def test_a_stream_that_ends_leaves_its_rooms(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with gateway(presence_grace=0.1) as running, connected(running.ws_url, token("bob")) as bob:
        await bob.join(room)
        async with stream(running, token("ada"), room) as ada:
            await ada.expect_push("joined", room)
            assert len(running.gateway.hub.members) == 2
            await bob.expect(lambda one: one.get("push") == "presence" and one["data"]["count"] == 2)
        await eventually(lambda: len(running.gateway.hub.members) == 1)
        await bob.expect(lambda one: one.get("push") == "presence" and one["data"].get("leave") == ["ada"])
        served = running.gateway.hub.room(room)
        assert served is not None
        assert len(served.members) == 1


async def test_a_stream_counts_as_one_of_a_user_s_connections(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(connections_per_user=1) as running, stream(running, token("ada")) as ada:
        await ada.expect_push("joined", "user:ada")
        async with connected(running.ws_url, token("ada")):
            disconnect = await ada.disconnect_push()
            assert (disconnect["code"], disconnect["reconnect"]) == (4503, False)


async def test_a_stream_ends_with_its_token(node: Running, token: MakeToken) -> None:
    async with stream(node, token("ada", ttl=1)) as ada:
        disconnect = await ada.disconnect_push()
        assert (disconnect["code"], disconnect["reconnect"]) == (4010, True)
        assert set(disconnect) == {"code", "reason", "reconnect", "retry_ms"}


async def test_a_draining_node_ends_its_streams(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with gateway() as running, stream(running, token("ada"), room) as ada:
        await ada.expect_push("joined", room)
        await running.stop()
        disconnect = await ada.disconnect_push()
        assert (disconnect["code"], disconnect["reconnect"]) == (4000, True)


async def test_a_stream_that_is_not_read_is_over_and_slows_nobody(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    limits: dict[str, Any] = {"outbound_soft_bytes": 50_000, "outbound_hard_bytes": 200_000, "message_bytes": 60_000}
    environ = {"KSMP_CHAT_TEXT_CHARACTERS": "50000", "KSMP_CHAT_RATE_COUNT": "1000"}
    loop = asyncio.get_running_loop()
    async with (
        gateway(environ=environ, send_buffer=16_384, presence_grace=0.1, **limits) as running,
        stream(running, token("ada"), room) as ada,
        poster(running, token("bob")) as bob,
    ):
        await ada.expect_push("joined", room)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
            slow.setblocking(False)
            await loop.sock_connect(slow, ("127.0.0.1", running.port))
            request = (
                f"GET /realtime/sse?room={room} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token('slow')}\r\n\r\n"
            )
            await loop.sock_sendall(slow, request.encode())
            await ada.expect(
                lambda one: one["push"] == "presence" and one["room"] == room and one["data"]["count"] == 2
            )
            seqs = [(await bob.say(room, f"{n}" + "x" * 40_000))["seq"] for n in range(15)]
            await ada.expect(lambda one: one.get("seq") == seqs[-1])
            assert [one["seq"] for one in ada.durable(room)] == seqs
            # It has left its rooms, although it has not read the reason.
            await eventually(lambda: len(running.gateway.hub.members) == 1)
            await ada.expect(lambda one: one["push"] == "presence" and one["data"].get("leave") == ["slow"])
            received = b""
            async with asyncio.timeout(TIMEOUT):
                while not received.endswith(b"0\r\n\r\n"):
                    received += await loop.sock_recv(slow, 65_536)
        last = received.split(b"data: ")[-1]
        assert b'"push":"disconnect"' in last
        assert b'"code":4001' in last
        assert received.count(b'data: {"push":"chat.message"') < len(seqs)
