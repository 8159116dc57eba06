"""Connecting, ids, order and errors over a real socket. The client is written from the protocol's page alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from devstack.nats import NatsCluster
from gateway import failpoint, registry
from gateway.db.migrate import migrate
from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireClient, WireError, connected, opened

from .calls import codecs, fails, fill, texts


@pytest.fixture
def slow_acks() -> Iterator[None]:
    """Every durable command is in flight for a while."""
    failpoint.set("ack.delay", None, delay=1.0)
    yield
    failpoint.clear()


# connect


@codecs
async def test_connect_says_who_and_where_one_is(node: Running, token: MakeToken, codec: str) -> None:
    before = int(time.time() * 1000)
    async with opened(node.ws_url, codec) as client:
        ok = await client.connect(token("ada", "mentor", name="Ada L"), client="test/1")
    assert ok["user"] == {"id": "ada", "name": "Ada L", "role": "mentor"}
    assert before <= ok["server_time"] <= int(time.time() * 1000)
    assert before + 3_599_000 <= ok["expires_at"] <= before + 3_602_000
    assert isinstance(ok["connection"], str)
    assert set(ok["rooms"]) == {"user:ada", "announce:all", "announce:mentor"}
    assert all(set(one) == {"room", "epoch", "seq", "messages", "members", "can"} for one in ok["rooms"].values())
    assert ok["limits"]["message_bytes"] == 16_384
    assert ok["limits"]["rooms"] == 128
    assert (ok["limits"]["command_rate"], ok["limits"]["command_burst"]) == (20, 40)


@codecs
async def test_connect_resumes_rooms_in_the_same_round_trip(
    node: Running, token: MakeToken, room: str, create_session: CreateSession, codec: str
) -> None:
    closed_to_us = f"session:{await create_session(open=False)}"
    async with connected(node.ws_url, token("writer")) as writer:
        joined = await writer.join(room)
        await fill(writer, room, 5)
        since = {"epoch": joined["epoch"], "seq": writer.served[room][1]}
        fresh = {"epoch": joined["epoch"], "seq": writer.served[room][4]}
        rooms = {room: since, closed_to_us: fresh, "session:nowhere": fresh, "no room": fresh, "poll:1": fresh}
        async with connected(node.ws_url, token("returner"), codec, rooms=rooms) as client:
            ok = client.received[0]["ok"]["rooms"]
            assert ok[room]["recovered"] is True
            assert texts(ok[room]["messages"]) == ["m2", "m3", "m4"]
            assert ok[room]["messages"][0]["prev"] == since["seq"]
            assert ok[room]["seq"] == fresh["seq"]
            assert ok[closed_to_us]["error"]["code"] == "forbidden"
            assert ok["session:nowhere"]["error"]["code"] == "not_found"
            assert ok["no room"]["error"]["code"] == "invalid"
            assert ok["poll:1"]["error"]["code"] == "not_found"
            await writer.say(room, "after")
            assert (await client.expect_push("chat.message", room))["data"]["text"] == "after"


async def test_rooms_whose_replay_does_not_fit_into_connect_are_deferred(
    gateway: MakeGateway, token: MakeToken, create_session: CreateSession
) -> None:
    async with gateway(connect_recovery_bytes=3000) as running:
        async with connected(running.ws_url, token("writer")) as writer:
            rooms = [f"session:{await create_session()}" for _ in range(3)]
            since = {}
            for room in rooms:
                joined = await writer.join(room)
                since[room] = {"epoch": joined["epoch"], "seq": joined["seq"]}
                await writer.say(room, "x" * 1200)
        async with connected(running.ws_url, token("returner"), rooms=since) as client:
            answers = [client.received[0]["ok"]["rooms"][room] for room in rooms]
            assert [answer.get("deferred", False) for answer in answers] == [False, False, True]
            late = await client.join(rooms[2], since=since[rooms[2]])
            assert late["recovered"] is True
            assert len(late["messages"]) == 1


async def test_a_failed_connect_may_be_tried_again(node: Running, token: MakeToken) -> None:
    async with opened(node.ws_url) as client:
        error = await fails(client, "unauthenticated", "connect", token="nonsense")
        assert error.temporary is False
        await fails(client, "token_expired", "connect", token=token("late", ttl=-3600))
        await fails(client, "invalid", "connect", token=5)
        assert (await client.connect(token("late")))["user"]["id"] == "late"
        await fails(client, "conflict", "connect", token=token("late"))
        await client.call("ping")


async def test_a_connect_without_an_id_is_silent_and_counts(node: Running, token: MakeToken) -> None:
    async with opened(node.ws_url) as client:
        await client.send("connect", id=None, token=token("quiet"))
        assert (await client.call("ping"))["server_time"] > 0
        assert [set(message) for message in client.received] == [{"id", "ok"}]


# refresh and the end of a token


async def test_a_refreshed_connection_outlives_its_first_token_and_others_do_not(
    node: Running, token: MakeToken
) -> None:
    async with (
        connected(node.ws_url, token("wise", ttl=2)) as refreshed,
        connected(node.ws_url, token("late", ttl=2)) as late,
    ):
        ok = await refreshed.call("refresh", token=token("wise", ttl=60))
        assert ok["expires_at"] > time.time() * 1000 + 50_000
        await fails(late, "forbidden", "refresh", token=token("wise"))
        await fails(late, "unauthenticated", "refresh", token="nonsense")
        await fails(late, "token_expired", "refresh", token=token("late", ttl=-100))
        # A failed refresh changes nothing, so the first token's end is this one's.
        disconnect = await late.disconnect_push()
        assert disconnect["code"] == 4010
        assert disconnect["reconnect"] is True
        assert disconnect["retry_ms"] >= 0
        await refreshed.settle()


async def test_a_refresh_in_another_role_connects_anew(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("turned", "mentor")) as client:
        await client.call("refresh", token=token("turned", "mentor"))
        await client.call("ping")
        # The rooms that it is in were joined as a mentor.
        assert (await client.call("refresh", token=token("turned", "student")))["expires_at"] > 0
        disconnect = await client.disconnect_push()
        assert (disconnect["code"], disconnect["reconnect"]) == (4010, True)


# Ids, order, errors


@codecs
async def test_ping(node: Running, token: MakeToken, codec: str) -> None:
    async with connected(node.ws_url, token("one"), codec) as client:
        before = int(time.time() * 1000)
        assert before <= (await client.call("ping"))["server_time"] <= int(time.time() * 1000)
        assert (await client.reply(await client.send("ping", id=2**53 - 1)))["server_time"] > 0


async def test_a_command_without_an_id_happens_and_gets_no_reply(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await client.join(room)
        count = len([one for one in client.received if "id" in one])
        await client.send("chat.send", id=None, room=room, data={"text": "no reply, please"})
        await client.send("chat.send", id=None, room=room, data={"text": 5})
        await client.send("nonsense", id=None)
        await client.expect_push("chat.message", room)
        await client.settle()
        replies = [one for one in client.received if "id" in one]
        assert len(replies) == count + 1


async def test_an_id_in_flight_is_a_conflict(node: Running, token: MakeToken, room: str, slow_acks: None) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await client.join(room)
        await client.send("chat.send", id=77, room=room, data={"text": "slow"})
        await client.send("ping", id=77)
        with pytest.raises(WireError) as caught:
            await client.reply(77)
        assert caught.value.code == "conflict"
        assert (await client.reply(77))["seq"] > 0
        await client.send("ping", id=77)
        assert (await client.reply(77))["server_time"] > 0


async def test_replies_overtake_each_other_across_rooms_and_not_within_one(
    node: Running, token: MakeToken, create_session: CreateSession, slow_acks: None
) -> None:
    async with connected(node.ws_url, token("one")) as client:
        room, other = f"session:{await create_session()}", f"session:{await create_session()}"
        await client.join(room)
        first = await client.send("chat.send", room=room, data={"text": "slow"})
        await client.send("leave", room=room)
        third = await client.send("chat.send", room=room, data={"text": "too late"})
        elsewhere = await client.send("join", room=other)
        await client.reply(elsewhere)
        assert all(one.get("id") != first for one in client.received)
        await client.reply(first)
        with pytest.raises(WireError) as caught:
            await client.reply(third)
        assert caught.value.code == "not_joined"


async def test_commands_of_a_room_take_effect_in_order(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await client.join(room)
        seqs = await fill(client, room, 15)
        assert seqs == sorted(seqs)
        await client.expect(lambda one: one.get("seq") == seqs[-1])
        assert texts(client.pushes("chat.message", room)) == [f"m{n}" for n in range(15)]


@codecs
@pytest.mark.parametrize(
    ("code", "cmd", "fields"),
    [
        ("unknown_command", "nonsense", {}),
        ("unknown_command", "poll.vote", {"room": "session:1", "data": {}}),
        ("unknown_command", "chat.send", {"room": "user:one", "data": {"text": "x"}}),
        ("not_found", "join", {"room": "session:nowhere"}),
        ("not_found", "join", {"room": "poll:1"}),
        ("invalid", "join", {"room": "nowhere"}),
        ("invalid", "join", {}),
        ("invalid", "chat.send", {"data": {"text": "x"}}),
        ("not_joined", "chat.send", {"room": "session:nowhere", "data": {"text": "x"}}),
        ("not_joined", "leave", {"room": "session:nowhere"}),
        ("forbidden", "join", {"room": "user:another"}),
    ],
)
async def test_error_codes(
    node: Running, token: MakeToken, codec: str, code: str, cmd: str, fields: dict[str, Any]
) -> None:
    async with connected(node.ws_url, token("one"), codec) as client:
        error = await fails(client, code, cmd, **fields)
        assert error.temporary is False
        await client.settle()


async def test_over_the_rate_commands_are_told_to_wait(gateway: MakeGateway, token: MakeToken) -> None:
    async with (
        gateway(command_rate=2.0, command_burst=5) as running,
        connected(running.ws_url, token("eager")) as client,
    ):
        began = time.monotonic()
        ids = [await client.send("ping") for _ in range(12)]
        answers = []
        for id in ids:
            try:
                await client.reply(id)
            except WireError as error:
                answers.append(error)
        # However long it took: the burst, and what the rate gave back meanwhile.
        assert 6 - (time.monotonic() - began) * 2.0 <= len(answers) <= 8
        assert all(error.code == "rate_limited" and error.temporary for error in answers)
        waits = [error.retry_after for error in answers]
        assert all(wait is not None and 0 < wait <= 0.5 for wait in waits)
        await asyncio.sleep(0.6)
        await client.call("ping")


async def pinged(client: WireClient, count: int) -> int:
    """How many of so many commands were not refused."""
    answers = await asyncio.gather(*(client.call("ping") for _ in range(count)), return_exceptions=True)
    assert {one.code for one in answers if isinstance(one, WireError)} <= {"rate_limited"}
    return sum(not isinstance(one, BaseException) for one in answers)


@codecs
async def test_the_limit_of_all_commands_is_the_user_s(
    gateway: MakeGateway, token: MakeToken, room: str, codec: str
) -> None:
    async with gateway(command_rate=0.001, command_burst=20, user_burst_factor=2.0) as running:
        # A connection has its own limit, of which `connect` is one.
        async with connected(running.ws_url, token("hasty"), codec) as client:
            assert await pinged(client, 25) == 19
        # Who connects again, or holds several connections, has what the others left.
        async with connected(running.ws_url, token("hasty"), codec) as client:
            assert await pinged(client, 15) == 15
            async with connected(running.ws_url, token("hasty"), codec) as other:
                assert await pinged(other, 15) == 6
                with pytest.raises(WireError) as refused:
                    await client.call("ping")
                assert (refused.value.code, refused.value.temporary) == ("rate_limited", True)
                assert refused.value.retry_after is not None
        headers = {"Authorization": f"Bearer {token('hasty')}"}
        async with httpx.AsyncClient(base_url=running.url, headers=headers) as rest:
            answer = await rest.post(f"/api/v1/rooms/{room}/commands", json={"cmd": "history", "data": {}})
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        async with connected(running.ws_url, token("another"), codec) as client:
            assert await pinged(client, 15) == 15


@codecs
async def test_the_limit_of_a_command_is_the_user_s(
    gateway: MakeGateway, token: MakeToken, room: str, codec: str
) -> None:
    environ = {"KSMP_CHAT_RATE_COUNT": "10", "KSMP_CHAT_RATE_SECONDS": "1000"}
    async with gateway(environ=environ) as running:

        async def say(client: WireClient, count: int) -> int:
            """How many messages were stored."""
            answers = await asyncio.gather(*(client.say(room, f"{n}") for n in range(count)), return_exceptions=True)
            assert {one.code for one in answers if isinstance(one, WireError)} <= {"rate_limited"}
            return sum(not isinstance(one, BaseException) for one in answers)

        stored = 0
        for _ in range(3):
            async with connected(running.ws_url, token("eager"), codec) as client:
                await client.join(room)
                stored += await say(client, 8)
        async with (
            connected(running.ws_url, token("eager"), codec) as one,
            connected(running.ws_url, token("eager"), codec) as two,
        ):
            for client in (one, two):
                await client.join(room)
                stored += await say(client, 8)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token('eager')}"}) as rest:
            body = {"cmd": "chat.send", "data": {"text": "by POST"}}
            answer = await rest.post(f"{running.url}/api/v1/rooms/{room}/commands", json=body)
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert stored == 10
        async with connected(running.ws_url, token("another"), codec) as client:
            await client.join(room)
            assert await say(client, 8) == 8


async def test_without_the_log_commands_are_unavailable(
    gateway: MakeGateway, token: MakeToken, room: str, create_session: CreateSession, tmp_path: Any, servers_guard: Any
) -> None:
    async with (
        NatsCluster(tmp_path, guard=servers_guard, restart=False) as own,
        gateway(nats_url=own.urls, publish_timeout=0.5) as running,
        connected(running.ws_url, token("one")) as client,
    ):
        await client.join(room)
        await client.say(room, "stored")
        await own.stop()
        error = await fails(client, "unavailable", "chat.send", room=room, data={"text": "x"})
        assert error.temporary is True
        assert error.retry_after is not None
        other = f"session:{await create_session()}"
        await fails(client, "unavailable", "join", room=other)
        await client.settle()


async def test_what_nobody_foresaw_is_internal_and_tells_a_trace_alone(
    gateway: MakeGateway, token: MakeToken, postgres: str, database: asyncpg.Pool
) -> None:
    """A database that has the accounts' tables and lacks those of live."""
    name = f"half_{int(time.time() * 1000)}"
    await database.execute(f"CREATE DATABASE {name}")
    url = f"{postgres.rpartition('/')[0]}/{name}"
    await migrate(url, registry.load(("accounts",)))
    # Workers of modules that this does not need would tell of their missing tables all the time.
    modules = ("accounts", "files", "programs", "live")
    async with (
        gateway(modules=modules, database_url=url) as running,
        connected(running.ws_url, token("one")) as client,
    ):
        error = await fails(client, "internal", "join", room="session:1")
        assert "live_session" not in str(error)
        assert len(str(error).rpartition(" ")[2]) == 32
        await client.settle()


async def test_a_connect_that_nobody_foresaw_is_internal_too(
    gateway: MakeGateway, token: MakeToken, postgres: str, database: asyncpg.Pool
) -> None:
    name = f"empty_{int(time.time() * 1000)}"
    await database.execute(f"CREATE DATABASE {name}")
    url = f"{postgres.rpartition('/')[0]}/{name}"
    await migrate(url, [])
    async with (
        gateway(modules=("accounts",), database_url=url, connect_timeout=1.0) as running,
        opened(running.ws_url) as client,
    ):
        await fails(client, "internal", "connect", token=token("one"))
        # It was not the client's fault, so it is told to reconnect.
        assert (await client.disconnect_push())["reconnect"] is True
