"""Getting connected, staying connected, and knowing when it is over."""

from __future__ import annotations

import asyncio
import socket

import pytest

from ksmp_client import (
    Client,
    Closed,
    ClosedForGood,
    CommandFailed,
    Connected,
    Connecting,
    Joined,
    NotConnected,
    User,
    Waiting,
    connector,
    tokens,
)
from ksmp_client.backoff import Backoff
from tests.client.standin import Refusal, Silence, StandIn, in_turn

ASHA = User("asha", "Asha", "student")


async def test_connects_with_its_token_and_knows_who_it_is(standin: StandIn) -> None:
    async with Client(standin.url, token="t", name="test/1") as client:
        assert client.user == ASHA
        states = client.states()
        assert await anext(states) == Connected(standin.url.replace("http", "ws") + "/realtime", "c1", ASHA)
        assert await client.ping() < 5
    assert await anext(states) == Closed(1000, "the client was closed")
    connect = standin.received[0]
    assert connect == {"id": 1, "cmd": "connect", "token": "t", "client": "test/1"}
    assert standin.sockets[0].subprotocol == "ksmp.v1.json"


async def test_a_refused_token_is_the_end(standin: StandIn) -> None:
    standin.answers["connect"] = in_turn(Refusal("unauthenticated"))
    with pytest.raises(ClosedForGood) as caught:
        async with Client(standin.url, token="t"):
            pass
    assert caught.value.code == 4500
    assert isinstance(caught.value.__cause__, CommandFailed)
    assert caught.value.__cause__.code == "unauthenticated"


@pytest.mark.parametrize("error", [Refusal("unavailable", temporary=True, retry_after=0.01), Refusal("internal")])
async def test_a_server_in_trouble_is_tried_again(standin: StandIn, error: Refusal) -> None:
    standin.answers["connect"] = in_turn(error, standin.welcome())
    async with Client(standin.url, token="t"):
        assert len(standin.sockets) == 2


@pytest.mark.parametrize("code", [4500, 4503, 4999])
async def test_closed_for_good_ends_everything(standin: StandIn, code: int) -> None:
    async with Client(standin.url, token="t") as client:
        states = client.states()
        room = await client.join("session:a")
        waiting = asyncio.create_task(room.command("chat.send"))
        standin.answers["chat.send"] = in_turn(Refusal("unavailable", temporary=True))
        await standin.got("chat.send")
        await standin.close(code, "enough")
        seen = [type(state) async for state in states]
        assert seen == [Connected, Closed]
        assert client.state == Closed(code, "enough")
        events = room.events()
        assert isinstance(await anext(events), Joined)
        for doomed in (anext(events), room.command("chat.send"), client.join("session:b"), client.ping(), waiting):
            with pytest.raises(ClosedForGood) as caught:
                await doomed
            assert (caught.value.code, caught.value.reason) == (code, "enough")
    assert len(standin.sockets) == 1


async def test_the_server_says_when_to_come_back(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        states = client.states()
        assert isinstance(await anext(states), Connected)
        await standin.close(4000, "drain", retry_ms=70)
        assert await anext(states) == Waiting(0.07, 4000, "drain")
        assert isinstance(await anext(states), Connecting)
        assert isinstance(await anext(states), Connected)


async def test_a_disconnect_counts_when_the_close_is_lost(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        states = client.states()
        data = {"code": 4501, "reason": "revoked", "reconnect": False, "retry_ms": 0}
        await standin.push("disconnect", data=data)
        standin.sockets[-1].transport.abort()
        assert [state async for state in states][-1] == Closed(4501, "revoked")


@pytest.mark.parametrize("code", [1000, 1011, 3000, 4001, 4499])
async def test_any_other_close_is_waited_out(standin: StandIn, code: int) -> None:
    async with Client(standin.url, token="t") as client:
        states = client.states()
        await standin.close(code)
        await anext(states)
        waiting = await anext(states)
        assert isinstance(waiting, Waiting)
        assert waiting.code == code
        assert 0 <= waiting.seconds <= 0.5
        await standin.got("connect", 2)


async def test_the_waits_grow_until_a_connection_lasts(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    ceilings: list[float] = []

    def draw(backoff: Backoff) -> float:
        ceilings.append(backoff.ceiling)
        backoff.ceiling *= 2
        return 0.0

    monkeypatch.setattr(Backoff, "next", draw)
    async with Client(standin.url, token="t"):
        for count in (2, 3):
            await standin.close(4001)
            await standin.got("connect", count)
        monkeypatch.setattr(connector, "STEADY", 0.0)
        await standin.close(4001)
        await standin.got("connect", 4)
    assert ceilings == [0.5, 1.0, 0.5]


async def test_the_urls_are_tried_in_turn(standin: StandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"ws://127.0.0.1:{taken.getsockname()[1]}/realtime"
    async with StandIn() as other:
        async with Client([nobody, standin.url, other.url], token="t") as client:
            assert len(standin.sockets) == 1
            await standin.close(4000, retry_ms=0)
            await other.got("connect")
            assert isinstance(client.state, Connected | Connecting)
        assert len(standin.sockets) == 1


async def test_a_server_that_does_not_answer_pings_is_dead(standin: StandIn) -> None:
    async with Client(standin.url, token="t", ping_interval=0.1, ping_timeout=0.1) as client:
        states = client.states()
        standin.sockets[0].transport.pause_reading()
        assert isinstance(await anext(states), Connected)
        assert isinstance(await anext(states), Waiting)
        await standin.got("connect", 2)
        standin.sockets[0].transport.abort()


async def test_what_is_no_message_ends_the_connection_only(standin: StandIn) -> None:
    async with Client(standin.url, token="t"):
        await standin.sockets[0].send("[1]")
        await standin.got("connect", 2)
        assert standin.sockets[0].close_code == 1007


async def test_a_callable_gives_a_token_for_each_connection(standin: StandIn) -> None:
    made = iter("abc")

    async def token() -> str:
        return next(made)

    async with Client(standin.url, token=token):
        await standin.close(4010, retry_ms=0)
        connects = await standin.got("connect", 2)
    assert [connect["token"] for connect in connects] == ["a", "b"]


async def test_a_callable_that_fails_is_asked_again(standin: StandIn) -> None:
    made = in_turn(OSError("the sign-in page is away"), "t")
    async with Client(standin.url, token=lambda: str(made({}))):
        assert standin.received[0]["token"] == "t"


async def test_the_token_is_refreshed_in_time(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "SHORTEST", 0.0)
    standin.answers["connect"] = lambda command: standin.welcome(ttl=0.2)
    standin.answers["refresh"] = in_turn({"expires_at": standin.welcome(ttl=0.5)["expires_at"]}, {"expires_at": 2**52})
    made = iter("abcd")
    async with Client(standin.url, token=lambda: next(made)) as client:
        refreshes = await standin.got("refresh", 2)
        assert [refresh["token"] for refresh in refreshes] == ["b", "c"]
        assert isinstance(client.state, Connected)
        assert len(standin.sockets) == 1


async def test_a_refresh_that_fails_is_tried_again(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "SHORTEST", 0.0)
    standin.answers["connect"] = lambda command: standin.welcome(ttl=0.1)
    standin.answers["refresh"] = in_turn(Refusal("unavailable", temporary=True), {"expires_at": 2**52})
    async with Client(standin.url, token=lambda: "t"):
        await standin.got("refresh", 2)
        assert len(standin.sockets) == 1


def test_the_refresh_is_due_at_four_fifths_of_the_life() -> None:
    assert tokens.refresh_in(1_000, 101_000) == 80.0
    assert tokens.refresh_in(1_000, 500) == tokens.SHORTEST


async def test_one_expired_token_is_no_end_but_two_are(standin: StandIn) -> None:
    standin.answers["connect"] = in_turn(Refusal("token_expired"), standin.welcome(), Refusal("token_expired"))
    async with Client(standin.url, token=lambda: "t") as client:
        states = client.states()
        await standin.close(4010, retry_ms=0)
        last = [state async for state in states][-1]
        assert isinstance(last, Closed)
        assert last.code == 4500
    assert len(standin.sockets) == 4


async def test_an_expired_token_that_cannot_be_renewed_is_the_end(standin: StandIn) -> None:
    standin.answers["connect"] = in_turn(Refusal("token_expired"))
    with pytest.raises(ClosedForGood):
        async with Client(standin.url, token="t"):
            pass
    assert len(standin.sockets) == 1


async def test_leaving_the_block_ends_the_loops_in_it(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join("session:a")
        reading = asyncio.create_task(_all(room.events()))
    assert [type(event) for event in await reading] == [Joined]


async def test_entering_can_be_given_up() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), Client("http://127.0.0.1:9", token="t"):
            pass


async def _all(events: object) -> list[object]:
    return [event async for event in events]  # type: ignore[attr-defined]


async def test_nobody_waits_for_ever_for_a_gateway_that_is_not_there(standin: StandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(NotConnected, match=r"within 0.3 s: ws://127.0.0.1:\d+/realtime: ConnectionRefusedError"):
        async with Client(nobody, token="t", connect_timeout=0.3):
            pass
    standin.answers["connect"] = in_turn(Silence())
    with pytest.raises(NotConnected, match="does not answer"):
        async with Client(standin.url, token="t", connect_timeout=0.3):
            pass


async def test_who_wants_to_waits_until_a_gateway_is_there(standin: StandIn) -> None:
    standin.answers["connect"] = in_turn(Refusal("unavailable", temporary=True, retry_after=0.4), standin.welcome())
    async with Client(standin.url, token="t", connect_timeout=None):
        assert len(standin.sockets) == 2
