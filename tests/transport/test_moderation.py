"""A mute and an eviction as clients on another gateway see them, whichever way they came in."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from ksmp_client import CanChanged, Client, CommandFailed, Joined, Left
from ksmp_testkit import MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireClient, WireError, connected
from tests.transport.events import stream
from tests.transport.poster import poster, problem

CAN = ["chat.delete", "chat.send"]
codecs = pytest.mark.parametrize("codec", ["json", "msgpack"])


@pytest.fixture(scope="module")
async def other(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway() as running:
        yield running


@pytest.fixture
def user() -> str:
    return f"u-{uuid.uuid4().hex[:12]}"


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def fails(client: WireClient, room: str) -> WireError:
    with pytest.raises(WireError) as caught:
        await client.say(room, "no")
    return caught.value


@codecs
async def test_a_muted_user(node: Running, other: Running, token: MakeToken, room: str, user: str, codec: str) -> None:
    async with connected(other.ws_url, token(user), codec) as client, connected(node.ws_url, token("w")) as witness:
        assert set(CAN) <= set((await client.join(room))["can"])
        await witness.join(room)
        first = await client.say(room, "before", nonce="n1")
        await node.gateway.rooms.restrict(room, user, ["chat.send"], after(1.5))
        told = await client.expect_push("can", room)
        assert "chat.send" not in told["data"]["can"]
        assert "chat.delete" in told["data"]["can"]
        error = await fails(client, room)
        assert (error.code, error.temporary) == ("forbidden", True)
        assert error.retry_after is not None
        assert 0 < error.retry_after <= 1.5
        # A repeat is answered as the first was, whatever moderation has come since.
        repeat = await client.say(room, "before", nonce="n1")
        assert repeat == {"seq": first["seq"], "duplicate": True}
        assert "chat.send" not in (await client.join(room))["can"]
        assert set(CAN) <= set((await client.expect_push("can", room))["data"]["can"])
        await client.say(room, "after")
        await witness.expect(lambda one: one.get("data") == {"text": "after"})
        assert [one["data"]["text"] for one in witness.pushes("chat.message", room)] == ["before", "after"]
        assert witness.pushes("can", room) == []


async def test_a_muted_user_who_types(node: Running, other: Running, token: MakeToken, room: str, user: str) -> None:
    async with connected(other.ws_url, token(user)) as client:
        await client.join(room)
        await node.gateway.rooms.restrict(room, user, ["typing"], None)
        refusal: WireError | None = None
        async with asyncio.timeout(5):
            while refusal is None:
                try:
                    await client.call("typing", room=room, on=True)
                    await asyncio.sleep(0.05)
                except WireError as error:
                    refusal = error
        assert (refusal.code, refusal.temporary, refusal.retry_after) == ("forbidden", False, None)


async def test_without_a_websocket(node: Running, other: Running, token: MakeToken, room: str, user: str) -> None:
    async with stream(other, token(user), room) as events, poster(other, token(user)) as http:
        await events.expect_push("joined", room)
        await node.gateway.rooms.restrict(room, user, ["chat.send"], after(60))
        assert "chat.send" not in (await events.expect_push("can", room))["data"]["can"]
        answer = await http.post(room, "chat.send", data={"text": "no"})
        problem(answer, 403, "forbidden")
        assert answer.json()["temporary"] is True
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        await node.gateway.rooms.lift(room, user)
        assert "chat.send" in (await events.expect_push("can", room))["data"]["can"]
        await http.say(room, "yes")
        await node.gateway.rooms.evict(room, user, "live.kicked")
        left = await events.expect_push("left", room)
        assert left["data"] == {"code": "live.kicked", "rejoin": False}
        await http.fails(403, "forbidden", room, "chat.send", data={"text": "no"})
        await http.fails(403, "forbidden", room, "history", before=10)
        assert not events.ended


@codecs
async def test_an_evicted_user(
    node: Running, other: Running, token: MakeToken, room: str, user: str, codec: str
) -> None:
    async with connected(other.ws_url, token(user), codec) as client, connected(node.ws_url, token("w")) as witness:
        joined = await client.join(room)
        await witness.join(room)
        await node.gateway.rooms.evict(room, user, "live.kicked")
        assert (await client.expect_push("left", room))["data"] == {"code": "live.kicked", "rejoin": False}
        assert (await fails(client, room)).code == "not_joined"
        await witness.say(room, "behind the door")
        with pytest.raises(WireError) as caught:
            await client.join(room)
        assert caught.value.code == "forbidden"
        assert client.pushes("chat.message", room) == []
        # Connecting again does not help, on either gateway.
        position = {room: {"epoch": joined["epoch"], "seq": joined["seq"]}}
        for running in (node, other):
            async with connected(running.ws_url, token(user), rooms=position) as back:
                assert back.received[0]["ok"]["rooms"][room]["error"]["code"] == "forbidden"
        await node.gateway.rooms.readmit(room, user)
        async with asyncio.timeout(5):
            while True:
                try:
                    await client.join(room, since=position[room])
                    break
                except WireError:
                    await asyncio.sleep(0.05)
        assert len(client.served[room]) == 1


async def test_the_python_client(node: Running, other: Running, token: MakeToken, room: str, user: str) -> None:
    async with Client(other.ws_url, token=token(user)) as client:
        held = await client.join(room)
        events = held.events()
        assert isinstance(await anext(events), Joined)

        async def next_of(*kinds: type) -> object:
            async with asyncio.timeout(5):
                async for event in events:
                    if isinstance(event, kinds):
                        return event
            return None

        await node.gateway.rooms.restrict(room, user, ["chat.send"], after(1.0))
        changed = await next_of(CanChanged)
        assert isinstance(changed, CanChanged)
        assert "chat.send" not in changed.can
        assert "chat.send" not in held.can
        with pytest.raises(CommandFailed) as caught:
            await held.command("chat.send", {"text": "no"})
        assert (caught.value.code, caught.value.temporary) == ("forbidden", True)
        # A client that waits for `retry_after` may send again.
        await held.command("chat.send", {"text": "yes"}, patient=True)
        assert "chat.send" in held.can
        await node.gateway.rooms.evict(room, user, "live.moved", rejoin=True)
        assert await next_of(Left) == Left("live.moved", True)
        # It comes back by itself, and misses nothing.
        joined = await next_of(Joined)
        assert isinstance(joined, Joined)
        assert joined.recovered
        await held.command("chat.send", {"text": "again"}, patient=True)
