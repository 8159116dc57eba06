"""Commands by POST: the other half of rooms without a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import connected

from .poster import poster, problem


@pytest.fixture(scope="module")
async def busy(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway without limits on how fast one may speak."""
    environ = {"KSMP_CHAT_RATE_COUNT": "1000000"}
    async with gateway(environ=environ, command_rate=1e6, command_burst=1_000_000) as running:
        yield running


async def test_a_command_answers_what_its_reply_would_carry(busy: Running, token: MakeToken, room: str) -> None:
    async with poster(busy, token("ada")) as ada, connected(busy.ws_url, token("bob")) as bob:
        await bob.join(room)
        first = await ada.say(room, "hello", nonce="n1")
        assert set(first) == {"seq"}
        push = await bob.expect_push("chat.message", room)
        assert (push["seq"], push["nonce"], push["from"]["id"]) == (first["seq"], "n1", "ada")
        assert await ada.say(room, "hello", nonce="n1") == {"seq": first["seq"], "duplicate": True}
        assert await ada.call(room, "chat.delete", data={"seq": first["seq"]})
        await bob.expect_push("chat.deleted", room)
        # An id belongs to a connection. Here it has no meaning.
        assert set(await ada.say(room, "again", id=7)) == {"seq"}


async def test_a_repeat_by_socket_and_by_post_is_one(busy: Running, token: MakeToken, room: str) -> None:
    async with poster(busy, token("ada")) as post, connected(busy.ws_url, token("ada")) as ada:
        await ada.join(room)
        first = await ada.say(room, "once", nonce="n1")
        await ada.expect_push("chat.message", room)
        assert await post.say(room, "once", nonce="n1") == {**first, "duplicate": True}


async def test_history_presence_and_typing_by_post(busy: Running, token: MakeToken, room: str) -> None:
    async with poster(busy, token("ada")) as ada, connected(busy.ws_url, token("bob")) as bob:
        await bob.join(room)
        seqs = [(await ada.say(room, f"m{n}"))["seq"] for n in range(5)]
        page = await ada.call(room, "history", before=seqs[-1], limit=2)
        assert ([one["seq"] for one in page["messages"]], page["more"]) == (seqs[2:4], True)
        await bob.expect_push("presence", room)
        # A command by POST does not join the room.
        people = await ada.call(room, "presence")
        assert ([one["id"] for one in people["members"]], people["count"], people["more"]) == (["bob"], 1, False)
        assert await ada.call(room, "typing", on=True) == {}
        assert (await bob.expect_push("typing", room))["data"]["users"] == [{"id": "ada", "name": "Ada"}]
        await ada.fails(400, "invalid", room, "presence", limit=201)
        await ada.fails(400, "invalid", room, "history", before=5, limit=201)
        await ada.fails(400, "invalid", "announce:all", "presence")
        # The path names the room. A body that names another one is refused.
        body = {"cmd": "chat.send", "room": "session:other", "data": {"text": "astray"}}
        problem(await ada.http.post(f"/api/v1/rooms/{room}/commands", json=body), 400, "invalid")
        await ada.fails(400, "invalid", "announce:all", "typing", on=True)


async def test_what_a_post_refuses(busy: Running, token: MakeToken, room: str, create_session: CreateSession) -> None:
    closed_to_us = f"session:{await create_session(open=False)}"
    text = {"text": "x"}
    async with poster(busy, token("ada")) as ada:
        await ada.fails(403, "forbidden", closed_to_us, "chat.send", data=text)
        await ada.fails(403, "forbidden", closed_to_us, "chat.send", data=text, nonce="n1")
        await ada.fails(403, "forbidden", closed_to_us, "presence")
        await ada.fails(404, "not_found", "session:nowhere", "chat.send", data=text)
        await ada.fails(404, "not_found", "session:nowhere", "typing", on=True)
        await ada.fails(404, "not_found", "poll:1", "history", before=5)
        for cmd in ("chat.shout", "shout", "poll.vote"):
            await ada.fails(404, "unknown_command", room, cmd, data=text)
        for cmd in ("connect", "refresh", "join", "leave", "ping"):
            await ada.fails(404, "unknown_command", room, cmd)
        await ada.fails(404, "unknown_command", "announce:all", "chat.send", data=text)
        await ada.fails(400, "invalid", room, "chat.send", data={})
        await ada.fails(400, "invalid", room, "chat.send", data=text, nonce="no nonce")
        await ada.fails(400, "invalid", "no room", "chat.send", data=text)
        await ada.fails(400, "invalid", room, 5)
        for body in (b"", b"{", b"[]", b"null", b"{}", b"\xff"):
            answer = await ada.http.post(f"/api/v1/rooms/{room}/commands", content=body)
            problem(answer, 400, "invalid")
        # A user without a grant does not open the room.
        assert busy.gateway.hub.room("session:nowhere") is None


async def test_a_post_needs_a_token(node: Running, token: MakeToken, room: str) -> None:
    for bad, code in ((None, "unauthenticated"), ("x", "unauthenticated"), (token("a", ttl=-3600), "token_expired")):
        async with poster(node, bad) as nobody:
            await nobody.fails(401, code, room, "chat.send", data={"text": "x"})


async def test_a_command_that_is_too_large(node: Running, token: MakeToken, room: str) -> None:
    async with poster(node, token("large")) as ada:
        await ada.fails(413, "too_large", room, "chat.send", data={"text": "x" * 17_000})

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 1000

        answer = await ada.http.post(f"/api/v1/rooms/{room}/commands", content=pieces())
        problem(answer, 413, "too_large")


async def test_the_limits_are_those_of_a_connection(
    gateway: MakeGateway, token: MakeToken, room: str, create_session: CreateSession
) -> None:
    async with (
        gateway(command_rate=0.01, command_burst=3) as running,
        poster(running, token("ada")) as ada,
        poster(running, token("bob")) as bob,
    ):
        for _ in range(3):
            await ada.call(room, "history", before=1)
        answer = await ada.fails(429, "rate_limited", room, "history", before=1)
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["temporary"] is True
        await bob.call(room, "history", before=1)
    second = f"session:{await create_session()}"
    async with (
        gateway(environ={"KSMP_CHAT_RATE_COUNT": "2", "KSMP_CHAT_RATE_SECONDS": "60"}) as running,
        poster(running, token("ada")) as ada,
    ):
        first = await ada.say(room, "one", nonce="n1")
        await ada.say(room, "two")
        answer = await ada.fails(429, "rate_limited", room, "chat.send", data={"text": "three"})
        assert int(answer.headers["retry-after"]) > 1
        # Repeats are answered before any limit, and another room has its own.
        assert await ada.say(room, "one", nonce="n1") == {**first, "duplicate": True}
        await ada.say(second, "one")


async def test_a_repeat_is_answered_whatever_moderation_has_come_since(
    gateway: MakeGateway, token: MakeToken, create_session: CreateSession, database: Any
) -> None:
    id = await create_session(open=False, enrolled=("ada",))
    room = f"session:{id}"
    async with gateway(grant_fresh=0.0) as running, poster(running, token("ada")) as ada:
        first = await ada.say(room, "stored", nonce="n1")
        await database.execute("DELETE FROM program_enrolment WHERE program_id = $1", f"p-{id}")
        await ada.fails(403, "forbidden", room, "chat.send", data={"text": "more"}, nonce="n2")
        assert await ada.say(room, "stored", nonce="n1") == {**first, "duplicate": True}
    # This holds on a node that has not opened the room too.
    async with gateway(grant_fresh=0.0) as running, poster(running, token("ada")) as ada:
        assert await ada.say(room, "stored", nonce="n1") == {**first, "duplicate": True}
