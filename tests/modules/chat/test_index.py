"""The index of messages is the archive's messages, whatever happened to them, and can be made anew from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import pytest

from gateway.contract import StoredPush
from gateway.principal import Author
from ksmp_testkit import Clients, MakeToken, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import WireClient, connected
from modules.chat.index import words
from modules.chat.index.entries import RoomChange, entry_of
from modules.chat.module import ChatModule

# What the index must hold of a room, from the archive alone.
ARCHIVED = """
    SELECT coalesce(replaces, seq) AS seq, seq AS version, author ->> 'id' AS author_id, (data ->> 'text') AS text,
        coalesce((data ->> 'sent_at')::bigint, (extract(epoch FROM at) * 1000)::bigint) AS at
    FROM room_push WHERE room = $1 AND push IN ('chat.message', 'chat.edited') ORDER BY 1
"""
INDEXED = """
    SELECT seq, version, author_id, (extract(epoch FROM at) * 1000)::bigint AS at, words::text AS words, program_id
    FROM chat_message WHERE room = $1 ORDER BY seq
"""
HEAD = "SELECT seq FROM archive_position WHERE kind = 'session'"
POSITION = "SELECT seq FROM chat_index WHERE kind = 'session' AND again IS NULL AND form > 0"

Followed = Callable[[int], Awaitable[None]]


@pytest.fixture
async def followed(node: Running, database: asyncpg.Pool) -> Followed:
    """Waits until the index has followed the archive up to a seq."""

    async def until(seq: int) -> None:
        async def reached() -> bool:
            return (await database.fetchval(POSITION) or 0) >= seq

        await eventually(reached, f"the index follows to {seq}")

    return until


async def same(database: asyncpg.Pool, room: str) -> list[int]:
    """Check that the index of a room is what its archive holds; the seqs of its messages."""
    archived, indexed = await database.fetch(ARCHIVED, room), await database.fetch(INDEXED, room)
    for one, row in zip(archived, indexed, strict=True):
        for name in ("seq", "version", "author_id", "at"):
            assert row[name] == one[name], name
        assert all(f"'{word}'" in row["words"] for word in words.words_of(one["text"]))
    return [row["seq"] for row in indexed]


async def say(client: WireClient, room: str, text: str, **fields: object) -> int:
    seq: int = (await client.call("chat.send", room=room, data={"text": text, **fields}))["seq"]
    return seq


async def changes_of(database: asyncpg.Pool, room: str) -> int:
    return await database.fetchval("SELECT changes FROM chat_index_room WHERE room = $1", room) or 0


async def test_it_follows_edits_deletions_and_clearings(
    node: Running, token: MakeToken, room: str, database: asyncpg.Pool, followed: Followed
) -> None:
    async with (
        connected(node.ws_url, token("ann")) as ann,
        connected(node.ws_url, token("bob")) as bob,
        connected(node.ws_url, token("mentor", "mentor")) as mentor,
    ):
        for client in (ann, bob, mentor):
            await client.join(room)
        first, second = await say(ann, room, "one"), await say(bob, room, "two")
        third = await say(ann, room, "three", mentions=["bob"])
        await followed(third)
        assert await same(database, room) == [first, second, third]
        assert await database.fetchval("SELECT mentions FROM chat_message WHERE seq = $1", third) == ["bob"]
        before = await changes_of(database, room)
        # A later version takes the place of the first one, twice.
        for text in ("uno", "eins"):
            last = (await ann.call("chat.edit", room=room, data={"seq": first, "text": text}))["seq"]
            await followed(last)
            assert await same(database, room) == [first, second, third]
        last = (await ann.call("chat.delete", room=room, data={"seq": third}))["seq"]
        await followed(last)
        assert await same(database, room) == [first, second]
        assert await changes_of(database, room) == before + 3
        # An edited message of one user is swept with the others of that user.
        last = (await mentor.call("chat.clear", room=room, data={"user": "ann"}))["seq"]
        await followed(last)
        assert await same(database, room) == [second]
        await say(ann, room, "four")
        last = (await mentor.call("chat.clear", room=room, data={}))["seq"]
        fifth = await say(ann, room, "five")
        await followed(fifth)
        assert await same(database, room) == [fifth]


async def test_an_index_that_starts_late_comes_to_the_same(
    node: Running, token: MakeToken, room: str, database: asyncpg.Pool, followed: Followed
) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        seqs = [await say(ann, room, f"message {number}") for number in range(12)]
        for seq in seqs[::3]:
            await ann.call("chat.edit", room=room, data={"seq": seq, "text": f"edited {seq}"})
        for seq in seqs[::4]:
            last = (await ann.call("chat.delete", room=room, data={"seq": seq}))["seq"]
    await followed(last)
    rooms = [row["room"] for row in await database.fetch("SELECT DISTINCT room FROM room_push")]
    # As on a platform that has an archive, and gets the index now.
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM chat_index")
        await connection.execute("DELETE FROM chat_message")
    await followed(last)
    assert await same(database, room) == [seq for seq in seqs if seq not in seqs[::4]]
    for other in rooms:
        if other.startswith("session:"):
            await same(database, other)


async def test_it_is_made_anew_beside_following(
    node: Running, token: MakeToken, room: str, database: asyncpg.Pool, followed: Followed, clients: Clients
) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        first, second, third = [await say(ann, room, f"message {number}") for number in range(3)]
        last = (await ann.call("chat.edit", room=room, data={"seq": second, "text": "edited"}))["seq"]
        await followed(last)
    right = await database.fetch("SELECT * FROM chat_message WHERE room = $1 ORDER BY seq", room)
    changes = await changes_of(database, room)
    # Faults of every kind: a row that is missing, words of another form, a version that is gone.
    await database.execute("DELETE FROM chat_message WHERE seq = $1", first)
    await database.execute("UPDATE chat_message SET words = '' WHERE seq = $1", second)
    stray = "INSERT INTO chat_message VALUES ($1, $2, $3, 'ann', now(), NULL, '{}', NULL, 'stray')"
    # The seq under which the second was first sent, which the archive erased.
    await database.execute(stray, -second, second, room)
    admin = clients.rest("boss", "admin")
    states = done(await admin.post("/api/v1/chat/index/rebuild"), 202)
    assert "session" in [state["kind"] for state in states]
    acts = "SELECT act FROM account_audit WHERE actor = 'boss' ORDER BY at DESC LIMIT 1"
    assert await database.fetchval(acts) == "chat.rebuild_index"
    refused(await clients.rest("ann").post("/api/v1/chat/index/rebuild"), 403, "forbidden")
    await followed(last)
    (state,) = (one for one in done(await admin.get("/api/v1/chat/index")) if one["kind"] == "session")
    assert state["indexed"] >= last
    assert state["rebuilt"] is None
    assert await database.fetch("SELECT * FROM chat_message WHERE room = $1 ORDER BY seq", room) == right
    # One came and one went. Of the words nobody counts anything.
    assert await changes_of(database, room) == changes + 2
    assert third == right[-1]["seq"]


async def test_other_words_make_it_anew(
    node: Running,
    token: MakeToken,
    room: str,
    database: asyncpg.Pool,
    followed: Followed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        last = await say(ann, room, "hello")
        await followed(last)
    await database.execute("UPDATE chat_message SET words = '' WHERE room = $1", room)
    await database.execute("UPDATE chat_index SET form = 0")
    await followed(last)
    assert await same(database, room) == [last]


async def test_what_an_observer_raises_undoes_the_batch(
    node: Running,
    token: MakeToken,
    room: str,
    database: asyncpg.Pool,
    followed: Followed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    indexer = node.module(ChatModule).indexer
    told: list[RoomChange] = []
    committed: list[RoomChange] = []

    class Observer:
        fails = True

        async def indexed(self, changes: tuple[RoomChange, ...]) -> None:
            told.extend(change for change in changes if change.room == room)
            if self.fails and told:
                raise RuntimeError("not now")

        def written(self, changes: tuple[RoomChange, ...]) -> None:
            committed.extend(change for change in changes if change.room == room)

    observer = Observer()
    monkeypatch.setattr(indexer, "_observers", (observer,))
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        seq = await say(ann, room, "hello")

        async def twice() -> bool:
            return len(told) >= 2

        await eventually(twice, "it is told again")
        assert not committed
        assert not await database.fetch(INDEXED, room)
        observer.fails = False
        await followed(seq)
    assert await same(database, room) == [seq]
    # Counted once, however often it was told.
    assert [change.changes for change in committed] == [1] == [await changes_of(database, room)]


async def test_others_have_their_turn_while_words_are_made(node: Running) -> None:
    """A gateway that follows the archive has clients too."""
    indexer, turns, done = node.module(ChatModule).indexer, 0, asyncio.Event()

    async def other() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.get_running_loop().create_task(other())
    data = msgspec.json.encode({"text": "नमस्ते दुनिया " * 20})
    await asyncio.sleep(0)
    before = turns
    await indexer._made([entry_of(push(seq=seq, data=data)) for seq in range(1, 101)])
    assert turns - before >= 20
    done.set()
    await beside


def push(**fields: object) -> StoredPush:
    said = {"room": "direct:x", "seq": 7, "at": 5, "push": "chat.message", "nonce": None, "message_id": "m"}
    return StoredPush(**{**said, "author": Author("a", "A", "student"), **fields})  # type: ignore[arg-type]


def test_an_entry_is_the_message_in_its_latest_version() -> None:
    sent = entry_of(push(data=b'{"text":"hi","thread":3}'))
    assert (sent.seq, sent.version, sent.at, sent.content.thread, sent.edited) == (7, 7, 5, 3, False)
    edited = entry_of(push(push="chat.edited", seq=9, at=8, replaces=7, data=b'{"text":"ho","seq":7,"sent_at":5}'))
    assert (edited.seq, edited.version, edited.at, edited.edited) == (7, 9, 5, True)
