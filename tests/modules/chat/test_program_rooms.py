"""Chat in the room of a program: the same commands as in a class, threads, and those who lose their place."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from gateway.bus.log_record import STREAM
from gateway.principal import FORGOTTEN, Principal, Role
from ksmp_testkit import Clients, CreateSession, MakeGateway, MakeToken, Member, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import WireError, connected
from modules.chat.module import ChatModule
from modules.chat.room_kinds import RULES
from modules.files.facade import FileState, Purpose, of
from modules.files.module import FilesModule
from modules.programs.facade import keep_out, program_room
from tests.modules.chat.conftest import TIMES_THE_BURST
from tests.modules.files.test_stored_files import record

CHAT = "/api/v1/chat"
# As many as the tests here take.
SNAPSHOTS = {"KSMP_CHAT_SNAPSHOT_RATE_COUNT": "3", "KSMP_CHAT_SNAPSHOT_RATE_SECONDS": "3600"}
# The settings of rooms in which nobody has changed any.
FIRST = {
    "KSMP_CHAT_SESSION_MODE": "questions",
    "KSMP_CHAT_SESSION_SLOW_SECONDS": "9",
    "KSMP_CHAT_SESSION_LINKS": "hosts",
    "KSMP_CHAT_SESSION_ATTACHMENTS": "block",
    "KSMP_CHAT_PROGRAM_MODE": "open",
    "KSMP_CHAT_PROGRAM_SLOW_SECONDS": "0",
    "KSMP_CHAT_PROGRAM_LINKS": "hosts",
    "KSMP_CHAT_PROGRAM_ATTACHMENTS": "allow",
    "KSMP_CHAT_DIRECT_LINKS": "block",
    "KSMP_CHAT_DIRECT_ATTACHMENTS": "block",
}


@dataclass(frozen=True)
class Group:
    """A program's room with its mentor and two students in it. Their ids are the test's own."""

    id: str
    mentor: Member
    ann: Member
    bob: Member

    @property
    def room(self) -> str:
        return program_room(self.id)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {"KSMP_CHAT_RECENT": "5", **SNAPSHOTS, **FIRST}
    async with gateway(user_burst_factor=TIMES_THE_BURST, environ=environ) as running:
        yield running


@pytest.fixture
async def group(create_session: CreateSession, clients: Clients) -> Group:
    mark = uuid.uuid4().hex[:8]
    mentor, ann, bob = f"meera-{mark}", f"ann-{mark}", f"bob-{mark}"
    session = await create_session(open=False, program_mentor=mentor, enrolled=(ann, bob))
    room = program_room(f"p-{session}")
    return Group(
        f"p-{session}",
        await clients.member(room, mentor, "mentor"),
        await clients.member(room, ann),
        await clients.member(room, bob),
    )


def test_the_roles_are_those_of_the_owners(node: Running) -> None:
    kinds = node.gateway.declarations.rooms
    for rules in RULES.values():
        assert tuple(kinds[rules.kind].roles) == rules.roles
        assert kinds[rules.kind].archived
        assert kinds[rules.kind].presence


async def test_a_conversation(node: Running, group: Group) -> None:
    mentor, ann, bob = group.mentor, group.ann, group.bob
    first = await ann.command("chat.send", {"text": "Who has solved 4b?", "mentions": [bob.user]})
    assert (await bob.expect_push("chat.message"))["data"] == {"text": "Who has solved 4b?", "mentions": [bob.user]}
    told = await bob.socket.expect_push("chat.mentioned")
    assert (told["data"]["room"], told["data"]["seq"]) == (group.room, first["seq"])
    assert await ann.refusal("chat.send", {"text": "you there", "mentions": ["somebody-else"]}) == "invalid"

    await ann.command("chat.edit", {"seq": first["seq"], "text": "Who has solved 4c?"})
    assert (await bob.expect_push("chat.edited"))["data"]["text"] == "Who has solved 4c?"
    await bob.command("chat.react", {"seq": first["seq"], "emoji": "👍"})
    assert (await ann.expect_push("chat.reactions"))["data"]["messages"][0]["counts"] == {"👍": 1}
    await bob.socket.call("typing", room=group.room, on=True)
    assert [one["id"] for one in (await ann.expect_push("typing"))["data"]["users"]] == [bob.user]

    answer = await bob.command("chat.send", {"text": "me", "reply_to": first["seq"]})
    assert await ann.refusal("chat.delete", {"seq": answer["seq"]}) == "forbidden"
    await mentor.command("chat.delete", {"seq": answer["seq"]})
    assert (await ann.expect_push("chat.deleted"))["data"] == {"seq": answer["seq"]}

    pins = await mentor.command("chat.pin", {"seq": first["seq"]})
    assert pins == {"rev": 1}
    snapshot = await bob.command("chat.snapshot")
    assert "failed" not in snapshot
    parts = snapshot["parts"]
    assert [pin["message"]["text"] for pin in parts["chat.pins"]["pins"]] == ["Who has solved 4c?"]
    texts = [message["text"] for message in parts["chat.messages"]["messages"]]
    assert texts[0] == "Who has solved 4c?"
    assert parts["chat.messages"]["mine"] == {str(first["seq"]): ["👍"]}
    assert {person["id"] for person in (await bob.socket.call("presence", room=group.room))["members"]} == {
        mentor.user,
        ann.user,
        bob.user,
    }
    # The log is archived, so history has it for good.
    await eventually(lambda: _archived(node, group.room, "chat.edited"))
    history = await bob.socket.call("history", room=group.room, before=2**53 - 1, limit=10, types=["chat.edited"])
    assert [one["data"]["text"] for one in history["messages"]] == ["Who has solved 4c?"]


async def _refuses(member: Member, code: str, data: dict[str, Any]) -> bool:
    """Whether what is said is refused already; another gateway hears of a change a moment later."""
    try:
        await member.command("chat.send", data)
    except WireError as error:
        return error.code == code
    return False


async def _says(member: Member, text: str) -> bool:
    return not await _refuses(member, "chat.muted", {"text": text})


async def _archived(node: Running, room: str, push: str) -> bool:
    query = "SELECT FROM room_push WHERE room = $1 AND push = $2"
    return bool(await node.gateway.database.fetch(query, room, push))


async def test_settings(node: Running, group: Group, clients: Clients) -> None:
    mentor, bob = group.mentor, group.bob
    # The operator says how a kind of rooms begins; a pin changes nothing about that.
    pinned = (await bob.command("chat.send", {"text": "hello"}))["seq"]
    await mentor.command("chat.pin", {"seq": pinned})
    assert await bob.refusal("chat.send", {"text": "see example.com"}) == "chat.links"
    await mentor.command("chat.send", {"text": "see example.com"})
    first = (await bob.command("chat.snapshot"))["parts"]["chat.settings"]
    assert first == {"mode": "open", "slow_seconds": 0, "links": "hosts", "rev": 0, "attachments": "allow"}
    lesson = await clients.member(group.room.replace("program:p-", "session:"), group.mentor.user, "mentor")
    assert (await lesson.command("live.snapshot"))["parts"]["chat.settings"] == {
        "mode": "questions",
        "slow_seconds": 9,
        "links": "hosts",
        "rev": 0,
        "attachments": "block",
    }
    # Nobody changes those of a conversation.
    opened = done(await mentor.rest.post(f"{CHAT}/direct", json={"user_ids": [bob.user]}), 201)
    talk = await clients.member(opened["room"], mentor.user, "mentor")
    assert await talk.refusal("chat.send", {"text": "see example.com"}) == "chat.links"
    assert await talk.refusal("chat.configure", {"links": "allow"}) == "unknown_command"

    # Modes and slow mode bind students.
    await mentor.command("chat.configure", {"mode": "questions", "links": "allow"})
    await eventually(lambda: _refuses(bob, "chat.questions_only", {"text": "hi"}))
    await bob.command("chat.send", {"text": "why, see example.com?", "kind": "question"})
    await mentor.command("chat.configure", {"mode": "subscribers", "slow_seconds": 300})
    await eventually(lambda: _refuses(bob, "chat.slow_mode", {"text": "more"}))
    for number in range(2):
        await mentor.command("chat.send", {"text": f"{number}"})


async def test_those_who_moderate_hear_of_mutes_and_reports(group: Group, clients: Clients) -> None:
    mentor, ann, bob = group.mentor, group.ann, group.bob
    seq = (await ann.command("chat.send", {"text": "rude"}))["seq"]
    for cmd, data in (
        ("chat.configure", {"mode": "questions"}),
        ("chat.pin", {"seq": seq}),
        ("chat.mute", {"user": ann.user}),
        ("chat.clear", {}),
    ):
        assert await bob.refusal(cmd, data) == "forbidden"
    assert await bob.command("chat.report", {"seq": seq, "reason": "rude"}) == {"rev": 1}
    report = (await mentor.socket.expect_push("chat.reported"))["data"]
    assert (report["room"], report["session_id"], report["text"]) == (group.room, None, "rude")
    assert report["reporter_id"] == bob.user
    await mentor.command("chat.mute", {"user": ann.user, "reason": "rude"})
    told = (await mentor.socket.expect_push("chat.muted"))["data"]
    assert (told["room"], told["user"], told["muted"]) == (group.room, ann.user, True)
    assert await ann.refusal("chat.send", {"text": "rude again"}) == "chat.muted"
    assert await mentor.refusal("chat.mute", {"user": mentor.user}) == "invalid"

    reports, mutes = f"{CHAT}/rooms/{group.room}/reports", f"{CHAT}/rooms/{group.room}/mutes"
    assert [one["id"] for one in done(await mentor.rest.get(reports))["items"]] == [report["id"]]
    assert [one["user"] for one in done(await mentor.rest.get(mutes))["mutes"]] == [ann.user]
    assert (
        done(await clients.rest("boss", "admin").get(reports))["items"] == done(await mentor.rest.get(reports))["items"]
    )
    other, verdict = clients.rest("another-mentor", "mentor"), {"status": "upheld"}
    for path in (reports, mutes, f"{CHAT}/reports/{report['id']}"):
        refused(await other.get(path), 404, "not_found")
        refused(await bob.rest.get(path), 403, "forbidden")
    refused(await other.post(f"{CHAT}/reports/{report['id']}/resolve", json=verdict), 404, "not_found")
    decided = done(await mentor.rest.post(f"{CHAT}/reports/{report['id']}/resolve", json=verdict))
    assert (await mentor.socket.expect_push("chat.reported"))["data"] == decided
    await mentor.command("chat.unmute", {"user": ann.user})
    await eventually(lambda: _says(ann, "sorry"), "the mute is lifted")
    await mentor.command("chat.clear", {"user": ann.user})
    assert (await bob.command("chat.snapshot"))["parts"]["chat.messages"]["messages"] == []


async def test_threads(group: Group, clients: Clients) -> None:
    mentor, ann, bob = group.mentor, group.ann, group.bob
    root = (await ann.command("chat.send", {"text": "4b?"}))["seq"]
    other = (await ann.command("chat.send", {"text": "5a?"}))["seq"]
    first = (await bob.command("chat.send", {"text": "x = 2", "thread": root}))["seq"]
    tally = (await ann.expect_push("chat.thread"))["data"]
    assert (tally["seq"], tally["replies"]) == (root, 1)
    assert await ann.refusal("chat.send", {"text": "no", "thread": first}) == "invalid"
    assert await ann.refusal("chat.send", {"text": "no", "thread": 2**40}) == "not_found"
    second = (await ann.command("chat.send", {"text": "x = 3", "thread": root, "reply_to": first}))["seq"]
    again = (await mentor.expect_push("chat.thread"))["data"]
    while again["replies"] < 2:
        again = (await mentor.expect_push("chat.thread"))["data"]
    assert again["rev"] > tally["rev"]
    await bob.command("chat.send", {"text": "y", "thread": other})
    await bob.command("chat.edit", {"seq": first, "text": "x = 1"})

    threads = f"{CHAT}/rooms/{group.room}/threads"
    await eventually(lambda: _has(ann, threads, [other, root]), "both threads are listed, the newest reply first")
    page = done(await ann.rest.get(threads, params={"limit": 1}))
    assert [one["root"]["text"] for one in page["items"]] == ["5a?"]
    page = done(await ann.rest.get(threads, params={"limit": 1, "cursor": page["next"]}))
    assert ([one["seq"] for one in page["items"]], page["next"]) == ([root], None)

    async def edited() -> bool:
        read = done(await ann.rest.get(f"{threads}/{root}"))
        return [(one["seq"], one["text"], one["thread"]) for one in read["items"]] == [
            (first, "x = 1", root),
            (second, "x = 3", root),
        ]

    await eventually(edited, "an edited reply stays in its thread")
    page = done(await ann.rest.get(f"{threads}/{root}", params={"limit": 1}))
    page = done(await ann.rest.get(f"{threads}/{root}", params={"limit": 1, "cursor": page["next"]}))
    assert [one["seq"] for one in page["items"]] == [second]
    # A message without replies is the root of an empty thread; a reply is none.
    assert done(await ann.rest.get(f"{threads}/{root}"))["thread"]["replies"] == 2
    refused(await ann.rest.get(f"{threads}/{first}"), 404, "not_found")
    refused(await ann.rest.get(f"{threads}/{2**40}"), 404, "not_found")
    for stranger in (clients.rest("a-stranger"), clients.rest("another-mentor", "mentor")):
        refused(await stranger.get(threads), 404, "not_found")
        refused(await stranger.get(f"{threads}/{root}"), 404, "not_found")
    part = (await bob.command("chat.snapshot"))["parts"]["chat.threads"]["threads"]
    assert [one["seq"] for one in part] == [other, root]

    # A deleted reply counts no more. A thread whose root is deleted keeps what others answered.
    await ann.command("chat.delete", {"seq": second})
    await eventually(lambda: _replies(bob, f"{threads}/{root}", 1), "the deleted reply is not counted")
    await mentor.command("chat.delete", {"seq": root})

    async def rootless() -> bool:
        read = done(await bob.rest.get(f"{threads}/{root}"))
        return read["thread"]["root"] is None and [one["seq"] for one in read["items"]] == [first]

    await eventually(rootless, "the root is gone")
    assert await bob.refusal("chat.send", {"text": "x = 4", "thread": root}) == "not_found"
    # Who clears the room clears its threads.
    await mentor.command("chat.clear", {})
    await eventually(lambda: _has(bob, threads, []), "no thread is left")
    assert (await bob.command("chat.snapshot"))["parts"]["chat.threads"] == {"threads": []}


async def _has(member: Member, path: str, seqs: list[int]) -> bool:
    return [one["seq"] for one in done(await member.rest.get(path))["items"]] == seqs


async def _replies(member: Member, path: str, number: int) -> bool:
    return bool(done(await member.rest.get(path))["thread"]["replies"] == number)


async def test_what_the_log_has_let_go_is_in_the_archive(
    node: Running, gateway: MakeGateway, group: Group, token: MakeToken, database: asyncpg.Pool
) -> None:
    root = (await group.ann.command("chat.send", {"text": "4b?"}))["seq"]
    reply = (await group.bob.command("chat.send", {"text": "x = 2", "thread": root}))["seq"]

    async def archived() -> bool:
        rows = await database.fetch("SELECT FROM room_push WHERE seq = ANY($1)", [root, reply])
        return len(rows) == 2

    await eventually(archived, "both messages are archived")
    newest = (await group.bob.expect_push("chat.thread"))["seq"]
    await node.gateway.bus.jetstream._jsm.purge_stream(STREAM, seq=newest + 1)
    # Another gateway holds nothing in memory.
    async with gateway() as other, connected(other.ws_url, token(group.bob.user)) as bob:
        await bob.join(group.room)
        page = await bob.call("history", room=group.room, before=2**53 - 1, limit=10, types=["chat.message"])
        assert [one["data"]["text"] for one in page["messages"]] == ["4b?", "x = 2"]
        parts = (await bob.command(group.room, "chat.snapshot"))["parts"]
        assert [one["seq"] for one in parts["chat.messages"]["messages"]] == [root, reply]
        assert [one["seq"] for one in parts["chat.threads"]["threads"]] == [root]
        await bob.command(group.room, "chat.edit", {"seq": reply, "text": "x = 1"})
        await bob.command(group.room, "chat.send", {"text": "late", "thread": root, "reply_to": reply})
        tally = await bob.expect(lambda one: one.get("push") == "chat.thread" and one["data"]["replies"] == 2)
        assert tally["data"]["seq"] == root


async def test_classes_have_no_threads(group: Group, clients: Clients) -> None:
    lesson = await clients.member(group.room.replace("program:p-", "session:"), group.mentor.user, "mentor")
    seq = (await lesson.command("chat.send", {"text": "hello"}))["seq"]
    assert await lesson.refusal("chat.send", {"text": "re", "thread": seq}) == "invalid"


async def test_snapshots_are_so_many(group: Group) -> None:
    for _ in range(3):
        await group.bob.command("chat.snapshot")
    assert await group.bob.refusal("chat.snapshot") == "rate_limited"


async def test_who_loses_their_place_or_is_banned_is_out(
    node: Running, group: Group, clients: Clients, database: asyncpg.Pool
) -> None:
    mentor, ann, bob = group.mentor, group.ann, group.bob
    seq = (await ann.command("chat.send", {"text": "4b?"}))["seq"]
    await bob.command("chat.send", {"text": "x", "thread": seq})
    threads = f"{CHAT}/rooms/{group.room}/threads"
    await eventually(lambda: _has(ann, threads, [seq]), "the thread is listed")
    done(await ann.rest.delete(f"/api/v1/programs/{group.id}/enrolment"), 204)
    left = await ann.socket.expect_push("left")
    assert (left["data"]["code"], left["data"]["rejoin"]) == ("programs.part_lost", False)
    async with node.gateway.database.transaction():
        await keep_out(node.module(ChatModule).kernel, bob.user, group.id, None)
    assert (await bob.socket.expect_push("left"))["data"]["code"] == "programs.banned"
    for out in (ann, bob):
        posted = await out.rest.post(
            f"/api/v1/rooms/{group.room}/commands", json={"cmd": "chat.send", "data": {"text": "still here"}}
        )
        assert posted.json()["code"] in ("forbidden", "not_found"), posted.text
        refused(await out.rest.get(threads), 404, "not_found")
        refused(await out.rest.get(f"{threads}/{seq}"), 404, "not_found")
    # What they wrote stays, and a mention of them reaches nobody.
    texts = [one["text"] for one in (await mentor.command("chat.snapshot"))["parts"]["chat.messages"]["messages"]]
    assert texts == ["4b?", "x"]
    assert await mentor.refusal("chat.send", {"text": "you two", "mentions": [ann.user]}) == "invalid"


async def test_a_deleted_user_stays_without_a_name(
    node: Running, group: Group, clients: Clients, database: asyncpg.Pool
) -> None:
    mentor, ann = group.mentor, group.ann
    seq = (await ann.command("chat.send", {"text": "4b?"}))["seq"]
    await ann.command("chat.react", {"seq": seq, "emoji": "👍"})
    await mentor.command("chat.mute", {"user": ann.user})
    rows = "SELECT author ->> 'name' AS name FROM room_push WHERE room = $1 AND author ->> 'id' = $2"

    async def names(expected: str) -> bool:
        return {row["name"] for row in await database.fetch(rows, group.room, ann.user)} == {expected}

    await eventually(lambda: names(ann.user.capitalize()), "the message is archived")
    assert {*(await node.module(ChatModule).export(ann.user))} == {"reactions", "mutes"}
    done(await ann.rest.delete("/api/v1/users/me"), 204)
    await eventually(lambda: names(FORGOTTEN), "their name is taken off the archive")
    assert await node.module(ChatModule).export(ann.user) == {}


async def test_files_of_messages(node: Running, group: Group, clients: Clients) -> None:
    mentor, ann, bob = group.mentor, group.ann, group.bob
    chat = node.module(ChatModule)
    purpose = next(one for one in chat.kernel.contributed(Purpose) if one.name == "chat.attachment")

    def who(member: Member) -> Principal:
        return Principal(id=member.user, name=member.user, role=Role(member.role), expires_at=2**50)

    assert (await purpose.admit(who(ann), group.room)).quota == f"program:{group.id}"
    file = record(owner_id=ann.user, target=group.room, purpose="chat.attachment", state=FileState.CLEAN)
    await node.module(FilesModule).rows.insert(file)
    seq = (await ann.command("chat.send", {"files": [file.id]}))["seq"]
    assert [one["id"] for one in (await bob.expect_push("chat.message"))["data"]["files"]] == [file.id]
    held = (await of(chat.kernel).facts([file.id]))[file.id]
    stranger = Principal(id="a-stranger", name="", role=Role.STUDENT, expires_at=2**50)
    assert [await purpose.may_read(one, held) for one in (who(bob), who(mentor), stranger)] == [True, True, False]
    with pytest.raises(Exception, match="no such room"):
        await purpose.admit(stranger, group.room)
    await mentor.command("chat.configure", {"attachments": "hosts"})
    await eventually(lambda: _refuses(ann, "chat.attachments", {"files": [file.id]}))
    # A reported file is kept for those who moderate, also when the message is deleted.
    await bob.command("chat.report", {"seq": seq})
    await ann.command("chat.delete", {"seq": seq})
    kept = (await of(chat.kernel).facts([file.id]))[file.id]
    assert [await purpose.may_read(one, kept) for one in (who(bob), who(mentor), who(ann))] == [False, True, False]
