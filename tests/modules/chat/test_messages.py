"""Edits, reactions, mentions and filters, on two gateways; and that a snapshot is what the pushes come to."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import Message, WireClient, WireError, connected


async def refused(client: WireClient, code: str, cmd: str, room: str, data: Any) -> None:
    with pytest.raises(WireError) as caught:
        await client.call(cmd, room=room, data=data)
    assert caught.value.code == code


async def edit(client: WireClient, room: str, seq: int, text: str, **fields: Any) -> Message:
    return await client.call("chat.edit", room=room, data={"seq": seq, "text": text}, **fields)


async def newest(client: WireClient, room: str) -> list[Message]:
    page = await client.call("history", room=room, before=2**53 - 1)
    messages: list[Message] = page["messages"]
    return messages


# chat.edit


async def test_an_edit_takes_the_message_s_place_everywhere(
    node: Running, second: Running, token: MakeToken, room: str
) -> None:
    async with (
        connected(node.ws_url, token("ann")) as ann,
        connected(second.ws_url, token("bob")) as bob,
    ):
        start = await ann.join(room)
        await bob.join(room)
        data = {"text": "teh", "mentions": ["bob"], "kind": "question"}
        first = (await ann.call("chat.send", room=room, data=data))["seq"]
        sent = await bob.expect_push("chat.message", room)
        between = (await bob.say(room, "hm"))["seq"]
        await edit(ann, room, first, "the")
        last = (await edit(ann, room, first, "the end", nonce="e"))["seq"]
        # It happened once, and says so.
        assert await edit(ann, room, first, "the end", nonce="e") == {"seq": last, "duplicate": True}
        pushes = [await bob.expect_push("chat.edited", room) for _ in range(2)]
        said = pushes[1]["data"]
        assert said == {**data, "seq": first, "text": "the end", "sent_at": sent["at"], "edited_at": said["edited_at"]}
        assert said["edited_at"] >= sent["at"]
        assert (pushes[1]["seq"], pushes[1]["from"]["id"]) == (last, "ann")
        # Whoever comes back or late, wherever, is shown the message as it reads now, and once.
        since = {"epoch": start["epoch"], "seq": start["seq"]}
        for running in (node, second):
            async with connected(running.ws_url, token("cem"), rooms={room: since}) as cem:
                assert cem.served[room] == [between, last]
                assert [one["seq"] for one in await newest(cem, room)] == [between, last]
                part = (await cem.call("live.snapshot", room=room))["parts"]["chat.messages"]
                assert [(one["seq"], one["text"]) for one in part["messages"]] == [(first, "the end"), (between, "hm")]
                assert part["messages"][0]["at"] == sent["at"]
        # With the message all of its versions go.
        deleted = (await ann.call("chat.delete", room=room, data={"seq": first}))["seq"]
        assert [one["seq"] for one in await newest(bob, room)] == [between, deleted]
        await refused(ann, "not_found", "chat.edit", room, {"seq": first, "text": "back"})


async def test_who_may_edit_what_and_how_often(
    gateway: MakeGateway, node: Running, token: MakeToken, room: str
) -> None:
    async with (
        gateway(environ={"KSMP_CHAT_EDITS": "2"}) as strict,
        connected(strict.ws_url, token("ann")) as ann,
        connected(node.ws_url, token("mentor", "mentor")) as mentor,
    ):
        await ann.join(room)
        await mentor.join(room)
        seq = (await ann.say(room, "mine"))["seq"]
        await refused(mentor, "forbidden", "chat.edit", room, {"seq": seq, "text": "yours"})
        await refused(ann, "invalid", "chat.edit", room, {"seq": seq, "text": " "})
        await refused(ann, "too_large", "chat.edit", room, {"seq": seq, "text": "x" * 2001})
        await refused(ann, "not_found", "chat.edit", room, {"seq": 2**50, "text": "x"})
        versions = [(await edit(ann, room, seq, f"{n}"))["seq"] for n in range(2)]
        await refused(ann, "chat.too_late", "chat.edit", room, {"seq": seq, "text": "once more"})
        # A version has no name of its own.
        await refused(ann, "not_found", "chat.edit", room, {"seq": versions[1], "text": "x"})


async def test_until_when_a_message_may_be_edited(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    environ = {"KSMP_CHAT_EDIT_SECONDS": "0.001"}
    async with gateway(environ=environ) as strict, connected(strict.ws_url, token("ann")) as ann:
        await ann.join(room)
        seq = (await ann.say(room, "old"))["seq"]
        await asyncio.sleep(0.01)
        await refused(ann, "chat.too_late", "chat.edit", room, {"seq": seq, "text": "new"})


async def test_an_edit_and_a_deletion_at_once_leave_nothing(
    node: Running, second: Running, token: MakeToken, create_session: CreateSession
) -> None:
    """Whichever comes first; an edit must not bring back what a host has deleted."""
    room = f"session:{await create_session(mentor='meera')}"
    async with (
        connected(node.ws_url, token("ann")) as ann,
        connected(second.ws_url, token("meera", "mentor")) as meera,
    ):
        await ann.join(room)
        await meera.join(room)
        for n in range(8):
            seq = (await ann.say(room, "rude"))["seq"]
            await meera.expect(lambda one, seq=seq: one.get("seq") == seq)
            edited, deleted = await asyncio.gather(
                edit(ann, room, seq, "ruder"),
                meera.call("chat.delete", room=room, data={"seq": seq}),
                return_exceptions=True,
            )
            assert not isinstance(deleted, BaseException), deleted
            assert isinstance(edited, dict) or (isinstance(edited, WireError) and edited.code == "not_found")
            left = await newest(meera, room)
            assert [one["push"] for one in left] == ["chat.deleted"] * (n + 1)


# chat.react


async def test_reactions_are_counted_over_the_gateways_and_told_together(
    node: Running, second: Running, token: MakeToken, room: str
) -> None:
    async with (
        connected(node.ws_url, token("ann")) as ann,
        connected(second.ws_url, token("bob")) as bob,
        connected(second.ws_url, token("cem")) as cem,
    ):
        for client in (ann, bob, cem):
            await client.join(room)
        seqs = [(await ann.say(room, f"m{n}"))["seq"] for n in range(2)]
        await bob.expect(lambda one: one.get("seq") == seqs[1])

        async def react(client: WireClient, seq: int, emoji: str, **data: Any) -> None:
            assert await client.call("chat.react", room=room, data={"seq": seq, "emoji": emoji, **data}) == {}

        # One of each a user, however often it is given and however it is written.
        await asyncio.gather(
            *(react(client, seqs[0], "👍") for client in (ann, bob, cem, bob)),
            react(ann, seqs[0], "❤"),
            react(ann, seqs[0], "❤️"),
            react(bob, seqs[1], "🎉"),
            react(bob, seqs[1], "🎉", on=False),
            react(cem, seqs[1], "👏"),
        )
        expected = {seqs[0]: {"👍": 3, "❤️": 1}, seqs[1]: {"👏": 1}}

        async def agrees(client: WireClient) -> None:
            """Applies what it is told by `rev`, until that is what is expected."""
            async with asyncio.timeout(15):
                while True:
                    known: dict[int, Message] = {}
                    for push in client.pushes("chat.reactions", room):
                        assert "seq" not in push
                        for tally in push["data"]["messages"]:
                            if tally["rev"] >= known.get(tally["seq"], {"rev": 0})["rev"]:
                                known[tally["seq"]] = tally
                    if {seq: tally["counts"] for seq, tally in known.items()} == expected:
                        break
                    await asyncio.sleep(0.05)

        for client in (ann, bob, cem):
            await agrees(client)
        # Nine reactions, told a few times: what changed when a turn came, and once more in the end.
        assert len(ann.pushes("chat.reactions", room)) < 7
        for client, mine in ((ann, {"👍", "❤️"}), (bob, {"👍"})):
            part = (await client.call("live.snapshot", room=room))["parts"]["chat.messages"]
            assert {tally["seq"]: tally["counts"] for tally in part["reactions"]} == expected
            assert set(part["mine"][str(seqs[0])]) == mine
        await react(ann, seqs[0], "👍", on=False)
        expected[seqs[0]]["👍"] = 2
        await agrees(bob)
        await refused(ann, "invalid", "chat.react", room, {"seq": seqs[0], "emoji": "x"})
        await refused(ann, "not_found", "chat.react", room, {"seq": 2**50, "emoji": "👍"})
        # They go with their message.
        await ann.call("chat.delete", room=room, data={"seq": seqs[0]})
        part = (await bob.call("live.snapshot", room=room))["parts"]["chat.messages"]
        assert [tally["seq"] for tally in part["reactions"]] == [seqs[1]]


# Mentions


async def test_who_is_mentioned_learns_of_it_wherever_they_are(
    node: Running, second: Running, token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    session = await create_session(open=False, mentor="meera", enrolled=("ann", "bob"))
    room = f"session:{session}"
    async with (
        connected(node.ws_url, token("ann")) as ann,
        connected(second.ws_url, token("bob")) as bob,
    ):
        await ann.join(room)
        # Bob is elsewhere; he is told in his own room.
        data = {"text": "bob, look", "mentions": ["bob", "bob", "meera", "ann"]}
        seq = (await ann.call("chat.send", room=room, data=data))["seq"]
        message = await ann.expect_push("chat.message", room)
        assert message["data"]["mentions"] == ["bob", "meera", "ann"]
        told = (await bob.expect_push("chat.mentioned", "user:bob"))["data"]
        author = {"id": "ann", "name": "Ann", "role": "student"}
        assert told == {"room": room, "seq": seq, "from": author, "text": "bob, look", "rev": 1}
        await refused(ann, "invalid", "chat.send", room, {"text": "hi", "mentions": ["stranger"]})
        await refused(ann, "invalid", "chat.send", room, {"text": "hi", "mentions": [f"u{n}" for n in range(11)]})
        await ann.settle()
        assert ann.pushes("chat.mentioned") == []
        query = "SELECT body FROM outbox WHERE kind = 'event' AND destination = 'chat.Mentioned' AND body::text LIKE $1"
        rows = await database.fetch(query, f"%{session}%")
        assert len(rows) == 1
        assert '"bob"' in rows[0]["body"]
        assert '"meera"' in rows[0]["body"]


# Filters


async def test_what_is_said_passes_the_filters(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    environ = {
        "KSMP_CHAT_FILTERS": "modules.chat.filter:WordList,tests.modules.shouting:NoShouting",
        "KSMP_CHAT_WORDS": "darn",
    }
    async with (
        gateway(environ=environ) as running,
        connected(running.ws_url, token("ann")) as ann,
        connected(running.ws_url, token("mute")) as mute,
    ):
        for client in (ann, mute):
            await client.join(room)
        seq = (await ann.say(room, "DARN IT"))["seq"]
        assert (await mute.expect_push("chat.message", room))["data"] == {"text": "**** it"}
        await edit(ann, room, seq, "oh Darn")
        assert (await mute.expect_push("chat.edited", room))["data"]["text"] == "oh ****"
        await refused(mute, "shouting.mute", "chat.send", room, {"text": "hi"})


async def test_a_filter_may_refuse(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    environ = {"KSMP_CHAT_WORDS": "darn", "KSMP_CHAT_WORDS_ACTION": "refuse"}
    async with gateway(environ=environ) as running, connected(running.ws_url, token("ann")) as ann:
        await ann.join(room)
        await refused(ann, "chat.refused", "chat.send", room, {"text": "oh darn"})
        await ann.say(room, "oh dear")


# The snapshot


async def test_a_snapshot_and_what_follows_it_come_to_a_fresh_snapshot(
    node: Running, second: Running, token: MakeToken, create_session: CreateSession
) -> None:
    """A client that goes by chat's page, over everything that changes its state."""
    room = f"session:{await create_session(mentor='meera')}"
    async with (
        connected(node.ws_url, token("meera", "mentor")) as meera,
        connected(second.ws_url, token("ann")) as ann,
        connected(second.ws_url, token("bob")) as bob,
    ):
        for client in (meera, ann, bob):
            await client.join(room)
        seqs = [(await ann.say(room, f"m{n}"))["seq"] for n in range(6)]
        await meera.call("chat.pin", room=room, data={"seq": seqs[0]})
        before = await bob.call("live.snapshot", room=room)
        await edit(ann, room, seqs[0], "pinned and edited")
        await edit(ann, room, seqs[1], "edited")
        # Her gateway knows of the edits: a pin shows the message as the gateway that pins it has it.
        await meera.expect(lambda one: one.get("push") == "chat.edited" and one["data"]["seq"] == seqs[1])
        await meera.call("chat.delete", room=room, data={"seq": seqs[2]})
        await meera.call("chat.pin", room=room, data={"seq": seqs[3]})
        await meera.call("chat.pin", room=room, data={"seq": seqs[4]})
        await ann.call("chat.delete", room=room, data={"seq": seqs[3]})
        await meera.call("chat.configure", room=room, data={"links": "block"})
        await meera.say(room, "of another")
        await bob.say(room, "mine")
        await meera.call("chat.clear", room=room, data={"user": "bob"})
        last = (await ann.say(room, "last"))["seq"]
        await bob.expect(lambda one: one.get("seq") == last)
        await bob.expect(lambda one: one.get("push") == "chat.settings")
        await bob.expect(lambda one: one.get("push") == "chat.pins" and one["data"]["rev"] == 3)
        after = await bob.call("live.snapshot", room=room)
        assert applied(before, bob.received) == shown(after["parts"])


def shown(parts: Message) -> Message:
    messages = {one["seq"]: one for one in parts["chat.messages"]["messages"]}
    return {"settings": parts["chat.settings"], "pins": parts["chat.pins"], "messages": messages}


def applied(snapshot: Message, received: list[Message]) -> Message:
    """What a client shows that applies the pushes after a snapshot to it."""
    state = shown(snapshot["parts"])
    messages: dict[int, Message] = state["messages"]
    dropped: list[Any] = []

    def drop(gone: Any) -> None:
        dropped.append(gone)
        for seq in [seq for seq, one in messages.items() if gone(one)]:
            del messages[seq]
        state["pins"] = {**state["pins"], "pins": [pin for pin in state["pins"]["pins"] if not gone(pin["message"])]}

    for push in received:
        if push.get("seq", 0) <= snapshot["seq"]:
            continue
        data = push["data"]
        match push["push"]:
            case "chat.message":
                messages[push["seq"]] = {"seq": push["seq"], "at": push["at"], "from": push["from"], **data}
            case "chat.edited":
                said = {key: value for key, value in data.items() if key != "sent_at"}
                messages[data["seq"]] = {"at": data["sent_at"], "from": push["from"], **said}
                for pin in state["pins"]["pins"]:
                    if pin["message"]["seq"] == data["seq"]:
                        pin["message"] = messages[data["seq"]]
            case "chat.deleted":
                drop(lambda one, seq=data["seq"]: one["seq"] == seq)
            case "chat.cleared":
                user, until = data.get("user"), push["seq"]
                drop(lambda one, user=user, until=until: one["seq"] < until and user in (None, one["from"]["id"]))
            case "chat.settings" if data["rev"] > state["settings"]["rev"]:
                state["settings"] = data
            case "chat.pins" if data["rev"] > state["pins"]["rev"]:
                # They are of their row's time, and come after what was deleted since.
                left = [pin for pin in data["pins"] if not any(gone(pin["message"]) for gone in dropped)]
                state["pins"] = {**data, "pins": left}
    return state
