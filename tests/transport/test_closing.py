"""Each close code of the server, with the `disconnect` push before it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import asyncpg
import httpx
import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close

from gateway import failpoint
from gateway.transport import endpoint
from ksmp_testkit import MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import Closed, WireClient, WireError, connected, opened

from .raw import RawClient, raw

codecs = pytest.mark.parametrize("codec", ["json", "msgpack"])


async def ended(client: WireClient, code: int) -> None:
    """The server sends the reason and whether to reconnect, and then closes."""
    disconnect = await client.disconnect_push()
    assert disconnect["code"] == code
    assert disconnect["reconnect"] is (code < 4500)
    assert disconnect["reason"]
    assert disconnect["retry_ms"] >= 0
    assert set(disconnect) == {"code", "reason", "reconnect", "retry_ms"}


async def serves(client: WireClient) -> None:
    assert (await client.call("ping"))["server_time"] > 0


# 4000


@codecs
async def test_4000_a_node_that_goes_away_sends_its_clients_elsewhere(
    gateway: MakeGateway, token: MakeToken, codec: str
) -> None:
    # Thirteen of them, one each quarter of a second.
    async with gateway(reconnect_rate=4.0) as running, contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(connected(running.ws_url, token(f"user-{index}"), codec))
            for index in range(12)
        ]
        waiting = await stack.enter_async_context(opened(running.ws_url, codec))
        await running.stop()
        for client in [*clients, waiting]:
            await ended(client, 4000)
        # Each client has its own time to reconnect, in its own quarter of a second.
        waits = [client.received[-1]["data"]["retry_ms"] for client in [*clients, waiting]]
        assert [wait // 250 for wait in sorted(waits)] == list(range(13))


async def test_4000_a_draining_node_finishes_what_was_begun_and_takes_nothing_new(
    gateway: MakeGateway, node: Running, token: MakeToken, room: str
) -> None:
    async with (
        gateway(failpoints="ack.delay=delay:2") as running,
        connected(running.ws_url, token("one")) as client,
        connected(node.ws_url, token("two")) as witness,
    ):
        await client.join(room)
        await witness.join(room)
        await client.send("chat.send", room=room, data={"text": "begun"})
        await client.settle()
        stopping = asyncio.create_task(running.stop())
        await ended(client, 4000)
        async with httpx.AsyncClient(base_url=running.url) as http:
            answer = await http.get("/health/ready")
            assert answer.status_code == 503
            assert answer.json()["parts"]["gateway"] == "draining"
        with pytest.raises(InvalidStatus) as caught:
            async with opened(running.ws_url):
                pass
        assert caught.value.response.status_code == 503
        assert not stopping.done()
        await stopping
        assert (await witness.expect_push("chat.message", room))["data"]["text"] == "begun"


async def test_4000_ends_in_bounded_time_whatever_clients_do(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    """A socket and a stream that nobody reads, a client that answers no close frame, a command that hangs."""
    environ = {"KSMP_CHAT_TEXT_CHARACTERS": "50000", "KSMP_CHAT_RATE_COUNT": "1000"}
    limits: dict[str, Any] = {"message_bytes": 60_000, "drain_timeout": 1.0}
    async with (
        gateway(environ=environ, send_buffer=16_384, **limits) as running,
        connected(running.ws_url, token("writer")) as writer,
        raw(running.port, receive_buffer=16_384) as deaf,
        raw(running.port) as mute,
    ):
        for client, name in ((deaf, "deaf"), (mute, "mute")):
            await client.send({"id": 1, "cmd": "connect", "token": token(name)})
            await client.ok(1)
            await client.send({"id": 2, "cmd": "join", "room": room})
            await client.ok(2)
        request = (
            f"GET /realtime/sse?room={room} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token('stream')}\r\n\r\n"
        )
        with socket.socket() as stream:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
            stream.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stream, ("127.0.0.1", running.port))
            await loop.sock_sendall(stream, request.encode())
            async with asyncio.timeout(5):
                while len(running.gateway.hub.members) < 4:
                    await asyncio.sleep(0.01)
            await writer.join(room)
            for _ in range(10):
                await writer.say(room, "x" * 40_000)
            failpoint.configure("ack.delay=delay:3600")
            try:
                await writer.send("chat.send", room=room, data={"text": "hangs"})
                await writer.settle()
                running.server.config.timeout_graceful_shutdown = 1
                # Much more than it takes.
                await running.stop(timeout=15.0)
            finally:
                failpoint.clear()
    assert not running.gateway.hub.members
    assert not running.gateway.dispatcher._tasks


# 4001


async def test_4001_a_client_that_does_not_read_is_closed_and_slows_nobody(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    limits: dict[str, Any] = {"outbound_soft_bytes": 50_000, "outbound_hard_bytes": 400_000, "message_bytes": 60_000}
    environ = {"KSMP_CHAT_TEXT_CHARACTERS": "50000", "KSMP_CHAT_RATE_COUNT": "1000"}
    async with (
        gateway(environ=environ, send_buffer=16_384, **limits) as running,
        connected(running.ws_url, token("writer")) as writer,
        connected(running.ws_url, token("reader")) as reader,
        raw(running.port, receive_buffer=16_384) as slow,
    ):
        await slow.send({"id": 1, "cmd": "connect", "token": token("slow")})
        await slow.ok(1)
        await slow.send({"id": 2, "cmd": "join", "room": room})
        epoch = (await slow.ok(2))["epoch"]
        await writer.join(room)
        await reader.join(room)
        seqs = [(await writer.say(room, f"{index}" + "x" * 40_000))["seq"] for index in range(15)]
        await reader.expect(lambda one: one.get("seq") == seqs[-1])
        assert reader.served[room] == seqs
        # Now it reads everything that was written, then the reason, then the end.
        received = []
        while isinstance(message := await slow.next(), dict):
            received.append(message)
        assert isinstance(message, Close)
        assert message.code == 4001
        assert received[-1]["push"] == "disconnect"
        assert received[-1]["data"]["code"] == 4001
        # Presence and other ephemeral pushes may have come in between.
        got = [one["seq"] for one in received if "seq" in one]
        assert got == seqs[: len(got)]
        assert len(got) < len(seqs)
        # It recovers by reconnecting.
        resumed = {room: {"epoch": epoch, "seq": got[-1]}}
        async with connected(running.ws_url, token("slow"), rooms=resumed) as back:
            assert back.received[0]["ok"]["rooms"][room]["recovered"] is True
            assert back.served[room] == seqs[len(got) :]


async def test_4001_is_not_for_who_reads_a_large_reply(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    """A client would come back with the same position, to be closed again."""
    environ = {"KSMP_CHAT_TEXT_CHARACTERS": "50000"}
    limits: dict[str, Any] = {"outbound_soft_bytes": 50_000, "outbound_hard_bytes": 100_000, "message_bytes": 60_000}
    async with gateway(environ=environ, **limits) as running:
        async with connected(running.ws_url, token("writer")) as writer:
            joined = await writer.join(room)
            since = {"epoch": joined["epoch"], "seq": joined["seq"]}
            seqs = [(await writer.say(room, "x" * 40_000))["seq"] for _ in range(4)]
        async with connected(running.ws_url, token("reader")) as reader:
            assert [push["seq"] for push in (await reader.join(room, since=since))["messages"]] == seqs


async def test_4001_a_client_that_never_reads_again_is_cut_off(
    gateway: MakeGateway, token: MakeToken, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "CLOSE_TIMEOUT", 0.3)
    environ = {"KSMP_CHAT_TEXT_CHARACTERS": "50000", "KSMP_CHAT_RATE_COUNT": "1000"}
    limits: dict[str, Any] = {"outbound_soft_bytes": 50_000, "outbound_hard_bytes": 200_000, "message_bytes": 60_000}
    async with (
        gateway(environ=environ, send_buffer=16_384, **limits) as running,
        connected(running.ws_url, token("writer")) as writer,
        raw(running.port, receive_buffer=16_384) as slow,
    ):
        await slow.send({"id": 1, "cmd": "connect", "token": token("slow")})
        await slow.ok(1)
        await slow.send({"id": 2, "cmd": "join", "room": room})
        await slow.ok(2)
        await writer.join(room)
        connections = running.server.server_state.connections
        for index in range(12):
            await writer.say(room, f"{index}" + "x" * 40_000)
        async with asyncio.timeout(5):
            while sum(isinstance(one, endpoint.WebSocketEndpoint) for one in connections) > 1:
                await asyncio.sleep(0.01)
        assert len(running.gateway.hub.members) == 1


# 4002


async def test_4002_a_client_that_answers_no_pings_is_closed(gateway: MakeGateway, token: MakeToken) -> None:
    async with (
        gateway(ping_interval=0.2, ping_timeout=0.3) as running,
        connected(running.ws_url, token("awake")) as awake,
        raw(running.port) as client,
    ):
        await client.send({"id": 1, "cmd": "connect", "token": token("asleep")})
        await client.ok(1)
        message = await client.next()
        assert isinstance(message, dict)
        assert message["push"] == "disconnect"
        assert message["data"]["code"] == 4002
        assert message["data"]["reconnect"] is True
        closing = await client.next()
        assert isinstance(closing, Close)
        assert (closing.code, closing.reason) == (4002, "ping timeout")
        assert client.pings == 1
        await serves(awake)


async def test_4002_not_a_client_that_answers_them(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(ping_interval=0.1, ping_timeout=0.3) as running, raw(running.port) as client:
        await client.send({"id": 1, "cmd": "connect", "token": token("awake")})
        await client.ok(1)
        for id in range(2, 12):
            await asyncio.sleep(0.1)
            await client.send({"id": id, "cmd": "ping"})
            await client.ok(id)
        assert client.pings > 2


# 4010 and 4500


@codecs
async def test_4010_a_socket_ends_with_its_token(node: Running, token: MakeToken, codec: str) -> None:
    async with connected(node.ws_url, token("brief", ttl=1.0), codec) as client:
        await ended(client, 4010)


async def test_4500_a_refused_client_has_until_the_deadline(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(connect_timeout=1.5) as running, opened(running.ws_url) as client:
        for bad in ("nonsense", token("late", ttl=-1000)):
            with pytest.raises(WireError):
                await client.connect(bad)
        await ended(client, 4500)


# 4502


async def test_4502_no_connect_within_the_deadline(gateway: MakeGateway) -> None:
    async with gateway(connect_timeout=0.3) as running, opened(running.ws_url) as client:
        await ended(client, 4502)


async def test_a_connect_that_the_server_is_slow_to_answer_is_not_the_client_s_fault(
    gateway: MakeGateway, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with (
        gateway(connect_timeout=0.5) as running,
        opened(running.ws_url) as client,
        database.acquire() as connection,
        connection.transaction(),
    ):
        await connection.execute("LOCK TABLE account_user IN ACCESS EXCLUSIVE MODE")
        await client.send("connect", token=token("one"))
        assert (await client.disconnect_push())["reconnect"] is True


async def test_the_deadline_is_no_matter_once_connected(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(connect_timeout=1.0) as running, connected(running.ws_url, token("one")) as client:
        await asyncio.sleep(1.2)
        await serves(client)


@codecs
async def test_4502_another_command_first(node: Running, codec: str) -> None:
    async with opened(node.ws_url, codec) as client:
        await client.send("join", room="session:1")
        await ended(client, 4502)


@pytest.mark.parametrize(
    "data", ["", "{", "[]", "7", '{"id": 1}', '{"id": 0, "cmd": "ping"}', '"ping"', b'{"cmd":"ping"}']
)
async def test_4502_what_is_no_message(node: Running, token: MakeToken, data: str | bytes) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await client.socket.send(data)
        await ended(client, 4502)


async def test_4502_says_what_was_wrong(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("wrong")) as client:
        await client.socket.send('{"id": 0, "cmd": "ping"}')
        disconnect = await client.expect(lambda message: message.get("push") == "disconnect")
        assert disconnect["data"]["code"] == 4502
        assert disconnect["data"]["reason"] == "protocol error: id must be an integer from 1 to 2^53-1"


async def test_4502_text_for_msgpack(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("one"), "msgpack") as client:
        await client.socket.send('{"id": 1, "cmd": "ping"}')
        await ended(client, 4502)


@pytest.mark.parametrize(
    ("frame", "case"),
    [
        (b"\x81\x82\0\0\0\0\xff\xfe", "text that is no UTF-8"),
        (b"\x81\x02{}", "a frame without a mask"),
        (b"\x83\x80\0\0\0\0", "an unknown opcode"),
        (b"\x80\x80\0\0\0\0", "a continuation of nothing"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_frames_that_break_the_standard_end_the_connection_alone(
    node: Running, token: MakeToken, frame: bytes, case: str
) -> None:
    async with connected(node.ws_url, token("other")) as other, raw(node.port) as client:
        await client.send({"id": 1, "cmd": "connect", "token": token("one")})
        await client.ok(1)
        await client.send_bytes(frame)
        while isinstance(message := await client.next(), dict):
            assert message["push"] == "disconnect"
        assert isinstance(message, Close), case
        assert message.code in (1002, 1007, 4502)
        await serves(other)


# 4503


async def test_4503_an_eleventh_connection_displaces_the_oldest(node: Running, token: MakeToken) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(node.ws_url, token("many"))) for _ in range(11)]
        other = await stack.enter_async_context(connected(node.ws_url, token("another")))
        await ended(clients[0], 4503)
        await asyncio.sleep(0.5)
        for client in [*clients[1:], other]:
            await serves(client)
        await clients[1].socket.close()
        again = await stack.enter_async_context(connected(node.ws_url, token("many")))
        await asyncio.sleep(0.5)
        for client in [*clients[2:], again]:
            await serves(client)


async def test_4503_counts_over_all_gateways(gateway: MakeGateway, node: Running, token: MakeToken) -> None:
    async with gateway() as second, contextlib.AsyncExitStack() as stack:
        clients = []
        for index in range(10):
            running = (node, second)[index % 2]
            clients.append(await stack.enter_async_context(connected(running.ws_url, token("spread"))))
            # Clocks of nodes may be equal here; their counts come one after the other.
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        for client in clients:
            await serves(client)
        for index in range(2):
            clients.append(await stack.enter_async_context(connected(second.ws_url, token("spread"))))
            await ended(clients[index], 4503)
        await asyncio.sleep(0.5)
        for client in clients[2:]:
            await serves(client)


# 4505


@codecs
async def test_4505_a_message_over_the_limit(node: Running, token: MakeToken, codec: str) -> None:
    async with connected(node.ws_url, token("one"), codec) as client:
        await client.call("ping", padding="x" * 16_000)
        await client.send("ping", padding="x" * 17_000)
        await ended(client, 4505)


@codecs
async def test_4505_far_over_the_limit(node: Running, token: MakeToken, codec: str) -> None:
    async with connected(node.ws_url, token("one"), codec, compression=None) as client:
        with contextlib.suppress(ConnectionClosed):
            await client.send("ping", padding="x" * 300_000)
        await ended(client, 4505)


async def test_4505_what_is_small_until_it_is_unpacked(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await client.send("ping", padding="x" * 5_000_000)
        await ended(client, 4505)


async def test_4505_a_connect_may_have_64_kib_and_no_more(node: Running, token: MakeToken) -> None:
    async with opened(node.ws_url) as client:
        assert (await client.connect(token("one"), padding="x" * 60_000))["user"]["id"] == "one"
    async with opened(node.ws_url) as client:
        await client.send("connect", token=token("one"), padding="x" * 66_000)
        await ended(client, 4505)


# 4506


@codecs
async def test_4506_a_flood(node: Running, token: MakeToken, codec: str) -> None:
    async with connected(node.ws_url, token("flooder"), codec) as client, connected(node.ws_url, token("one")) as other:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(600):
                await client.send("ping")
        await ended(client, 4506)
        codes = {message["error"]["code"] for message in client.received if "error" in message}
        assert codes == {"rate_limited"}
        await serves(other)


# For every reason


async def test_nothing_comes_after_the_disconnect(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with gateway() as running, connected(running.ws_url, token("one")) as client:
        await client.join(room)
        for index in range(10):
            await client.send("chat.send", room=room, data={"text": str(index)})
        await client.socket.send("no message")
        await ended(client, 4502)
        with pytest.raises(Closed):
            await client.expect_push("anything")


async def test_a_client_that_vanishes_leaves_nothing_behind(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with gateway(presence_grace=0.1) as running:

        async def vanish(client: RawClient) -> None:
            await client.send({"id": 1, "cmd": "connect", "token": token("ghost")})
            await client.ok(1)
            await client.send({"id": 2, "cmd": "join", "room": room})
            await client.ok(2)

        async with connected(running.ws_url, token("one")) as one:
            async with raw(running.port) as client:
                await vanish(client)
                assert (await one.join(room))["members"] == 2
            async with asyncio.timeout(5):
                while len(running.gateway.hub.members) > 1:
                    await asyncio.sleep(0.01)
            async with asyncio.timeout(5):
                while (await one.join(room))["members"] != 1:
                    await asyncio.sleep(0.1)


async def test_a_client_may_close_by_itself(node: Running, token: MakeToken) -> None:
    async with opened(node.ws_url) as client:
        await client.connect(token("polite"))
        await client.socket.close(1000, "bye")
        assert client.socket.close_code == 1000
        assert client.pushes("disconnect") == []


async def test_a_port_that_is_no_websocket(node: Running) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await websockets.connect(node.ws_url.replace("realtime", "elsewhere"), proxy=None)
    assert caught.value.response.status_code in (403, 404)
    with socket.create_connection(("127.0.0.1", node.port)) as link:
        link.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert b"400" in await asyncio.to_thread(link.recv, 100)
