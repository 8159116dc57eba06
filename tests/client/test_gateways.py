"""The client and real gateways: what is said in a room arrives once and in order, whatever happens."""

from __future__ import annotations

import asyncio
import random

import pytest

from ksmp_client import (
    Client,
    Closed,
    ClosedForGood,
    CommandFailed,
    Connected,
    Room,
    connector,
)
from ksmp_client.wire import CodecName
from tests.client.faulty import Faulty, Message
from tests.client.reader import SECONDS, Reader, user
from tests.client.stack import Stack


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_two_gateways_are_one_room(stack: Stack, room: str, codec: CodecName) -> None:
    mentor_token = stack.token("dev-mentor", "mentor", name="Meera")
    async with (
        Client(stack.gateways[0], token=mentor_token, codec=codec) as mentor,
        Client(stack.gateways[1], token=stack.token(user(), name="Asha ✎"), codec=codec) as student,
    ):
        here, there = await mentor.join(room), await student.join(room)
        shown, shown_there = Reader(here), Reader(there)
        assert await here.command("chat.send", {"text": "Good morning 🌅"})
        await shown_there.shows(["Good morning 🌅"])
        sent = await there.command("chat.send", {"text": "<b>hi</b>"})
        await shown.shows(["Good morning 🌅", "<b>hi</b>"])
        assert {"chat.send", "chat.delete"} <= set(there.can)
        page = await here.history()
        assert [(push.author.name, push.author.role) for push in page.messages if push.author is not None] == [
            ("Meera", "mentor"),
            ("Asha ✎", "student"),
        ]
        deleted = await here.command("chat.delete", {"seq": sent["seq"]})
        late = await here.history(deleted["seq"] + 1)
        assert [push.push for push in late.messages] == ["chat.message", "chat.deleted"]


async def test_the_rooms_of_a_user_are_there_by_themselves(stack: Stack) -> None:
    who = user()
    async with Client(stack.gateways[0], token=stack.token(who)) as client:
        assert set(client.rooms) == {f"user:{who}", "announce:all", "announce:student"}


async def test_a_killed_gateway_costs_no_message(stack: Stack, room: str) -> None:
    async with (
        Client(stack.gateways[0], token=stack.token(user())) as survivor,
        Client(stack.gateways[::-1], token=stack.token(user())) as victim,
    ):
        here, there = await survivor.join(room), await victim.join(room)
        shown, shown_there = Reader(here), Reader(there)
        states = victim.states()
        assert isinstance(await anext(states), Connected)
        await here.command("chat.send", {"text": "before"})
        await shown_there.shows(["before"])
        pid = (await stack.pids())[1]
        await stack.kill_gateway(1)
        # Said while the victim is away or on its way to the other gateway; its own command finds the way too.
        sending = [asyncio.create_task(there.command("chat.send", {"text": "mine"}))]
        for number in range(15):
            await here.command("chat.send", {"text": f"{number}"})
        await asyncio.gather(*sending)
        async with asyncio.timeout(SECONDS):
            while not isinstance(state := await anext(states), Connected):
                pass
        assert state.url.split("/")[2] == stack.gateways[0].split("/")[2]
        await here.command("chat.send", {"text": "after"})
        async with asyncio.timeout(SECONDS):
            while shown_there.texts[-1:] != ["after"] or shown.texts[-1:] != ["after"]:
                await asyncio.sleep(0.02)
        assert sorted(shown.texts) == sorted(["before", "mine", "after", *map(str, range(15))])
        assert shown_there.texts == shown.texts
        assert shown_there.joined == [False, True]
        await stack.back(1, pid)


async def test_a_line_that_is_cut_again_and_again_loses_and_doubles_nothing(
    stack: Stack, room: str, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every connection counts as a good one, or the waits would grow to 20 s.
    monkeypatch.setattr(connector, "STEADY", 0.0)
    chance = random.Random(7)

    async def cut_often() -> None:
        while True:
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            faulty.cut()

    async def talk(room: Room, name: str) -> list[str]:
        texts = [f"{name} {number}" for number in range(20)]
        for text in texts:
            await room.command("chat.send", {"text": text}, patient=True)
            await asyncio.sleep(0.1)
        return texts

    async with (
        Client(stack.gateways[1], token=stack.token(user())) as steady,
        Client(faulty.url, token=stack.token(user())) as shaken,
    ):
        here, there = await steady.join(room), await shaken.join(room)
        shown, shown_there = Reader(here), Reader(there)
        cutting = asyncio.create_task(cut_often())
        first, second = await asyncio.gather(talk(here, "steady"), talk(there, "shaken"))
        cutting.cancel()
        async with asyncio.timeout(SECONDS):
            while len(shown.texts) < 40 or len(shown_there.texts) < 40:
                await asyncio.sleep(0.02)
        assert faulty.connections > 3
        assert shown_there.texts == shown.texts
        assert [text for text in shown.texts if text.startswith("steady")] == first
        assert [text for text in shown.texts if text.startswith("shaken")] == second
        assert set(shown_there.joined[1:]) == {True}


async def test_a_lost_or_doubled_push_is_made_good(stack: Stack, room: str, faulty: Faulty) -> None:
    chance = random.Random(7)

    def copies(message: Message) -> int:
        if message.get("push") != "chat.message":
            return 1
        # The last one is spared: nothing after it would show its loss.
        return 1 if message["data"]["text"] == "last" else chance.choice([0, 1, 1, 2])

    async with (
        Client(stack.gateways[1], token=stack.token(user())) as speaker,
        Client(faulty.url, token=stack.token(user())) as listener,
    ):
        faulty.copies = copies
        here, there = await speaker.join(room), await listener.join(room)
        shown = Reader(there)
        texts = [*map(str, range(19)), "last"]
        for text in texts:
            await here.command("chat.send", {"text": text})
        await shown.shows(texts)
        assert faulty.connections == 1
        joins = [command for command in faulty.sent if command["cmd"] == "join"]
        assert len(joins) == len(shown.joined) > 3
        assert all("since" in command for command in joins[1:])


async def test_a_nonce_makes_a_repeat_harmless(stack: Stack, room: str) -> None:
    who = user()
    async with Client(stack.gateways[0], token=stack.token(who)) as client:
        here = await client.join(room)
        first = await here.command("chat.send", {"text": "once"}, nonce="n")
        await Reader(here).shows(["once"])
        assert first == {"seq": here.position.seq if here.position else 0}
        assert await here.command("chat.send", {"text": "once"}, nonce="n") == {**first, "duplicate": True}
    async with Client(stack.gateways[1], token=stack.token(who)) as client:
        here = await client.join(room, history=10)
        assert await here.command("chat.send", {"text": "once"}, nonce="n") == {**first, "duplicate": True}
        assert [push.seq for push in (await here.history()).messages] == [first["seq"]]


async def test_a_bad_token_is_the_end_and_a_bad_command_is_not(stack: Stack, room: str) -> None:
    with pytest.raises(ClosedForGood) as caught:
        async with Client(stack.gateways[0], token="nonsense"):
            pass
    assert caught.value.code == 4500
    async with Client(stack.gateways[0], token=stack.token(user())) as client:
        with pytest.raises(CommandFailed, match="not_found"):
            await client.join("session:none")
        here = await client.join(room)
        with pytest.raises(CommandFailed, match="invalid"):
            await here.command("chat.send", {"text": " "})
        with pytest.raises(CommandFailed, match="unknown_command"):
            await here.command("chat.shout")
        assert isinstance(client.state, Connected)


async def test_an_expired_token_is_exchanged(stack: Stack) -> None:
    who = user()
    given: list[str] = []

    def token() -> str:
        given.append(stack.token(who, ttl=-3600 if not given else 1.5))
        return given[-1]

    async with Client(stack.gateways[0], token=token) as client:
        assert len(given) == 2
        async with asyncio.timeout(10):
            while len(given) < 3:
                await asyncio.sleep(0.05)
        await client.ping()
        assert isinstance(client.state, Connected)


async def test_one_connection_too_many_ends_the_oldest_for_good(stack: Stack) -> None:
    token = stack.token(user())
    async with Client(stack.gateways[0], token=token) as oldest:
        others = [Client(stack.gateways[number % 2], token=token) for number in range(10)]
        async with asyncio.timeout(SECONDS):
            for other in others[:-1]:
                await other.__aenter__()
            # The gateways ask each other how many there are, which takes them a moment.
            await asyncio.sleep(0.5)
            await others[-1].__aenter__()
            last = [state async for state in oldest.states()][-1]
        assert isinstance(last, Closed)
        assert last.code == 4503
        await asyncio.gather(*(other.close() for other in others))
