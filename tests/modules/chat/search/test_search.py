"""A search finds what the reader may read now, as it reads now, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from gateway.principal import Principal, Role
from ksmp_testkit import Clients, CreateSession, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import WireClient, connected
from modules.live.facade import readable_session, role_as_reader

SEARCH = "/api/v1/chat/search"
LIMITS = {"KSMP_CHAT_SEARCH_RATE_COUNT": "1000", "KSMP_CHAT_SEARCH_RATE_SECONDS": "1.0"}

BAN = "INSERT INTO live_ban VALUES ($1, 'session', $3, $2, '', 'm', 'M', NULL, '{}')"

Indexed = Callable[..., Awaitable[None]]


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(user_burst_factor=1000.0, environ=LIMITS) as running:
        yield running


FOLLOWED = """
    SELECT FROM room_push JOIN chat_index ON kind = split_part(room, ':', 1) AND chat_index.seq >= room_push.seq
    WHERE room_push.seq = $1
"""


@pytest.fixture
def indexed(database: asyncpg.Pool) -> Indexed:
    """Waits until the index has each message, or a later one of the same kind of room."""

    async def until(*seqs: int) -> None:
        for seq in seqs:

            async def there(seq: int = seq) -> bool:
                return bool(await database.fetch(FOLLOWED, seq))

            await eventually(there, "the index has it")

    return until


@pytest.fixture
def word() -> str:
    """A word that no other message has."""
    return f"w{uuid.uuid4().hex[:12]}"


async def say(client: WireClient, room: str, text: str) -> int:
    seq: int = (await client.call("chat.send", room=room, data={"text": text}))["seq"]
    return seq


async def found(rest: httpx.AsyncClient, q: str, **filters: Any) -> list[int]:
    answer = done(await rest.get(SEARCH, params={"q": q, **filters}))
    return [item["message"]["seq"] for item in answer["items"]]


async def test_a_message_is_found_as_it_reads_now(
    node: Running, token: MakeToken, create_session: CreateSession, clients: Clients, indexed: Indexed, word: str
) -> None:
    room = f"session:{await create_session(open=False, enrolled=('ann', 'bob'))}"
    async with (
        connected(node.ws_url, token("ann")) as ann,
        connected(node.ws_url, token("bob")) as bob,
    ):
        await ann.join(room)
        await bob.join(room)
        first = await say(ann, room, f"नमस्ते दुनिया {word}👍")
        second = await say(bob, room, f"Don’t forget {word}")
        third = await say(ann, room, f"{word} gone soon")
        await indexed(third)
        rest = clients.rest("bob")
        assert await found(rest, word) == [third, second, first]
        assert await found(rest, f"{word} दुनि") == [first]
        assert await found(rest, f"don't {word}", room=room) == [second]
        assert await found(rest, word, author="ann") == [third, first]
        page = done(await rest.get(SEARCH, params={"q": word, "limit": 2}))
        assert [item["message"]["text"] for item in page["items"]] == [f"{word} gone soon", f"Don’t forget {word}"]
        assert page["items"][0]["room"] == room
        assert page["next"] == second
        assert await found(rest, word, before=page["next"]) == [first]
        await ann.call("chat.edit", room=room, data={"seq": first, "text": f"edited {word}"})
        last = (await ann.call("chat.delete", room=room, data={"seq": third}))["seq"]
        await indexed(last)
        assert await found(rest, word) == [second, first]
        assert await found(rest, f"{word} दुनिया") == []
        assert await found(rest, f"edited {word}") == [first]


async def test_nobody_finds_what_they_may_not_read(
    node: Running,
    token: MakeToken,
    create_session: CreateSession,
    clients: Clients,
    indexed: Indexed,
    word: str,
    database: asyncpg.Pool,
) -> None:
    session = await create_session(open=False, enrolled=("ann", "bob"))
    room, talk = f"session:{session}", f"program:p-{session}"
    async with (
        connected(node.ws_url, token("ann")) as ann,
        connected(node.ws_url, token("bob")) as bob,
        connected(node.ws_url, token("boss", "admin")) as boss,
    ):
        direct = done(await clients.rest("boss", "admin").post("/api/v1/chat/direct", json={"user_ids": ["ann"]}), 201)[
            "room"
        ]
        for client, place in ((ann, room), (ann, talk), (boss, direct), (bob, room)):
            await client.join(place)
        here, there = await say(ann, room, word), await say(ann, talk, word)
        private = await say(boss, direct, word)
        await indexed(here, there, private)
        assert await found(clients.rest("ann"), word) == [private, there, here]
        assert await found(clients.rest("bob"), word) == [there, here]
        mentor = clients.rest("program-mentor", "mentor")
        assert await found(mentor, word) == [there, here]
        # Strangers find nothing, whether or not they name the room; a mentor of another program is one.
        for stranger in (clients.rest("eve"), clients.rest("other", "mentor")):
            for filters in ({}, {"room": room}, {"room": talk}, {"room": direct}, {"author": "ann"}):
                assert await found(stranger, word, **filters) == []
        # An admin reads classes and programs by name. A direct room is its members' alone.
        chief = clients.rest("chief", "admin")
        assert await found(chief, word) == []
        assert (await found(chief, word, room=room), await found(chief, word, room=talk)) == ([here], [there])
        assert await found(chief, word, room=direct) == []
        # Who lost the place, or is banned from a class, finds it no more.
        await database.execute(BAN, session, f"p-{session}", "bob")
        assert await found(clients.rest("bob"), word) == [there]
        await database.execute(
            "DELETE FROM program_enrolment WHERE user_id = 'bob' AND program_id = $1", f"p-{session}"
        )
        assert await found(clients.rest("bob"), word) == []
        # A member of a group sees what was written since they joined.
        await database.execute("UPDATE chat_direct_member SET seen_from = now() WHERE user_id = 'ann'")
        assert await found(clients.rest("ann"), word) == [there, here]
        assert await found(clients.rest("ann"), word, room=direct) == []


async def test_what_cannot_be_searched_for(clients: Clients) -> None:
    rest = clients.rest("ann")
    for q in ("…", "  ", "“”", "'; "):
        refused(await rest.get(SEARCH, params={"q": q}), 400, "invalid")
    for params in (
        {},
        {"q": "x" * 201},
        {"q": "a", "room": "user:ann"},
        {"q": "a", "before": 0},
        {"q": "a", "limit": 0},
    ):
        refused(await rest.get(SEARCH, params=params), 400, "invalid")
    # What PostgreSQL would read as operators is none.
    assert await found(rest, "a' | 'b & !c:* <-> \\ %") == []
    assert (await clients.rest().get(SEARCH, params={"q": "a"})).status_code == 401


async def test_a_class_is_searched_by_who_may_read_it(
    node: Running, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    """The condition in the statement is `role_as_reader`, which everything else goes by."""
    closed = await create_session(open=False, enrolled=("s-banned", "s-waits", "s-in", "s-promoted", "s-mentor"))
    opened = await create_session()
    await database.execute("UPDATE live_session SET co_mentors = '{s-co,s-mentor}' WHERE id = $1", closed)
    await database.execute(BAN, closed, f"p-{closed}", "s-banned")
    await database.execute("INSERT INTO live_promotion VALUES ($1, 's-promoted', 'speaker')", closed)
    await database.execute("INSERT INTO live_guest VALUES ($1, 's-in', 'I', 'admitted', now())", closed)
    for lobby in (False, True):
        await database.execute("DELETE FROM live_option WHERE session_id = $1", closed)
        await database.execute("INSERT INTO live_option VALUES ($1, false, false, $2)", closed, lobby)
        for session in (closed, opened):
            for name in ("s-banned", "s-waits", "s-in", "s-promoted", "s-mentor", "s-co", "program-mentor", "nobody"):
                for role in (Role.STUDENT, Role.MENTOR):
                    principal = Principal(id=name, name=name, role=role, expires_at=0)
                    may = await role_as_reader(node.gateway.database, principal, session) is not None
                    query = f"SELECT {readable_session('$1::text', '$2::text', '$3::boolean')} AS may"
                    assert await database.fetchval(query, session, name, role.may_teach) == may, (name, role, lobby)
