"""What becomes of a room over its connections."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ksmp_client import CanChanged, Client, CommandFailed, Joined, Left, Position, Push
from tests.client.standin import Message, Refusal, Silence, StandIn, durable, in_turn

ROOM = "session:a"


async def test_the_first_event_is_joined_with_the_history(standin: StandIn) -> None:
    standin.answers["join"] = lambda command: standin.joined(ROOM, 10, messages=[durable(8, 0), durable(10, 8)])
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM, history=2)
        assert (room.position, room.can, room.members) == (Position("e", 10), ("chat.send",), 3)
        joined = await anext(room.events())
        assert isinstance(joined, Joined)
        assert not joined.recovered
        assert [push.seq for push in joined.messages] == [8, 10]
        assert await client.join(ROOM, history=50) is room
        assert dict(client.rooms) == {ROOM: room}
    assert standin.received[1:] == [{"id": 2, "cmd": "join", "room": ROOM, "history": 2}]


async def test_pushes_come_in_order_and_typed(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        author = {"id": "ben", "name": "Ben", "role": "mentor"}
        fields: Message = {"at": 5, "from": author, "nonce": "n", "data": {"text": "hi"}}
        await standin.push("chat.message", ROOM, seq=12, prev=10, **fields)
        await standin.push("chat.message", ROOM, seq=12, prev=10, **fields)
        await standin.push("typing", ROOM, data={"count": 1})
        await standin.push("chat.message", "session:other", seq=13, prev=12)
        await standin.push("presence", ROOM, data={"v": 1, "count": 7})
        _, first, second, third = [await anext(room.events()) for _ in range(4)]
        assert isinstance(first, Push)
        assert (first.seq, first.prev, first.at, first.nonce) == (12, 10, 5, "n")
        assert first.author is not None
        assert (first.author.name, first.data) == ("Ben", {"text": "hi"})
        assert isinstance(second, Push)
        assert (second.push, second.seq) == ("typing", None)
        assert isinstance(third, Push)
        assert (third.push, room.members) == ("presence", 7)


async def test_a_room_is_resumed_where_it_was(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        await standin.push(**durable(11, 10))
        missed = [durable(12, 11), durable(14, 12)]
        rooms = {ROOM: standin.joined(ROOM, 14, recovered=True, messages=missed)}
        standin.answers["connect"] = lambda command: standin.welcome(rooms=rooms)
        await standin.close(4000, retry_ms=0)
        connect = (await standin.got("connect", 2))[1]
        assert connect["rooms"] == {ROOM: {"epoch": "e", "seq": 11}}
        await _until(lambda: room.position == Position("e", 14))
        await standin.push(**durable(14, 12))
        await standin.push(**durable(15, 14))
        events = [await anext(room.events()) for _ in range(6)]
        assert [_seq(event) for event in events] == [None, 11, None, 12, 14, 15]
        assert events[2] == Joined(True, Position("e", 14))


async def test_a_room_that_could_not_be_recovered_says_so(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        rooms = {ROOM: standin.joined(ROOM, 3, recovered=False, messages=[durable(3, 0)])}
        standin.answers["connect"] = lambda command: standin.welcome(rooms=rooms)
        await standin.close(4003, retry_ms=0)
        await anext(room.events())
        joined = await anext(room.events())
        assert isinstance(joined, Joined)
        assert (joined.recovered, [push.seq for push in joined.messages]) == (False, [3])


async def test_a_deferred_room_is_joined_by_itself(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        standin.answers["connect"] = lambda command: standin.welcome(rooms={ROOM: {"deferred": True}})
        standin.answers["join"] = lambda command: standin.joined(ROOM, 11, recovered=True, messages=[durable(11, 10)])
        await standin.close(4000, retry_ms=0)
        join = (await standin.got("join", 2))[1]
        assert join["since"] == {"epoch": "e", "seq": 10}
        assert [_seq(await anext(room.events())) for _ in range(3)] == [None, None, 11]


async def test_a_room_that_is_refused_on_return_ends_alone(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room, other = await client.join(ROOM), await client.join("session:b")
        rooms = {ROOM: {"error": Refusal("forbidden").error}, "session:b": standin.joined("session:b", recovered=True)}
        standin.answers["connect"] = lambda command: standin.welcome(rooms=rooms)
        await standin.close(4000, retry_ms=0)
        await anext(room.events())
        with pytest.raises(CommandFailed, match="forbidden"):
            await anext(room.events())
        with pytest.raises(CommandFailed, match="forbidden"):
            await room.command("chat.send")
        assert dict(client.rooms) == {"session:b": other}


async def test_a_room_that_is_away_for_a_moment_is_joined_again(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        away = Refusal("unavailable", temporary=True, retry_after=0.01)
        standin.answers["connect"] = lambda command: standin.welcome(rooms={ROOM: {"error": away.error}})
        standin.answers["join"] = in_turn(away, standin.joined(ROOM, recovered=True))
        await standin.close(4000, retry_ms=0)
        assert [await anext(room.events()) for _ in range(2)][1] == Joined(True, Position("e", 10))
        assert all(join["since"] for join in (await standin.got("join", 3))[1:])


async def test_a_gap_is_closed_before_anything_else_comes(standin: StandIn) -> None:
    missed = [durable(11, 10), durable(13, 11)]
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM, history=2)
        standin.answers["join"] = in_turn(Silence())
        await standin.push(**durable(13, 11))
        join = (await standin.got("join", 2))[1]
        assert join == {"id": 3, "cmd": "join", "room": ROOM, "since": {"epoch": "e", "seq": 10}}
        # Everything until the reply is in the reply.
        await standin.push(**durable(11, 10))
        await standin.push("typing", ROOM)
        reply = standin.joined(ROOM, 13, recovered=True, messages=missed)
        await _reply(standin, join, reply)
        await standin.push(**durable(14, 13))
        events = [await anext(room.events()) for _ in range(5)]
        assert [_seq(event) for event in events] == [None, None, 11, 13, 14]
        assert len(await standin.got("join")) == 2


async def test_a_slow_reader_falls_behind_and_catches_up(standin: StandIn) -> None:
    async with Client(standin.url, token="t", inbox=3) as client:
        room = await client.join(ROOM)
        for seq in range(11, 16):
            await standin.push(**durable(seq, seq - 1))
            await standin.push("typing", ROOM)
        await client.ping()
        assert room.position == Position("e", 11)
        standin.answers["join"] = lambda command: standin.joined(
            ROOM, 15, recovered=True, messages=[durable(seq, seq - 1) for seq in range(12, 16)]
        )
        events = [await anext(room.events()) for _ in range(8)]
        assert [_seq(event) for event in events] == [None, 11, None, None, 12, 13, 14, 15]
        assert (await standin.got("join"))[1]["since"] == {"epoch": "e", "seq": 11}


async def test_a_slow_reader_is_a_member_again_after_a_reconnect(standin: StandIn) -> None:
    async with Client(standin.url, token="t", inbox=1) as client:
        room = await client.join(ROOM)
        rooms = {ROOM: standin.joined(ROOM, 11, recovered=True, messages=[durable(11, 10)])}
        standin.answers["connect"] = lambda command: standin.welcome(rooms=rooms)
        standin.answers["chat.send"] = lambda command: {"seq": 12}
        await standin.close(4000, retry_ms=0)
        await standin.got("connect", 2)
        assert await room.command("chat.send") == {"seq": 12}
        assert room.position == Position("e", 10)
        standin.answers["join"] = lambda command: rooms[ROOM]
        assert [_seq(await anext(room.events())) for _ in range(3)] == [None, None, 11]


async def test_being_taken_out_is_the_last_event(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        await standin.push("left", ROOM, data={"code": "live.ended", "rejoin": False})
        events = [event async for event in room.events()]
        assert events[1:] == [Left("live.ended", False)]
        assert (room.ended, dict(client.rooms)) == (True, {})
        with pytest.raises(CommandFailed, match="not_joined"):
            await room.command("chat.send")
        await standin.close(4000, retry_ms=0)
        assert "rooms" not in (await standin.got("connect", 2))[1]
        assert await client.join(ROOM) is not room


async def test_who_may_come_back_does(standin: StandIn) -> None:
    standin.answers["chat.send"] = lambda command: {"seq": 12}
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        await standin.push(**durable(11, 10))
        speaking = {
            **standin.joined(ROOM, 12, recovered=True, messages=[durable(12, 11)]),
            "can": ["chat.send", "more"],
        }
        standin.answers["join"] = lambda command: speaking
        await standin.push("left", ROOM, data={"code": "live.role", "rejoin": True})
        # No member any more; what comes before the join is in its reply.
        await standin.push(**durable(12, 11))
        events = [await anext(room.events()) for _ in range(5)]
        assert [_seq(event) for event in events] == [None, 11, None, None, 12]
        assert events[2:4] == [Left("live.role", True), Joined(True, Position("e", 12))]
        assert (await standin.got("join", 2))[1]["since"] == {"epoch": "e", "seq": 11}
        assert (room.can, await room.command("chat.send")) == (("chat.send", "more"), {"seq": 12})
        assert client.rooms[ROOM] is room


async def test_who_may_come_back_and_is_refused_is_told(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        standin.answers["join"] = in_turn(Refusal("forbidden"))
        await standin.push("left", ROOM, data={"code": "live.part_lost", "rejoin": True})
        assert [await anext(room.events()) for _ in range(2)][1] == Left("live.part_lost", True)
        with pytest.raises(CommandFailed, match="forbidden"):
            await anext(room.events())


async def test_who_is_kept_out_for_long_is_told_at_once(standin: StandIn) -> None:
    kicked = Refusal("forbidden", temporary=True, retry_after=300)
    standin.answers["join"] = in_turn(kicked)
    async with Client(standin.url, token="t") as client:
        with pytest.raises(CommandFailed) as caught:
            await client.join(ROOM, timeout=60)
        assert (caught.value.code, caught.value.temporary, caught.value.retry_after) == ("forbidden", True, 300)
        assert len(await standin.got("join")) == 1
        # The same for who was kicked while away.
        standin.answers["join"] = lambda command: standin.joined(ROOM)
        room = await client.join(ROOM)
        standin.answers["connect"] = lambda command: standin.welcome(rooms={ROOM: {"error": kicked.error}})
        await standin.close(4000, retry_ms=0)
        await anext(room.events())
        with pytest.raises(CommandFailed, match="forbidden"):
            await anext(room.events())
        assert len(await standin.got("join", 2)) == 2


async def test_who_is_kept_out_for_a_moment_waits_as_told(standin: StandIn) -> None:
    kicked = Refusal("forbidden", temporary=True, retry_after=20)
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        standin.answers["connect"] = lambda command: standin.welcome(rooms={ROOM: {"error": kicked.error}})
        await standin.close(4000, retry_ms=0)
        await standin.got("connect", 2)
        # A try that comes after that is not waited for, and a new connection does not bring the next one forward.
        with pytest.raises(CommandFailed, match="forbidden"):
            await room.command("chat.send", retry=False, timeout=1)
        standin.answers["connect"] = lambda command: standin.welcome()
        await standin.close(4000, retry_ms=0)
        assert "rooms" not in (await standin.got("connect", 3))[2]
        await client.ping()
        assert len(await standin.got("join")) == 1
        assert not room.ended


async def test_what_one_may_do_can_change(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        await standin.push("can", ROOM, data={"can": []})
        assert [await anext(room.events()) for _ in range(2)][1] == CanChanged(())
        assert room.can == ()


async def test_rooms_that_the_server_joins_are_there(standin: StandIn) -> None:
    name = "announce:all"
    standin.answers["connect"] = lambda command: standin.welcome(rooms={name: standin.joined(name)})
    async with Client(standin.url, token="t") as client:
        room = client.rooms[name]
        assert await client.join(name) is room
        await standin.push("notice", name, seq=11, prev=10)
        assert [_seq(await anext(room.events())) for _ in range(2)] == [None, 11]
        await standin.close(4000, retry_ms=0)
        assert (await standin.got("connect", 2))[1]["rooms"] == {name: {"epoch": "e", "seq": 11}}


async def test_a_refused_join_leaves_nothing(standin: StandIn) -> None:
    standin.answers["join"] = in_turn(Refusal("forbidden"))
    async with Client(standin.url, token="t") as client:
        with pytest.raises(CommandFailed) as caught:
            await client.join(ROOM)
        assert (caught.value.code, caught.value.temporary) == ("forbidden", False)
        assert dict(client.rooms) == {}


@pytest.mark.parametrize("answer", [Silence(), Refusal("unavailable", temporary=True, retry_after=0.01)])
async def test_a_join_is_given_up_in_time(standin: StandIn, answer: Exception) -> None:
    standin.answers["join"] = in_turn(answer)
    async with Client(standin.url, token="t") as client:
        with pytest.raises(CommandFailed) as caught:
            await client.join(ROOM, timeout=0.1)
        assert (caught.value.code, caught.value.temporary) == ("unavailable", True)
        assert dict(client.rooms) == {}


async def test_a_join_goes_on_over_the_next_connection(standin: StandIn) -> None:
    standin.answers["join"] = in_turn(Silence(), standin.joined(ROOM))
    async with Client(standin.url, token="t") as client:
        joining = asyncio.create_task(client.join(ROOM, history=5))
        await standin.got("join")
        await standin.close(4000, retry_ms=0)
        room = await joining
        joins = await standin.got("join", 2)
        assert [join["history"] for join in joins] == [5, 5]
        assert isinstance(await anext(room.events()), Joined)


async def test_a_room_one_is_in_needs_no_connection_to_be_joined(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        standin.answers["connect"] = in_turn(Silence())
        await standin.close(4000, retry_ms=0)
        await standin.got("connect", 2)
        assert await client.join(ROOM, timeout=0.05) is room


async def test_leaving_ends_the_events(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        await room.leave()
        assert [type(event) async for event in room.events()] == [Joined]
        assert standin.received[-1]["cmd"] == "leave"
        await room.leave()
        assert standin.received[-1]["cmd"] == "leave"
        assert dict(client.rooms) == {}


async def test_a_room_left_while_the_connect_is_on_its_way_is_left(standin: StandIn) -> None:
    async with Client(standin.url, token="t") as client:
        room = await client.join(ROOM)
        standin.answers["connect"] = in_turn(Silence())
        await standin.close(4000, retry_ms=0)
        connect = (await standin.got("connect", 2))[1]
        await room.leave()
        await _reply(standin, connect, standin.welcome(rooms={ROOM: standin.joined(ROOM, recovered=True)}))
        assert (await standin.got("leave"))[0]["room"] == ROOM
        assert dict(client.rooms) == {}


async def _reply(standin: StandIn, command: Message, ok: Message) -> None:
    import msgspec

    await standin.sockets[-1].send(msgspec.json.encode({"id": command["id"], "ok": ok}), text=True)


async def _until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def _seq(event: object) -> int | None:
    return event.seq if isinstance(event, Push) else None
