"""Without a WebSocket, and back: the client and real gateways over a network that is told what to pass."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ksmp_client import Client, Closed, ClosedForGood, CommandFailed, Connected, Position, Room, Waiting, connector
from ksmp_client.address import http_address, realtime_url
from ksmp_client.backoff import Backoff
from ksmp_client.errors import ConnectionLost
from ksmp_client.streamlink import StreamLink
from tests.client.censor import Censor, Way
from tests.client.reader import SECONDS, Reader, user
from tests.client.stack import LAPTOP, Stack

# So long that no test sees a WebSocket tried again.
NEVER = 10_000.0


async def over(client: Client, transport: str) -> None:
    """Wait until the client is connected over this transport."""
    async with asyncio.timeout(SECONDS):
        while client.transport != transport:
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def streaming(stack: Stack, censor: Censor, who: str = "", **options: Any) -> AsyncIterator[Client]:
    """A client over an event stream."""
    censor.block()
    token = stack.token(who or user())
    async with Client(censor.url, token=token, **{"websocket_retry": NEVER, **options}) as client:
        assert client.transport == "sse"
        yield client


@pytest.mark.parametrize("way", ["answer", "strip", "drop", "hang", "cut", "mute"])
async def test_two_upgrades_that_fail_lead_to_the_event_stream(
    stack: Stack, room: str, censor: Censor, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "SIGN_IN_TIMEOUT", 0.5)
    for name, value in LAPTOP.items():
        monkeypatch.setenv(name, value)
    censor.block(way)
    who = user()
    async with Client(
        censor.url, token=stack.token(who, name="Asha ✎"), open_timeout=0.5, websocket_retry=NEVER
    ) as client:
        assert (client.transport, censor.refused) == ("sse", 2)
        assert (client.user.id, client.user.name, client.user.role) == (who, "Asha ✎", "student")
        assert set(client.rooms) == {f"user:{who}", "announce:all", "announce:student"}
        here = await client.join(room)
        shown = Reader(here)
        assert await here.command("chat.send", {"text": "through\u2028all\r\nthat\n\ndata: x"})
        await shown.shows(["through\u2028all\r\nthat\n\ndata: x"])
        assert await client.ping() < 5


async def test_one_upgrade_that_fails_does_not(stack: Stack, censor: Censor) -> None:
    censor.block(times=1)
    async with Client(censor.url, token=stack.token(user())) as client:
        assert (client.transport, censor.refused, censor.upgrades) == ("websocket", 1, 1)
        # And one more, much later, is the first again.
        censor.block(times=1)
        async with asyncio.timeout(SECONDS):
            while censor.upgrades < 2 or client.transport is None:
                await asyncio.sleep(0.02)
        assert client.transport == "websocket"
    assert not any("/sse" in line for line in censor.requests)


async def test_a_gateway_that_restarts_refuses_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backoff, "next", lambda backoff: 0.1)
    pid = (await stack.pids())[1]
    # An upgrade that takes long on a busy machine is no refusal.
    async with Client(stack.gateways[1], token=stack.token(user()), open_timeout=60.0) as client:
        states = client.states()
        await stack.kill_gateway(1)
        await stack.back(1, pid)
        seen = []
        async with asyncio.timeout(SECONDS):
            while len(seen) < 2 or not isinstance(seen[-1], Connected):
                seen.append(await anext(states))
        reasons = [state.reason.split(":")[0] for state in seen if isinstance(state, Waiting)]
        assert reasons.count("ConnectionRefusedError") >= 4
        # As an event stream it would have been refused by another library.
        assert "ConnectError" not in reasons
        assert {state.transport for state in seen if isinstance(state, Connected)} == {"websocket"}


async def test_a_gateway_that_restarts_behind_a_proxy_is_had_over_a_websocket_again(stack: Stack) -> None:
    """A proxy answers in the place of a gateway that is away: what it refuses says nothing of WebSockets."""
    pid = (await stack.pids())[1]
    async with (
        Censor(stack.gateways[1]) as censor,
        Client(censor.url, token=stack.token(user()), websocket_retry=1.0) as client,
    ):
        await stack.kill_gateway(1)
        # Nothing passes, neither a socket nor a stream.
        async with asyncio.timeout(SECONDS):
            while not any("/sse" in line for line in censor.requests):
                await asyncio.sleep(0.02)
        await stack.back(1, pid)
        await over(client, "websocket")


async def test_over_there_and_back_nothing_is_lost_doubled_or_moved(
    stack: Stack, room: str, censor: Censor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every connection counts as a good one, or the waits would grow to 20 s.
    monkeypatch.setattr(connector, "STEADY", 0.0)
    chance = random.Random(11)
    taken: list[str] = []

    async def toggle(client: Client) -> None:
        while True:
            censor.block(chance.choice(["answer", "drop", "cut"]))
            await over(client, "sse")
            for _ in range(chance.randrange(3)):
                # Streams and commands on their way are lost too.
                await asyncio.sleep(chance.uniform(0.1, 0.4))
                censor.cut(upgraded=False)
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            censor.allow()
            await over(client, "websocket")
            await asyncio.sleep(chance.uniform(0.1, 0.6))

    async def watch(client: Client) -> None:
        async for state in client.states():
            if isinstance(state, Connected):
                taken.append(state.transport)  # noqa: PERF401 - it is read while it grows

    async def talk(room: Room, name: str) -> list[str]:
        texts = [f"{name} {number}" for number in range(25)]
        for text in texts:
            await room.command("chat.send", {"text": text}, patient=True)
            await asyncio.sleep(0.15)
        return texts

    async with (
        Client(stack.gateways[1], token=stack.token(user())) as steady,
        Client(censor.url, token=stack.token(user()), websocket_retry=0.1) as moved,
    ):
        watching = asyncio.create_task(watch(moved))
        here, there = await steady.join(room), await moved.join(room)
        shown, shown_there = Reader(here), Reader(there)
        toggling = asyncio.create_task(toggle(moved))
        first, second = await asyncio.gather(talk(here, "steady"), talk(there, "moved"))
        async with asyncio.timeout(SECONDS):
            while min(taken.count("sse"), taken.count("websocket")) < 3:
                await asyncio.sleep(0.02)
        toggling.cancel()
        async with asyncio.timeout(SECONDS):
            while len(shown.texts) < 50 or len(shown_there.texts) < 50:
                await asyncio.sleep(0.02)
        assert shown_there.texts == shown.texts
        assert [text for text in shown.texts if text.startswith("steady")] == first
        assert [text for text in shown.texts if text.startswith("moved")] == second
        assert set(shown_there.joined[1:]) == {True}
    await watching


async def test_a_burst_of_commands_keeps_its_order_over_the_change(stack: Stack, room: str, censor: Censor) -> None:
    chance = random.Random(3)
    async with streaming(stack, censor, websocket_retry=0.02) as client:
        here = await client.join(room)
        shown = Reader(here)
        # All at once, and each request takes its own time: the socket takes over in their midst.
        censor.delay = lambda: chance.uniform(0.0, 0.06)
        sending = [asyncio.create_task(here.command("chat.send", {"text": str(n)})) for n in range(15)]
        await asyncio.sleep(0)
        censor.allow()
        await over(client, "websocket")
        sending += [asyncio.create_task(here.command("chat.send", {"text": str(n)})) for n in range(15, 20)]
        await asyncio.gather(*sending)
        await shown.shows(map(str, range(20)))


async def test_a_nonce_holds_over_the_change(stack: Stack, room: str, censor: Censor) -> None:
    async with streaming(stack, censor, websocket_retry=0.1) as client:
        here = await client.join(room)
        first = await here.command("chat.send", {"text": "once"}, nonce="n")
        assert await here.command("chat.send", {"text": "once"}, nonce="n") == {**first, "duplicate": True}
        censor.allow()
        await over(client, "websocket")
        assert await here.command("chat.send", {"text": "once"}, nonce="n") == {**first, "duplicate": True}
        assert [push.seq for push in (await here.history()).messages] == [first["seq"]]


async def test_rooms_are_joined_and_left_while_others_go_on(stack: Stack, censor: Censor) -> None:
    names = [await stack.create_room() for _ in range(6)]
    who = user()
    async with (
        Client(stack.gateways[1], token=stack.token(user())) as speaker,
        streaming(stack, censor, who) as client,
    ):
        spoken = [await speaker.join(name) for name in names]
        await spoken[5].command("chat.send", {"text": "before"})
        shown = Reader(await client.join(names[0]))

        async def talk() -> list[str]:
            texts = [str(number) for number in range(15)]
            for text in texts:
                await spoken[0].command("chat.send", {"text": text}, patient=True)
                await asyncio.sleep(0.02)
            return texts

        talking = asyncio.create_task(talk())
        # Together, then one by one, then with what was said before.
        others = await asyncio.gather(*(client.join(name) for name in names[1:4]))
        others.append(await client.join(names[4]))
        readers = [Reader(other) for other in others]
        past = Reader(await client.join(names[5], history=5))
        await others[0].leave()
        await client.rooms[f"user:{who}"].leave()
        texts = await talking
        await shown.shows(texts)
        assert set(shown.joined[1:]) == {True}
        await past.shows(["before"])
        for room in spoken[1:]:
            await room.command("chat.send", {"text": "after"})
        for reader in readers[1:]:
            await reader.shows(["after"])
        await past.shows(["before", "after"])
        assert readers[0].texts == []
        assert set(client.rooms) == {names[0], *names[2:], "announce:all", "announce:student"}
        assert names[1].replace(":", "%3A") not in [line for line in censor.requests if "/sse" in line][-1]


async def test_a_lost_stream_is_taken_up_where_it_was(stack: Stack, room: str, censor: Censor) -> None:
    async with (
        Client(stack.gateways[1], token=stack.token(user())) as speaker,
        streaming(stack, censor) as client,
    ):
        here = await speaker.join(room)
        shown = Reader(await client.join(room))
        await here.command("chat.send", {"text": "0"})
        await shown.shows(["0"])
        censor.cut(upgraded=False)
        await here.command("chat.send", {"text": "1"})
        await shown.shows(["0", "1"])
        assert shown.joined == [False, True]
        assert client.transport == "sse"


async def test_what_is_refused_over_an_event_stream(stack: Stack, room: str, censor: Censor) -> None:
    async with streaming(stack, censor) as client:
        here = await client.join(room)
        for name, code in (("session:none", "not_found"), ("no room", "invalid"), ("session:a/../b", "invalid")):
            with pytest.raises(CommandFailed, match=code):
                await client.join(name)
        with pytest.raises(CommandFailed, match="invalid"):
            await here.command("chat.send", {"text": " "})
        with pytest.raises(CommandFailed, match="unknown_command"):
            await here.command("chat.shout")
        with pytest.raises(CommandFailed, match="too_large"):
            await here.command("chat.send", {"text": "x" * 20_000})
        with pytest.raises(CommandFailed, match="over a WebSocket only"):
            await client.request("refresh", token="t")
        assert await here.command("chat.send", {"text": "and on"})


async def test_a_bad_token_is_the_end_without_a_websocket_too(censor: Censor) -> None:
    censor.block()
    with pytest.raises(ClosedForGood) as caught:
        async with Client(censor.url, token="nonsense"):
            pass
    assert caught.value.code == 4500


async def test_an_expired_token_is_exchanged_by_another_stream(stack: Stack, room: str, censor: Censor) -> None:
    who = user()
    given: list[str] = []

    def token() -> str:
        # The two upgrades that are refused take one each.
        given.append(stack.token(who, ttl=1.5 if len(given) < 3 else 3600))
        return given[-1]

    censor.block()
    async with Client(censor.url, token=token, websocket_retry=NEVER) as client:
        shown = Reader(await client.join(room))
        states = client.states()
        async with asyncio.timeout(10):
            codes = [state.code async for state in _until_connected_again(states) if isinstance(state, Waiting)]
        assert codes == [4010]
        assert len(given) == 4
        await client.rooms[room].command("chat.send", {"text": "still here"})
        await shown.shows(["still here"])
        assert shown.joined == [False, True]


async def test_an_expired_token_that_cannot_be_renewed_is_the_end_without_a_websocket_too(
    stack: Stack, censor: Censor
) -> None:
    censor.block()
    # A gateway takes a token for half a minute longer than it says.
    async with Client(censor.url, token=stack.token(user(), ttl=-25.0), websocket_retry=NEVER) as client:
        async with asyncio.timeout(30):
            last = [state async for state in client.states()][-1]
        assert isinstance(last, Closed)
        assert last.code == 4500


async def test_a_command_takes_a_fresh_token_when_its_own_has_expired(stack: Stack, room: str) -> None:
    who = user()
    expired, fresh = stack.token(who, ttl=-3600), stack.token(who)
    asked: list[int] = []

    async def renew() -> str:
        asked.append(1)
        return fresh

    async with httpx.AsyncClient() as http:
        link = _link(http, stack, expired, renew)
        pages = [link.request("history", timeout=5, room=room, before=1, limit=1) for _ in range(3)]
        for page in await asyncio.gather(*pages):
            assert page == {"messages": [], "more": False}
        assert len(asked) == 1
        doomed = _link(http, stack, expired, None)
        with pytest.raises(ConnectionLost):
            await doomed.request("history", timeout=5, room=room, before=1, limit=1)


def _link(http: httpx.AsyncClient, stack: Stack, token: str, renew: Any) -> StreamLink:
    positions: dict[str, Position] = {}
    return StreamLink(
        http,
        http_address(realtime_url(stack.gateways[0])),
        token,
        renew=renew,
        positions=lambda: positions,
        on_push=lambda push: None,
        on_joined=lambda link, name, found: None,
    )


async def _until_connected_again(states: AsyncIterator[Any]) -> AsyncIterator[Any]:
    assert isinstance(await anext(states), Connected)
    async for state in states:
        yield state
        if isinstance(state, Connected):
            return
