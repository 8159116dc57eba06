"""Chat in a session's room: who may say and delete what, and that a repeated command happens once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from devstack.guard import Guard
from devstack.nats import NatsCluster
from gateway import failpoint
from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireClient, WireError, connected

codecs = pytest.mark.parametrize("codec", ["json", "msgpack"])


async def refused(client: WireClient, code: str, cmd: str, room: str, data: Any, **fields: Any) -> WireError:
    with pytest.raises(WireError) as caught:
        await client.call(cmd, room=room, data=data, **fields)
    assert caught.value.code == code
    return caught.value


# chat.send


@codecs
async def test_a_message_reaches_every_member_on_every_gateway(
    node: Running, second: Running, token: MakeToken, room: str, codec: str
) -> None:
    async with (
        connected(node.ws_url, token("ann", name="Ann"), codec) as ann,
        connected(node.ws_url, token("bob")) as bob,
        connected(second.ws_url, token("cem"), "msgpack") as cem,
    ):
        for client in (ann, bob, cem):
            await client.join(room)
        text = "ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ \U0001f44b <b>\u2028"
        first = await ann.say(room, text, nonce="n-1")
        assert set(first) == {"seq"}
        seq = first["seq"]
        answer = await cem.call("chat.send", room=room, data={"text": "re", "reply_to": seq})
        for client in (ann, bob, cem):
            push = await client.expect_push("chat.message", room)
            assert push["data"] == {"text": text}
            assert (push["seq"], push["nonce"]) == (seq, "n-1")
            assert push["from"] == {"id": "ann", "name": "Ann", "role": "student"}
            reply = await client.expect_push("chat.message", room)
            assert reply["data"] == {"text": "re", "reply_to": seq}
            assert (reply["seq"], reply["prev"]) == (answer["seq"], seq)
            assert "nonce" not in reply


async def test_what_names_a_message_names_one_of_the_room(
    node: Running, second: Running, token: MakeToken, room: str, create_session: CreateSession
) -> None:
    other = f"session:{await create_session()}"
    async with connected(node.ws_url, token("ann")) as ann, connected(second.ws_url, token("mentor", "mentor")) as host:
        for client in (ann, host):
            await client.join(room)
            await client.join(other)
        elsewhere = (await ann.say(other, "elsewhere"))["seq"]
        kept, gone = [(await ann.say(room, text))["seq"] for text in ("kept", "gone")]
        edited = (await ann.call("chat.edit", room=room, data={"seq": kept, "text": "kept!"}))["seq"]
        deleted = (await host.call("chat.delete", room=room, data={"seq": gone}))["seq"]
        await ann.command(room, "live.raise_hand")
        hand = (await host.expect_push("live.hand", room))["seq"]
        for client in (ann, host):
            await client.expect_push("chat.deleted", room)
            for seq in (gone, deleted, edited, hand, elsewhere, hand + 1000, 2**53 - 1):
                for cmd, data in (
                    ("chat.send", {"text": "re", "reply_to": seq}),
                    ("chat.react", {"seq": seq, "emoji": "👍"}),
                    ("chat.edit", {"seq": seq, "text": "x"}),
                ):
                    await refused(client, "not_found", cmd, room, data)
            for cmd in ("chat.report", "chat.delete", *(("chat.pin",) if client is host else ())):
                for seq in (gone, elsewhere):
                    await refused(client, "not_found", cmd, room, {"seq": seq})
        reply = (await host.call("chat.send", room=room, data={"text": "re", "reply_to": kept}))["seq"]
        await host.call("chat.edit", room=room, data={"seq": reply, "text": "re!"})
        assert (await ann.expect_push("chat.edited", room))["data"]["seq"] == kept
        assert (await ann.expect_push("chat.edited", room))["data"]["reply_to"] == kept


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("invalid", {}),
        ("invalid", None),
        ("invalid", "hi"),
        ("invalid", []),
        ("invalid", {"text": 5}),
        ("invalid", {"text": None}),
        ("invalid", {"text": ""}),
        ("invalid", {"text": " \n\t\u3000"}),
        ("invalid", {"text": "a\0b"}),
        ("invalid", {"text": "hi", "reply_to": 0}),
        ("invalid", {"text": "hi", "reply_to": "1"}),
        ("invalid", {"text": "hi", "reply_to": 2**53}),
        ("invalid", {"text": "hi", "reply_to": 2**63}),
        ("not_found", {"text": "hi", "reply_to": 2**53 - 1}),
        ("too_large", {"text": "x" * 2001}),
        ("too_large", {"text": "\U0001f600" * 2001}),
    ],
)
async def test_what_is_no_message_is_refused(node: Running, token: MakeToken, room: str, code: str, data: Any) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        error = await refused(ann, code, "chat.send", room, data)
        assert error.temporary is False
        assert (await ann.join(room, history=1))["messages"] == []


async def test_2000_characters_of_any_kind_are_a_message(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        for character in ("x", "ਸ", "\U0001f600"):
            await ann.say(room, character * 2000)


@pytest.mark.parametrize("nonce", ["", "x" * 65, "a b", 7])
async def test_a_bad_nonce_is_invalid(node: Running, token: MakeToken, room: str, nonce: Any) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        await refused(ann, "invalid", "chat.send", room, {"text": "hi"}, nonce=nonce)


async def test_chat_is_for_sessions_alone(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await refused(ann, "unknown_command", "chat.send", "user:ann", {"text": "hi"})
        await refused(ann, "unknown_command", "chat.send", "announce:all", {"text": "hi"})


# chat.delete


async def test_who_may_delete_what(node: Running, token: MakeToken, create_session: CreateSession) -> None:
    room = f"session:{await create_session(mentor='meera')}"
    async with AsyncExitStack() as stack:
        ann, bob, meera, admin = [
            await stack.enter_async_context(connected(node.ws_url, token(user, role)))
            for user, role in (("ann", "student"), ("bob", "student"), ("meera", "mentor"), ("root", "admin"))
        ]
        for client in (ann, bob, meera, admin):
            await client.join(room)
        seqs = [(await ann.say(room, f"m{index}"))["seq"] for index in range(4)]
        await refused(bob, "forbidden", "chat.delete", room, {"seq": seqs[0]})
        deleted = [
            (await client.call("chat.delete", room=room, data={"seq": seq}))["seq"]
            for client, seq in ((ann, seqs[0]), (meera, seqs[1]), (admin, seqs[2]))
        ]
        for target, seq in zip(seqs, deleted, strict=False):
            push = await bob.expect_push("chat.deleted", room)
            assert (push["seq"], push["data"]) == (seq, {"seq": target})
        # What is gone is gone, for a second deletion as for a reader.
        await refused(ann, "not_found", "chat.delete", room, {"seq": seqs[0]})
        await refused(meera, "not_found", "chat.delete", room, {"seq": deleted[0]})
        await refused(ann, "not_found", "chat.delete", room, {"seq": 2**50})
        await refused(ann, "invalid", "chat.delete", room, {"seq": -1})
        await refused(ann, "invalid", "chat.delete", room, {})
        joined = await bob.join(room, history=50)
        assert [push["seq"] for push in joined["messages"]] == [seqs[3], *deleted]


async def test_a_message_of_another_room_cannot_be_deleted(
    node: Running, token: MakeToken, create_session: CreateSession
) -> None:
    room, other = f"session:{await create_session(mentor='meera')}", f"session:{await create_session(mentor='meera')}"
    async with connected(node.ws_url, token("meera", "mentor")) as meera:
        await meera.join(room)
        await meera.join(other)
        seq = (await meera.say(other, "elsewhere"))["seq"]
        await refused(meera, "not_found", "chat.delete", room, {"seq": seq})
        assert len((await meera.join(other, history=5))["messages"]) == 1


async def test_the_erased_are_never_replayed(node: Running, second: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        start = await ann.join(room)
        seqs = [(await ann.say(room, f"m{index}"))["seq"] for index in range(3)]
        deleted = (await ann.call("chat.delete", room=room, data={"seq": seqs[1]}))["seq"]
        await ann.expect_push("chat.deleted", room)
        since = {"epoch": start["epoch"], "seq": start["seq"]}
        for running in (node, second):
            async with connected(running.ws_url, token("bob"), rooms={room: since}) as bob:
                assert bob.served[room] == [seqs[0], seqs[2], deleted]
                page = await bob.call("history", room=room, before=deleted + 1)
                assert [one["seq"] for one in page["messages"]] == [seqs[0], seqs[2], deleted]


async def test_a_deleted_message_leaves_the_archive(
    node: Running, token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    async def archived() -> list[int]:
        rows = await database.fetch("SELECT seq FROM room_push WHERE room = $1 ORDER BY seq", room)
        return [row["seq"] for row in rows]

    async def until(expected: list[int]) -> None:
        async with asyncio.timeout(15):
            while await archived() != expected:
                await asyncio.sleep(0.05)

    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        seqs = [(await ann.say(room, f"m{index}"))["seq"] for index in range(3)]
        await until(seqs)
        deleted = (await ann.call("chat.delete", room=room, data={"seq": seqs[0]}))["seq"]
        await until([*seqs[1:], deleted])


# Repeats


async def test_a_repeat_happens_once_and_says_so(node: Running, second: Running, token: MakeToken, room: str) -> None:
    async with (
        connected(node.ws_url, token("ann")) as here,
        connected(second.ws_url, token("ann")) as there,
        connected(node.ws_url, token("bob")) as bob,
    ):
        for client in (here, there, bob):
            await client.join(room)
        first = await here.say(room, "once", nonce="n")
        again = {"seq": first["seq"], "duplicate": True}
        assert await here.say(room, "once", nonce="n") == again
        assert await there.say(room, "once", nonce="n") == again
        # It is the same command whatever it says now, and another one for another user or room.
        assert await there.say(room, "something else", nonce="n") == again
        other = await bob.say(room, "bob's", nonce="n")
        assert "duplicate" not in other
        await bob.expect(lambda one: one.get("seq") == other["seq"])
        await bob.settle()
        assert [push["data"]["text"] for push in bob.pushes("chat.message", room)] == ["once", "bob's"]


async def test_a_repeat_in_another_room_is_another_message(
    node: Running, token: MakeToken, create_session: CreateSession
) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        for _ in range(2):
            room = f"session:{await create_session()}"
            await ann.join(room)
            assert "duplicate" not in await ann.say(room, "hi", nonce="same")


async def test_repeats_sent_at_once_happen_once(node: Running, second: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("ann")) as here, connected(second.ws_url, token("ann")) as there:
        await here.join(room)
        await there.join(room)
        answers = await asyncio.gather(*(client.say(room, "once", nonce="n") for client in (here, there) * 4))
        assert len({answer["seq"] for answer in answers}) == 1
        assert sum(not answer.get("duplicate", False) for answer in answers) == 1
        await here.settle()
        assert len((await there.join(room, history=10))["messages"]) == 1


@pytest.mark.parametrize("where", ["here", "there", "nowhere before"])
async def test_a_repeat_of_what_was_deleted_since_does_not_bring_it_back(
    gateway: MakeGateway, node: Running, second: Running, token: MakeToken, room: str, where: str
) -> None:
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(connected(node.ws_url, token("ann")))
        await here.join(room)
        there = await stack.enter_async_context(connected(second.ws_url, token("ann")))
        if where == "there":
            await there.join(room)
        first = await here.say(room, "regret", nonce="n")
        await here.call("chat.delete", room=room, data={"seq": first["seq"]})
        if where == "nowhere before":
            await there.join(room)
        client = here if where == "here" else there
        if where != "nowhere before":
            # The tombstone reaches the other gateway a moment later.
            await client.expect_push("chat.deleted", room)
        assert await client.say(room, "regret", nonce="n") == {"seq": first["seq"], "duplicate": True}
        joined = await client.join(room, history=10)
        assert [push["push"] for push in joined["messages"]] == ["chat.deleted"]


async def test_not_even_when_the_stream_has_forgotten_it(
    gateway: MakeGateway, token: MakeToken, room: str, tmp_path: Path, servers_guard: Guard
) -> None:
    """A killed server does not know the ids of erased messages any more; the tombstone does."""
    async with NatsCluster(tmp_path, guard=servers_guard, restart=False) as own:
        async with gateway(nats_url=own.urls) as running, connected(running.ws_url, token("ann")) as ann:
            await ann.join(room)
            first = await ann.say(room, "regret", nonce="n")
            await ann.call("chat.delete", room=room, data={"seq": first["seq"]})
        own.servers[0].kill()
        await own.servers[0].died()
        await own.servers[0].start()
        async with gateway(nats_url=own.urls) as running, connected(running.ws_url, token("ann")) as ann:
            await ann.join(room)
            assert await ann.say(room, "regret", nonce="n") == {"seq": first["seq"], "duplicate": True}


async def test_a_repeated_deletion_happened(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        seq = (await ann.say(room, "regret"))["seq"]
        first = await ann.call("chat.delete", room=room, data={"seq": seq}, nonce="d")
        again = await ann.call("chat.delete", room=room, data={"seq": seq}, nonce="d")
        assert again == {"seq": first["seq"], "duplicate": True}


async def test_a_message_whose_acknowledgement_was_lost_is_stored_once(
    node: Running, token: MakeToken, room: str
) -> None:
    lost: list[object] = []

    def first_only(subject: object) -> bool:
        lost.append(subject)
        return len(lost) == 1

    async with connected(node.ws_url, token("ann")) as ann:
        await ann.join(room)
        failpoint.set("ack.lost", first_only)
        try:
            answer = await ann.say(room, "hi", nonce="n")
        finally:
            failpoint.clear()
        assert len(lost) == 2
        await ann.expect_push("chat.message", room)
        assert [push["seq"] for push in (await ann.join(room, history=9))["messages"]] == [answer["seq"]]


# The rate limit


@pytest.fixture
async def slow(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway where two messages may come at once, and no third for an hour."""
    async with gateway(environ={"KSMP_CHAT_RATE_COUNT": "2", "KSMP_CHAT_RATE_SECONDS": "7200"}) as running:
        yield running


async def test_a_rate_is_a_connection_s_and_a_room_s(
    slow: Running, token: MakeToken, create_session: CreateSession
) -> None:
    room, other = f"session:{await create_session()}", f"session:{await create_session()}"
    async with connected(slow.ws_url, token("ann")) as ann, connected(slow.ws_url, token("bob")) as bob:
        for client in (ann, bob):
            await client.join(room)
            await client.join(other)
        await ann.say(room, "1")
        await ann.say(room, "2")
        error = await refused(ann, "rate_limited", "chat.send", room, {"text": "3"})
        assert error.temporary is True
        assert error.retry_after is not None
        assert 3000 < error.retry_after <= 3600
        await ann.say(other, "1")
        await bob.say(room, "1")


async def test_a_repeat_is_answered_whatever_the_rate_says_by_now(slow: Running, token: MakeToken, room: str) -> None:
    async with connected(slow.ws_url, token("ann")) as ann:
        await ann.join(room)
        first = await ann.say(room, "1", nonce="n")
        await ann.expect_push("chat.message", room)
        await ann.say(room, "2")
        await refused(ann, "rate_limited", "chat.send", room, {"text": "3"})
        assert await ann.say(room, "1", nonce="n") == {"seq": first["seq"], "duplicate": True}


@pytest.mark.parametrize("leave", [False, True])
async def test_joining_again_does_not_buy_more_messages(
    slow: Running, token: MakeToken, room: str, leave: bool
) -> None:
    async with connected(slow.ws_url, token("ann")) as ann:
        await ann.join(room)
        await ann.say(room, "1")
        await ann.say(room, "2")
        if leave:
            await ann.call("leave", room=room)
        await ann.join(room)
        await refused(ann, "rate_limited", "chat.send", room, {"text": "3"})


async def test_what_is_refused_counts_for_nothing_in_the_log(slow: Running, token: MakeToken, room: str) -> None:
    async with connected(slow.ws_url, token("ann")) as ann:
        await ann.join(room)
        for text in ("1", "2"):
            await ann.say(room, text)
        for text in ("3", "4"):
            await refused(ann, "rate_limited", "chat.send", room, {"text": text})
        joined = await ann.join(room, history=10)
        assert [push["data"]["text"] for push in joined["messages"]] == ["1", "2"]


# Limits of its own


@pytest.mark.parametrize(("characters", "fits"), [(10, True), (11, False)])
async def test_the_longest_text_is_a_setting(
    gateway: MakeGateway, token: MakeToken, room: str, characters: int, fits: bool
) -> None:
    async with (
        gateway(environ={"KSMP_CHAT_TEXT_CHARACTERS": "10"}) as running,
        connected(running.ws_url, token("ann")) as ann,
    ):
        await ann.join(room)
        if fits:
            await ann.say(room, "x" * characters)
        else:
            await refused(ann, "too_large", "chat.send", room, {"text": "x" * characters})
