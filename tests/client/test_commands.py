"""Commands: their replies, their errors, and when one is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from ksmp_client import Client, CommandFailed, Room, membership
from ksmp_client.repeat import repeat
from tests.client.standin import Refusal, Silence, StandIn, durable, in_turn

AWAY = Refusal("unavailable", temporary=True, retry_after=0.01)
LIMITED = Refusal("rate_limited", temporary=True, retry_after=0.05)


class Send(msgspec.Struct):
    text: str


@pytest.fixture
async def room(standin: StandIn) -> AsyncIterator[Room]:
    async with Client(standin.url, token="t") as client:
        yield await client.join("session:a")


async def test_a_command_carries_its_room_data_and_nonce(standin: StandIn, room: Room) -> None:
    standin.answers["chat.send"] = lambda command: {"seq": 11}
    assert await room.command("chat.send", {"text": "a"}, nonce="n.1") == {"seq": 11}
    assert await room.command("chat.send", Send("b")) == {"seq": 11}
    await room.command("chat.send", retry=False)
    first, second, third = await standin.got("chat.send", 3)
    assert (first["room"], first["nonce"], first["data"]) == ("session:a", "n.1", {"text": "a"})
    assert len(second["nonce"]) == 32
    assert second["data"] == {"text": "b"}
    assert "nonce" not in third
    assert third["data"] == {}


async def test_an_error_reply_is_raised_as_it_is(standin: StandIn, room: Room) -> None:
    standin.answers["chat.send"] = in_turn(LIMITED)
    with pytest.raises(CommandFailed) as caught:
        await room.command("chat.send")
    error = caught.value
    assert (error.code, error.message, error.temporary, error.retry_after) == (
        "rate_limited",
        "because of rate_limited",
        True,
        0.05,
    )


async def test_unavailable_is_repeated_with_the_same_nonce(standin: StandIn, room: Room) -> None:
    standin.answers["chat.send"] = in_turn(AWAY, AWAY, {"seq": 11, "duplicate": True})
    assert await room.command("chat.send") == {"seq": 11, "duplicate": True}
    assert len({command["nonce"] for command in await standin.got("chat.send", 3)}) == 1


async def test_no_reply_is_repeated_with_the_same_nonce(standin: StandIn, room: Room) -> None:
    standin.answers["chat.send"] = in_turn(Silence(), {"seq": 11})
    assert await room.command("chat.send", timeout=0.5) == {"seq": 11}
    first, second = await standin.got("chat.send", 2)
    assert first["nonce"] == second["nonce"]
    assert first["id"] != second["id"]


async def test_a_lost_connection_is_repeated_once_the_room_is_joined_again(standin: StandIn, room: Room) -> None:
    standin.answers["chat.send"] = in_turn(Silence(), {"seq": 11})
    sending = asyncio.create_task(room.command("chat.send"))
    await standin.got("chat.send")
    rooms = {"session:a": standin.joined("session:a", recovered=True)}
    standin.answers["connect"] = lambda command: standin.welcome(rooms=rooms)
    await standin.close(4000, retry_ms=0)
    assert await sending == {"seq": 11}
    first, second = await standin.got("chat.send", 2)
    assert first["nonce"] == second["nonce"]


async def test_without_retry_nothing_is_repeated(standin: StandIn, room: Room) -> None:
    standin.answers["chat.send"] = in_turn(AWAY)
    with pytest.raises(CommandFailed, match="because of unavailable"):
        await room.command("chat.send", retry=False)
    standin.answers["chat.send"] = in_turn(Silence())
    with pytest.raises(CommandFailed, match="unavailable: no reply to chat.send within 0.1 s"):
        await room.command("chat.send", retry=False, timeout=0.1)
    sending = asyncio.create_task(room.command("chat.send", retry=False))
    await standin.got("chat.send", 3)
    await standin.close(4000, retry_ms=0)
    with pytest.raises(CommandFailed, match="unavailable: the connection was lost"):
        await sending


async def test_patience_waits_for_a_limit(standin: StandIn, room: Room) -> None:
    standin.answers["chat.send"] = in_turn(LIMITED, LIMITED, {"seq": 11})
    begun = asyncio.get_running_loop().time()
    assert await room.command("chat.send", patient=True, retry=False) == {"seq": 11}
    assert asyncio.get_running_loop().time() - begun >= 0.1


async def test_a_command_that_is_too_large_is_not_sent(standin: StandIn, room: Room) -> None:
    with pytest.raises(CommandFailed, match="too_large"):
        await room.command("chat.send", {"text": "x" * 16384})
    assert len(standin.sockets) == 1
    assert standin.received[-1]["cmd"] == "join"


async def test_history_ends_at_the_position_by_default(standin: StandIn, room: Room) -> None:
    page = {"messages": [durable(9, 0)], "more": True}
    standin.answers["history"] = in_turn(AWAY, page)
    result = await room.history(limit=20)
    assert ([push.seq for push in result.messages], result.more) == ([9], True)
    await room.history(9, 20, types=["chat.message"])
    _, first, second = await standin.got("history", 3)
    assert (first["before"], first["limit"], "types" in first) == (11, 20, False)
    assert (second["before"], second["types"]) == (9, ["chat.message"])


async def test_a_command_waits_for_its_room(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "JOIN_TIMEOUT", 0.1)
    async with Client(standin.url, token="t") as client:
        room = await client.join("session:a")
        standin.answers["connect"] = in_turn(
            Refusal("internal"), standin.welcome(rooms={"session:a": {"deferred": True}})
        )
        standin.answers["join"] = in_turn(Silence(), standin.joined("session:a", recovered=True))
        standin.answers["chat.send"] = lambda command: {"seq": 11}
        await standin.close(4000, retry_ms=0)
        await standin.got("connect", 2)
        assert await room.command("chat.send") == {"seq": 11}
        order = [command["cmd"] for command in standin.received]
        assert order.index("chat.send") > len(order) - 1 - order[::-1].index("join")


async def test_nothing_is_repeated_after_the_window() -> None:
    calls = 0

    async def attempt(deadline: float) -> None:
        nonlocal calls
        calls += 1
        raise CommandFailed("unavailable", "no", True, 0.02)

    begun = asyncio.get_running_loop().time()
    with pytest.raises(CommandFailed, match="unavailable: no"):
        await repeat(attempt, window=0.6)
    assert asyncio.get_running_loop().time() - begun < 1.0
    assert calls > 1


async def test_nothing_is_sent_after_the_window(standin: StandIn, room: Room) -> None:
    standin.answers["connect"] = in_turn(Silence())
    await standin.close(4000, retry_ms=0)
    await standin.got("connect", 2)
    with pytest.raises(CommandFailed, match="unavailable: session:a could not be joined in time"):
        await room.command("chat.send", retry=False, timeout=0.1)
    with pytest.raises(CommandFailed, match="unavailable: session:a could not be joined in time"):
        await room.history(timeout=0.1)


async def test_what_stands_is_raised_at_once() -> None:
    async def attempt(deadline: float) -> None:
        raise CommandFailed("chat.slow_mode", "slowly", True, 5.0)

    for patient in (False, True):
        begun = asyncio.get_running_loop().time()
        with pytest.raises(CommandFailed, match="slowly"):
            await repeat(attempt, window=1.0, patient=patient)
        assert asyncio.get_running_loop().time() - begun < 0.5
