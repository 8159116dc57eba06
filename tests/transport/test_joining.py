"""Joining rooms and leaving them, with and without a past."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import connected

from .calls import codecs, fails, fill, texts


@pytest.fixture(scope="module")
async def busy(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway without limits on how fast a client may speak."""
    environ = {"KSMP_CHAT_RATE_COUNT": "1000000"}
    async with gateway(environ=environ, command_rate=1e6, command_burst=1_000_000, commands_in_flight=1000) as running:
        yield running


@codecs
async def test_join_without_a_past(node: Running, token: MakeToken, room: str, codec: str) -> None:
    async with connected(node.ws_url, token("one"), codec) as one, connected(node.ws_url, token("two")) as two:
        joined = await one.join(room)
        assert set(joined) == {"room", "epoch", "seq", "messages", "members", "can"}
        assert joined["room"] == room
        assert joined["messages"] == []
        assert joined["members"] == 1
        assert {"chat.delete", "chat.send"} <= set(joined["can"])
        (seq,) = await fill(one, room, 1)
        again = await two.join(room)
        assert (again["seq"], again["messages"], again["members"]) == (seq, [], 2)
        assert again["epoch"] == joined["epoch"]


@codecs
async def test_join_with_the_last_messages(node: Running, token: MakeToken, room: str, codec: str) -> None:
    async with connected(node.ws_url, token("one"), codec) as client:
        await client.join(room)
        seqs = await fill(client, room, 6)
        for count, expected in (
            (0, []),
            (1, ["m5"]),
            (4, ["m2", "m3", "m4", "m5"]),
            (200, [f"m{n}" for n in range(6)]),
        ):
            joined = await client.join(room, history=count)
            assert texts(joined["messages"]) == expected
            assert joined["seq"] == seqs[-1]
            assert "recovered" not in joined


async def test_join_refuses_more_history_than_the_limit(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await fails(client, "invalid", "join", room=room, history=201)


@codecs
async def test_join_recovers_exactly_what_was_missed(node: Running, token: MakeToken, room: str, codec: str) -> None:
    async with connected(node.ws_url, token("writer")) as writer:
        start = await writer.join(room)
        seqs = await fill(writer, room, 5)
        async with connected(node.ws_url, token("reader"), codec) as reader:
            for missed in range(6):
                since = {"epoch": start["epoch"], "seq": ([start["seq"], *seqs])[5 - missed]}
                joined = await reader.join(room, since=since)
                assert joined["recovered"] is True
                assert [push["seq"] for push in joined["messages"]] == seqs[5 - missed :]
                chain = [since["seq"], *seqs[5 - missed :]]
                assert [push["prev"] for push in joined["messages"]] == chain[:-1]
                assert joined["seq"] == seqs[-1]
            message = joined["messages"][0]
            assert set(message) == {"push", "room", "seq", "prev", "at", "from", "data"}
            assert message["from"] == {"id": "writer", "name": "Writer", "role": "student"}
            assert abs(message["at"] - time.time() * 1000) < 60_000


@codecs
@pytest.mark.parametrize("case", ["another epoch", "ahead of the log", "another epoch, with a history"])
async def test_join_says_when_it_could_not_recover(
    node: Running, token: MakeToken, room: str, codec: str, case: str
) -> None:
    async with connected(node.ws_url, token("one"), codec) as client:
        start = await client.join(room)
        seqs = await fill(client, room, 3)
        epoch, seq = start["epoch"], seqs[0]
        since = {"epoch": epoch, "seq": seq + 10_000_000} if "ahead" in case else {"epoch": "other", "seq": seq}
        history = {"history": 1} if "history" in case else {}
        joined = await client.join(room, since=since, **history)
        assert joined["recovered"] is False
        assert (joined["epoch"], joined["seq"]) == (epoch, seqs[-1])
        assert texts(joined["messages"]) == ["m0", "m1", "m2"]


async def test_a_recovery_over_the_cap_is_none(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with (
        gateway(recovery_messages=5, join_messages=2) as running,
        connected(running.ws_url, token("one")) as client,
    ):
        start = await client.join(room)
        seqs = await fill(client, room, 8)
        whole = await client.join(room, since={"epoch": start["epoch"], "seq": seqs[2]})
        assert whole["recovered"] is True
        assert len(whole["messages"]) == 5
        part = await client.join(room, since={"epoch": start["epoch"], "seq": seqs[1]})
        assert part["recovered"] is False
        assert texts(part["messages"]) == ["m6", "m7"]
        assert part["seq"] == seqs[-1]


async def test_the_rooms_of_a_connection_are_limited(
    gateway: MakeGateway, token: MakeToken, create_session: CreateSession
) -> None:
    async with gateway(rooms_per_connection=5) as running, connected(running.ws_url, token("one")) as client:
        rooms = [f"session:{await create_session()}" for _ in range(3)]
        await client.join(rooms[0])
        await client.join(rooms[1])
        error = await fails(client, "rate_limited", "join", room=rooms[2])
        assert error.temporary is True
        await client.join(rooms[1])
        await client.call("leave", room=rooms[0])
        await client.join(rooms[2])


async def test_who_left_is_told_nothing_more(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as one, connected(node.ws_url, token("two")) as two:
        await one.join(room)
        await two.join(room)
        assert await one.call("leave", room=room) == {}
        await fails(one, "not_joined", "leave", room=room)
        await fails(one, "not_joined", "chat.send", room=room, data={"text": "x"})
        await fails(one, "not_joined", "history", room=room, before=1)
        await two.say(room, "without you")
        await two.expect_push("chat.message", room)
        await one.settle()
        assert one.pushes("chat.message", room) == []
        # When it joins again, it gets what it missed.
        joined = await one.join(room, history=10)
        assert texts(joined["messages"]) == ["without you"]
        assert joined["members"] == 2


async def test_members_are_people_and_not_sockets(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as first, connected(node.ws_url, token("one")) as second:
        assert (await first.join(room))["members"] == 1
        assert (await second.join(room))["members"] == 1


@codecs
@pytest.mark.parametrize("past", ["none", "history", "since"])
async def test_a_join_while_others_talk_loses_and_doubles_nothing(
    busy: Running, token: MakeToken, room: str, codec: str, past: str
) -> None:
    """The reply comes before any push of the room, and what follows continues it."""

    async def visit(index: int, talking: asyncio.Task[list[int]]) -> None:
        async with connected(busy.ws_url, token(f"visitor-{index}"), codec) as client:
            await asyncio.sleep(index * 0.01)
            asked: dict[str, dict[str, Any]] = {"none": {}, "history": {"history": 20}, "since": {"since": start}}
            joined = await client.join(room, **asked[past])
            about = [one for one in client.received if one.get("room") == room or "epoch" in one.get("ok", {})]
            assert about[0].get("ok") is joined
            seqs = await talking
            if client.positions[room] < seqs[-1]:
                await client.expect(lambda one: one.get("seq") == seqs[-1])
            first = joined["messages"][0]["seq"] if joined["messages"] else joined["seq"] + 1
            assert client.served[room] == [seq for seq in seqs if seq >= first]
            if past == "since":
                assert joined["recovered"] is True
                assert client.served[room] == seqs

    async with connected(busy.ws_url, token("writer")) as writer, asyncio.timeout(30), asyncio.TaskGroup() as group:
        joined = await writer.join(room)
        start = {"epoch": joined["epoch"], "seq": joined["seq"]}
        talking = group.create_task(fill(writer, room, 300))
        visits = [group.create_task(visit(index, talking)) for index in range(6)]
        await asyncio.gather(*visits)
