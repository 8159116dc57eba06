"""What is unread: counted by the server, the same on all devices, and shown to nobody else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Collection
from typing import Any

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Clients, CreateSession, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.socket_client import Message, WireClient, connected
from modules.chat.index.entries import Gone, RoomChange
from modules.chat.module import ChatModule
from modules.chat.reading.repository import COUNTS
from modules.chat.reading.told import UnreadTold
from modules.chat.settings import ChatSettings

SETTINGS = {
    "KSMP_CHAT_UNREAD_MOST": "5",
    "KSMP_CHAT_UNREAD_ROOMS": "3",
    "KSMP_CHAT_UNREAD_INTERVAL": "0.2",
    "KSMP_CHAT_READ_RATE_COUNT": "1000",
    "KSMP_CHAT_READ_RATE_SECONDS": "1.0",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(user_burst_factor=1000.0, environ=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
async def second(gateway: MakeGateway, node: Running) -> AsyncIterator[Running]:
    async with gateway(user_burst_factor=1000.0, environ=SETTINGS) as running:
        yield running


async def say(client: WireClient, room: str, text: str = "hello", **fields: object) -> int:
    seq: int = (await client.call("chat.send", room=room, data={"text": text, **fields}))["seq"]
    return seq


async def read(client: WireClient, room: str, seq: int) -> Message:
    return await client.call("chat.read", room=room, data={"seq": seq})


async def counted(client: WireClient, room: str, unread: int, mentions: int = 0) -> Message:
    """Wait until the server counts so many; it follows the archive."""
    last: Message = {}

    async def is_so() -> bool:
        nonlocal last
        last = await read(client, room, 0)
        return (last["unread"], last["mentions"]) == (unread, mentions)

    await eventually(is_so, f"{unread} unread, {mentions} of them mentions")
    return last


@contextlib.asynccontextmanager
async def people(node: Running, token: MakeToken, room: str, *users: str) -> AsyncIterator[list[WireClient]]:
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(node.ws_url, token(user))) for user in users]
        for client in clients:
            await client.join(room)
        yield clients


async def test_what_is_read_on_one_device_is_read_on_all(
    node: Running, second: Running, token: MakeToken, room: str
) -> None:
    async with (
        people(node, token, room, "ann", "bob") as (ann, bob),
        people(second, token, room, "bob") as (phone,),
    ):
        seqs = [await say(ann, room, mentions=mentions) for mentions in ([], ["bob"], [])]
        own = await say(bob, room)
        before = await counted(bob, room, 3, 1)
        assert before == await counted(phone, room, 3, 1)
        assert before["seq"] == 0
        after = await read(bob, room, seqs[1])
        assert (after["unread"], after["mentions"], after["seq"]) == (1, 0, seqs[1])
        assert after["rev"] > before["rev"]
        push = await phone.expect_push("chat.unread", "user:bob")
        assert push["data"] == after
        # An older one, from a device that comes late, changes nothing, and one of the future reads what there is.
        assert await read(phone, room, seqs[0]) == after
        last = await read(phone, room, 2**50)
        assert (last["unread"], last["seq"]) == (0, own)
        await say(ann, room)
        assert (await counted(bob, room, 1))["rev"] > last["rev"]
        # One's own messages are never unread.
        assert (await read(ann, room, 0))["unread"] == 1


async def test_what_is_gone_is_not_unread(node: Running, token: MakeToken, room: str) -> None:
    async with (
        people(node, token, room, "ann", "bob", "cem") as (ann, bob, cem),
        connected(node.ws_url, token("mentor", "mentor")) as mentor,
    ):
        await mentor.join(room)
        first, second = await say(ann, room, mentions=["bob"]), await say(ann, room)
        await say(cem, room)
        at_first = await counted(bob, room, 3, 1)
        await ann.call("chat.delete", room=room, data={"seq": first})
        later = await counted(bob, room, 2)
        assert later["rev"] > at_first["rev"]
        await read(bob, room, second)
        # A message that was read stays so, also when it is edited and when another one before it goes.
        await ann.call("chat.edit", room=room, data={"seq": second, "text": "edited"})
        assert (await counted(bob, room, 1))["unread"] == 1
        await mentor.call("chat.clear", room=room, data={})
        assert (await counted(bob, room, 0))["rev"] > later["rev"]


async def test_more_than_are_counted(node: Running, token: MakeToken, room: str) -> None:
    async with people(node, token, room, "ann", "bob") as (ann, bob):
        seqs = [await say(ann, room, mentions=["bob"]) for _ in range(6)]

        async def is_so() -> bool:
            return bool((await read(bob, room, 0))["more"])

        await eventually(is_so, "more are unread than are counted")
        found = await read(bob, room, 0)
        assert (found["unread"], found["mentions"], found["more"]) == (5, 5, True)
        found = await read(bob, room, seqs[0])
        assert (found["unread"], found["mentions"], found["more"]) == (5, 5, False)


async def test_a_summary_has_the_newest_rooms(
    node: Running, token: MakeToken, create_session: CreateSession, clients: Clients
) -> None:
    rooms = [f"session:{await create_session()}" for _ in range(4)]
    for room in rooms:
        async with people(node, token, room, "ann", "many") as (ann, many):
            await read(many, room, await say(ann, room))

    async def newest() -> bool:
        found = (await clients.rest("many").get("/api/v1/chat/unread")).json()
        return [one["room"] for one in found["items"]] == rooms[:0:-1] and found["more"] is True

    await eventually(newest, "the three newest of four rooms")


async def test_the_summary_has_the_rooms_that_one_may_read(
    node: Running, token: MakeToken, room: str, clients: Clients, database: asyncpg.Pool
) -> None:
    async with people(node, token, room, "ann", "bob") as (ann, bob):
        first = await say(ann, room, "the first")
        last = await say(ann, room, "the last")
        await counted(bob, room, 2)
        await read(bob, room, first)
        rest = clients.rest("bob")
        answer = await rest.get("/api/v1/chat/unread")
        assert answer.status_code == 200
        mine: dict[str, Any] = next(one for one in answer.json()["items"] if one["room"] == room)
        assert (mine["unread"], mine["seq"], mine["last"]["seq"], mine["last"]["text"]) == (1, first, last, "the last")
        assert mine["last"]["from"]["id"] == "ann"
        assert await bob.call("chat.unread", room="user:bob", data={}) == answer.json()
        # Who is banned from the class reads it no more, and is not told what is said there.
        await database.execute(BAN, room.removeprefix("session:"))
        rooms = (await rest.get("/api/v1/chat/unread")).json()["items"]
        assert room not in [one["room"] for one in rooms]
        assert (await rest.put(f"/api/v1/chat/rooms/{room}/read", json={"seq": last})).status_code == 404


BAN = "INSERT INTO live_ban VALUES ($1, 'session', 'bob', '', '', 'm', 'M', NULL, '{}')"


async def test_nobody_reads_what_is_not_theirs(node: Running, clients: Clients, room: str) -> None:
    rest = clients.rest("ann")
    for unknown in ("session:nowhere", "program:nowhere", "direct:nowhere"):
        answer = await rest.put(f"/api/v1/chat/rooms/{unknown}/read", json={"seq": 1})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await rest.put("/api/v1/chat/rooms/user:bob/read", json={"seq": 1})).status_code == 400
    assert (await rest.put(f"/api/v1/chat/rooms/{room}/read", json={"seq": -1})).status_code == 400
    answer = await rest.put(f"/api/v1/chat/rooms/{room}/read", json={"seq": 5})
    assert (answer.status_code, answer.json()["seq"]) == (200, 0)
    assert (await clients.rest().get("/api/v1/chat/unread")).status_code == 401


@pytest.mark.parametrize("user", ["reader"])
async def test_positions_are_exported_and_forgotten(
    node: Running, token: MakeToken, room: str, user: str, database: asyncpg.Pool
) -> None:
    async with people(node, token, room, "ann", user) as (ann, reader):
        seq = await say(ann, room)
        await read(reader, room, seq)
    module = node.module(ChatModule)
    assert {"room": room, "seq": seq} in (await module.export(user))["read"]
    async with node.gateway.database.transaction():
        await module.forget(user)
    assert "read" not in await module.export(user)


async def test_members_of_a_direct_room_are_told_at_once(
    node: Running, second: Running, token: MakeToken, clients: Clients
) -> None:
    async with (
        connected(node.ws_url, token("boss", "admin")) as boss,
        connected(second.ws_url, token("dora")) as dora,
    ):
        answer = await clients.rest("boss", "admin").post("/api/v1/chat/direct", json={"user_ids": ["dora"]})
        room = answer.json()["room"]
        await boss.join(room)
        first, last = await say(boss, room), await say(boss, room, mentions=["dora"])

        async def told(unread: int, mentions: int) -> Message:
            while True:
                push = (await dora.expect_push("chat.unread", "user:dora"))["data"]
                if (push["room"], push["unread"], push["mentions"]) == (room, unread, mentions):
                    return push

        at_first = await told(2, 1)
        await boss.call("chat.delete", room=room, data={"seq": last})
        assert (await told(1, 0))["rev"] > at_first["rev"]
        # Without being in the room, as from a notification.
        rest = clients.rest("dora")
        answer = await rest.put(f"/api/v1/chat/rooms/{room}/read", json={"seq": first})
        assert await told(0, 0) == answer.json()
        found = (await rest.get("/api/v1/chat/unread")).json()["items"][0]
        assert (found["room"], found["unread"], found["last"]["seq"], found["muted"]) == (room, 0, first, False)
        await rest.put(f"/api/v1/notify/mutes/{room}", json={})
        assert (await rest.get("/api/v1/chat/unread")).json()["items"][0]["muted"]
        # Nobody else has it, admins neither.
        for other in (clients.rest("eve"), clients.rest("chief", "admin")):
            assert (await other.put(f"/api/v1/chat/rooms/{room}/read", json={"seq": 1})).status_code == 404
            assert room not in (await other.get("/api/v1/chat/unread")).text


async def test_readers_of_a_program_are_told_together(
    node: Running, second: Running, token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    program = f"p-{await create_session(open=False, enrolled=('fay', 'gil'))}"
    room = f"program:{program}"
    async with (
        connected(node.ws_url, token("program-mentor", "mentor")) as mentor,
        connected(second.ws_url, token("fay")) as fay,
    ):
        await mentor.join(room)
        seqs = [await say(mentor, room) for _ in range(4)]

        async def told(unread: int) -> Message:
            while True:
                push = (await fay.expect_push("chat.unread", "user:fay"))["data"]
                if push["unread"] == unread:
                    return push

        push = await told(4)
        assert (push["room"], push["seq"]) == (room, 0)
        await fay.join(room)
        after = await read(fay, room, seqs[-1])
        assert (after["unread"], after["seq"]) == (0, seqs[-1])
        # What was written before somebody had a place is not unread for them.
        await database.execute("UPDATE program_enrolment SET created_at = now() WHERE user_id = 'gil'")
        async with connected(node.ws_url, token("gil")) as gil:
            summary = await gil.call("chat.unread", room="user:gil", data={})
            assert [(one["unread"], one["last"]) for one in summary["items"]] == [(0, None)]


MANY = """
    INSERT INTO chat_message (seq, version, room, author_id, at, mentions, words)
    SELECT n, n, $1, 'author', now() - interval '1 hour', ARRAY['other'], ''
    FROM generate_series($2::bigint, $2 + 2999) AS n
"""


@pytest.mark.parametrize("late", [False, True])
async def test_a_count_reads_no_more_than_it_counts(node: Running, database: asyncpg.Pool, late: bool) -> None:
    """Nobody of these is mentioned in the room, and who came late sees none of its messages."""
    room, users = f"program:many-{late}", [f"reader-{number}" for number in range(20)]
    since = clock.now() if late else None
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(MANY, room, 2**40)
        await connection.execute("ANALYZE chat_message")
        asked = (users, [room] * len(users), [since] * len(users), 5)
        plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {COUNTS}", *asked))[0]["Plan"]
        counted = await connection.fetch(COUNTS, *asked)
        # Nothing else reads such a room.
        await transaction.rollback()
    assert {(row["unread"], row["mentions"]) for row in counted} == {(0 if late else 6, 0)}

    def rows(part: Any) -> float:
        here = part["Actual Rows"] + sum(part.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
        return max([here * part["Actual Loops"], *(rows(child) for child in part.get("Plans", ()))])

    # All of them together read less than the room has.
    assert rows(plan) < 3000, plan


async def test_the_readers_of_many_rooms_are_asked_for_together(
    node: Running, create_session: CreateSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel, reading = node.module(ChatModule).kernel, node.module(ChatModule).reading
    told = UnreadTold(kernel, kernel.settings(ChatSettings), reading.counts, reading.readers)
    rooms = [f"program:p-{await create_session(open=False, enrolled=('fay',))}" for _ in range(3)]
    gone = Gone(1, "", "ann", None, False)
    told.written(tuple(RoomChange(room, 1, gone=(gone,)) for room in rooms))
    questions: list[int] = []
    asked = node.gateway.occupancy.among

    async def among(rooms: Collection[str]) -> set[str]:
        questions.append(len(rooms))
        return await asked(rooms)

    monkeypatch.setattr(node.gateway.occupancy, "among", among)
    await told.tell_changed()
    await told.tell_changed()
    assert len(questions) == 1
