"""Direct rooms: pairs, groups and blocks, through a gateway."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from gateway.principal import Principal, Role
from ksmp_testkit import Caller, Clients, MakeGateway, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import WireClient, WireError
from modules.chat.direct.direct_rooms import ABANDONED
from modules.chat.module import ChatModule
from modules.files.facade import FileFacts, FileState, Purpose, of
from modules.files.module import FilesModule
from tests.modules.files.test_stored_files import record

DIRECT = "/api/v1/chat/direct"
BLOCKS = "/api/v1/chat/blocks"
LIMITS = {
    "KSMP_CHAT_DIRECT_MEMBERS": "4",
    "KSMP_CHAT_DIRECT_OPENED_DAILY": "3",
    "KSMP_CHAT_DIRECT_TITLE_CHARACTERS": "10",
    "KSMP_CHAT_DIRECT_BLOCKS": "2",
}
USER = "INSERT INTO account_user (id, name, role) VALUES ($1, $2, $3)"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(environ=LIMITS, user_burst_factor=1000.0) as running:
        yield running


@dataclass(frozen=True)
class School:
    """A program with its mentor and two students; and a mentor, a student and an admin who are not in it."""

    program: str
    mentor: str
    ann: str
    bob: str
    colleague: str
    stranger: str
    admin: str


@pytest.fixture
async def school(database: asyncpg.Pool) -> School:
    tag = uuid.uuid4().hex[:8]
    roles = {"mentor": "mentor", "colleague": "mentor", "ann": "student", "bob": "student", "stranger": "student"}
    ids = {name: f"{name}-{tag}" for name in (*roles, "admin")}
    for name, id in ids.items():
        # The name that their tokens have.
        await database.execute(USER, id, id.capitalize(), roles.get(name, "admin"))
    program = f"p-{tag}"
    await database.execute("INSERT INTO program (id, title, mentor_id) VALUES ($1, 'p', $2)", program, ids["mentor"])
    for name in ("ann", "bob"):
        await enrol(database, program, ids[name])
    return School(program, **ids)


async def enrol(database: asyncpg.Pool, program: str, user: str) -> None:
    await database.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", program, user)


async def expel(database: asyncpg.Pool, program: str, user: str) -> None:
    await database.execute("DELETE FROM program_enrolment WHERE program_id = $1 AND user_id = $2", program, user)


async def opened(client: httpx.AsyncClient, *users: str, **more: Any) -> Any:
    answer = await client.post(DIRECT, json={"user_ids": list(users), **more})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def may_write(client: httpx.AsyncClient, id: str) -> bool:
    found: bool = done(await client.get(f"{DIRECT}/{id}"))["may_write"]
    return found


def members(shown: Any) -> set[str]:
    return {member["id"] for member in shown["members"]}


async def next_room(client: WireClient, user: str) -> Any:
    return (await client.expect_push("chat.direct", f"user:{user}"))["data"]


async def test_a_pair_is_one_room_whoever_opens_it(caller: Caller, clients: Clients, school: School) -> None:
    ann, mentor = caller(school.ann), caller(school.mentor, "mentor")
    sockets = [await clients.socket(school.ann), await clients.socket(school.mentor, "mentor")]
    answers = await asyncio.gather(
        ann.post(DIRECT, json={"user_ids": [school.mentor]}), mentor.post(DIRECT, json={"user_ids": [school.ann]})
    )
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    one, other = (answer.json() for answer in answers)
    assert one == other
    assert (one["group"], one["title"], one["rev"], one["left"]) == (False, "", 1, False)
    assert one["room"] == f"direct:{one['id']}"
    assert [member["name"] for member in one["members"]] == [school.ann.capitalize(), school.mentor.capitalize()]
    for socket, user in zip(sockets, (school.ann, school.mentor), strict=True):
        assert await next_room(socket, user) == one
        assert (await socket.join(one["room"]))["members"] >= 1
        assert socket.pushes("chat.direct") == socket.pushes("chat.direct")[:1]
    assert done(await ann.get(DIRECT)) == {"items": [one], "next": None}
    again = await ann.post(DIRECT, json={"user_ids": [school.mentor]})
    assert (again.status_code, again.json()) == (200, one)
    refused(await ann.post(DIRECT, json={"user_ids": [school.ann]}), 400, "invalid")
    place = f"{DIRECT}/{one['id']}"
    refused(await mentor.patch(place, json={"title": "t"}, headers={"If-Match": "*"}), 409, "chat.no_group")
    refused(await mentor.delete(f"{place}/members/{school.mentor}"), 409, "chat.no_group")


async def test_a_direct_room_is_nobody_elses(caller: Caller, clients: Clients, school: School) -> None:
    room = await opened(caller(school.ann), school.mentor)
    place = f"{DIRECT}/{room['id']}"
    for user, role in ((school.bob, "student"), (school.colleague, "mentor"), (school.admin, "admin")):
        other = caller(user, role)
        refused(await other.get(place), 404, "not_found")
        refused(await other.patch(place, json={"title": "t"}, headers={"If-Match": "*"}), 404, "not_found")
        refused(await other.post(f"{place}/members", json={"user_ids": [user]}), 404, "not_found")
        refused(await other.delete(f"{place}/members/{school.ann}"), 404, "not_found")
        assert done(await other.get(DIRECT))["items"] == []
        with pytest.raises(WireError) as caught:
            await (await clients.socket(user, role)).join(room["room"])
        assert caught.value.code == "not_found"


async def test_strangers_do_not_begin(caller: Caller, database: asyncpg.Pool, school: School) -> None:
    ann, mentor, colleague = caller(school.ann), caller(school.mentor, "mentor"), caller(school.colleague, "mentor")

    async def to(client: httpx.AsyncClient, *users: str, **more: Any) -> httpx.Response:
        return await client.post(DIRECT, json={"user_ids": list(users), **more})

    # Who does not exist, who is a stranger and who is a classmate: one answer.
    answers = [await to(ann, user) for user in ("nobody", school.stranger, school.colleague, school.bob, school.admin)]
    assert {(answer.status_code, answer.json()["code"], answer.json()["detail"]) for answer in answers} == {
        (403, "chat.not_allowed", "you may not write to them")
    }
    for client, users in ((ann, [school.mentor, school.bob]), (mentor, [school.ann, school.stranger])):
        refused(await to(client, *users, title="us"), 403, "chat.not_allowed")
    refused(await to(colleague, school.ann), 403, "chat.not_allowed")
    await opened(mentor, school.colleague)
    # A program that is open to all makes nobody acquainted.
    await database.execute("UPDATE program SET open_to_all = true WHERE id = $1", school.program)
    refused(await to(caller(school.stranger), school.mentor), 403, "chat.not_allowed")
    # A ban from the program ends it too.
    await database.execute("INSERT INTO program_ban (program_id, user_id) VALUES ($1, $2)", school.program, school.bob)
    refused(await to(caller(school.bob), school.mentor), 403, "chat.not_allowed")
    admin = caller(school.admin, "admin")
    refused(await to(admin, "nobody"), 400, "invalid")
    room = await opened(admin, school.stranger)
    assert await may_write(caller(school.stranger), room["id"])


async def test_what_was_allowed_is_asked_anew(caller: Caller, database: asyncpg.Pool, school: School) -> None:
    ann, mentor = caller(school.ann), caller(school.mentor, "mentor")
    room = await opened(ann, school.mentor)
    assert await may_write(ann, room["id"])
    await expel(database, school.program, school.ann)
    for client in (ann, mentor):
        assert not await may_write(client, room["id"])
        # It stays to be read.
        assert done(await client.get(DIRECT))["items"] == [room]
    await enrol(database, school.program, school.ann)
    assert await may_write(ann, room["id"])
    await database.execute("UPDATE account_user SET blocked = true WHERE id = $1", school.mentor)
    assert not await may_write(ann, room["id"])


async def test_messages_of_a_pair(caller: Caller, clients: Clients, database: asyncpg.Pool, school: School) -> None:
    room = await opened(caller(school.ann), school.mentor)
    ann = await clients.member(room["room"], school.ann)
    mentor = await clients.member(room["room"], school.mentor, "mentor")
    seq = (await ann.command("chat.send", {"text": "Hello"}))["seq"]
    assert (await mentor.expect_push("chat.message"))["data"] == {"text": "Hello"}
    answer = (await mentor.command("chat.send", {"text": "Hi", "reply_to": seq, "mentions": [school.ann]}))["seq"]
    assert (await ann.socket.expect_push("chat.mentioned", f"user:{school.ann}"))["data"]["seq"] == answer
    await mentor.command("chat.pin", {"seq": seq})
    changes = {
        "chat.send": {"text": "more"},
        "chat.edit": {"seq": seq, "text": "Hello!"},
        "chat.react": {"seq": answer, "emoji": "👍"},
        "chat.pin": {"seq": answer},
        "chat.unpin": {"seq": seq},
    }
    await expel(database, school.program, school.ann)
    assert {await ann.refusal(name, data) for name, data in changes.items()} == {"chat.not_allowed"}
    await enrol(database, school.program, school.ann)
    done(await ann.rest.put(f"{BLOCKS}/{school.mentor}"))
    assert {await ann.refusal(name, data) for name, data in changes.items()} == {"chat.blocked"}
    assert await mentor.refusal("chat.send", {"text": "please"}) == "chat.not_allowed"
    upload = {"purpose": "chat.attachment", "target": room["room"], "name": "a.txt", "size": 3, "sha256": "0" * 64}
    refused(await mentor.rest.post("/api/v1/files", json=upload), 403, "chat.not_allowed")
    # Nobody is kept from taking back what is theirs.
    await ann.command("chat.delete", {"seq": seq})
    assert await mentor.refusal("chat.delete", {"seq": answer + 1}) == "not_found"
    assert await ann.refusal("chat.delete", {"seq": answer}) == "forbidden"
    assert await mentor.refusal("chat.clear", {}) == "unknown_command"


async def test_reports_go_to_admins(caller: Caller, clients: Clients, school: School) -> None:
    room = await opened(caller(school.ann), school.mentor)
    ann = await clients.member(room["room"], school.ann)
    mentor = await clients.member(room["room"], school.mentor, "mentor")
    admin = await clients.socket(school.admin, "admin")
    seq = (await mentor.command("chat.send", {"text": "Rude"}))["seq"]
    await ann.command("chat.report", {"seq": seq, "reason": "rude"})
    told = (await admin.expect_push("chat.reported", "announce:admin"))["data"]
    assert (told["room"], told["text"], told["reporter_id"]) == (room["room"], "Rude", school.ann)
    await mentor.command("chat.delete", {"seq": seq})
    place, root = f"/api/v1/chat/reports/{told['id']}", caller(school.admin, "admin")
    # It stays as it was. The author may not read it, and a mentor decides nothing here.
    assert done(await root.get(place))["text"] == "Rude"
    for client in (mentor.rest, caller(school.colleague, "mentor")):
        refused(await client.get(place), 404, "not_found")
        refused(await client.post(f"{place}/resolve", json={"status": "upheld"}), 404, "not_found")
    assert done(await root.post(f"{place}/resolve", json={"status": "upheld"}))["status"] == "upheld"


async def test_who_is_blocked_is_not_told_so(caller: Caller, clients: Clients, school: School) -> None:
    ann, mentor = caller(school.ann), caller(school.mentor, "mentor")
    room = await opened(mentor, school.ann)
    own, other = await clients.socket(school.ann), await clients.socket(school.mentor, "mentor")
    blocked = done(await ann.put(f"{BLOCKS}/{school.mentor}"))
    assert (blocked["user_id"], blocked["name"]) == (school.mentor, school.mentor.capitalize())
    assert (blocked["blocked"], blocked["rev"]) == (True, 1)
    assert (await own.expect_push("chat.block", f"user:{school.ann}"))["data"] == blocked
    assert done(await ann.put(f"{BLOCKS}/{school.mentor}")) == blocked
    assert done(await ann.get(BLOCKS)) == {"items": [blocked], "next": None}
    for client in (ann, mentor):
        assert not await may_write(client, room["id"])
    # To both it is still the same room, and nobody else learns anything.
    assert await opened(mentor, school.ann) == room
    assert done(await mentor.get(BLOCKS))["items"] == []
    refused(await mentor.post(DIRECT, json={"user_ids": [school.ann, school.bob]}), 403, "chat.not_allowed")
    done(await ann.delete(f"{BLOCKS}/{school.mentor}"), 204)
    done(await ann.delete(f"{BLOCKS}/{school.mentor}"), 204)
    lifted = (await own.expect_push("chat.block", f"user:{school.ann}"))["data"]
    assert (lifted["blocked"], lifted["rev"]) == (False, 2)
    assert await may_write(mentor, room["id"])
    assert done(await ann.get(BLOCKS))["items"] == []
    assert other.pushes("chat.block") == []
    done(await mentor.put(f"{BLOCKS}/{school.bob}"))
    refused(await mentor.post(DIRECT, json={"user_ids": [school.bob]}), 403, "chat.blocked")
    refused(await ann.put(f"{BLOCKS}/{school.admin}"), 403, "forbidden")
    refused(await ann.put(f"{BLOCKS}/{school.ann}"), 403, "forbidden")
    refused(await ann.put(f"{BLOCKS}/nobody"), 404, "not_found")


async def test_a_group_and_its_members(
    caller: Caller, clients: Clients, database: asyncpg.Pool, school: School
) -> None:
    mentor, ann, bob = caller(school.mentor, "mentor"), caller(school.ann), caller(school.bob)
    socket = await clients.socket(school.bob)
    room = await opened(mentor, school.ann, title="Help")
    place = f"{DIRECT}/{room['id']}"
    assert (room["group"], room["title"], members(room)) == (True, "Help", {school.mentor, school.ann})
    assert await may_write(ann, room["id"])
    refused(await ann.post(f"{place}/members", json={"user_ids": [school.bob]}), 403, "chat.not_allowed")
    refused(await ann.patch(place, json={"title": "Mine"}, headers={"If-Match": "*"}), 403, "chat.not_allowed")
    refused(await mentor.post(f"{place}/members", json={"user_ids": [school.stranger]}), 403, "chat.not_allowed")
    added = done(await mentor.post(f"{place}/members", json={"user_ids": [school.bob, school.ann]}))
    assert (added["rev"], members(added)) == (2, {school.mentor, school.ann, school.bob})
    assert await next_room(socket, school.bob) == added
    await socket.join(room["room"])
    refused(await mentor.patch(place, json={"title": "Exam"}, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    renamed = done(await mentor.patch(place, json={"title": "Exam"}, headers={"If-Match": '"2"'}))
    assert await next_room(socket, school.bob) == renamed
    assert (renamed["title"], renamed["rev"]) == ("Exam", 3)
    refused(await ann.delete(f"{place}/members/{school.bob}"), 403, "chat.not_allowed")

    done(await bob.delete(f"{place}/members/{school.bob}"), 204)
    gone = await next_room(socket, school.bob)
    assert (gone["left"], gone["members"], gone["rev"]) == (True, [], 4)
    left = await socket.expect_push("left", room["room"])
    assert left["data"] == {"code": "chat.left", "rejoin": False}
    refused(await bob.get(place), 404, "not_found")
    with pytest.raises(WireError):
        await socket.join(room["room"])
    refused(await bob.delete(f"{place}/members/{school.bob}"), 404, "not_found")

    done(await mentor.post(f"{place}/members", json={"user_ids": [school.bob]}))
    assert (await socket.join(room["room"]))["seq"] >= 0


async def test_who_is_added_sees_what_is_written_from_then_on(caller: Caller, clients: Clients, school: School) -> None:
    mentor = caller(school.mentor, "mentor")
    room = await opened(mentor, school.ann, title="Help")
    place = f"{DIRECT}/{room['id']}/members"
    ann = await clients.member(room["room"], school.ann)
    old = (await ann.command("chat.send", {"text": "old"}))["seq"]
    done(await mentor.post(place, json={"user_ids": [school.bob]}))
    new = (await ann.command("chat.send", {"text": "new", "reply_to": old}))["seq"]

    async def shown() -> tuple[list[int], list[int]]:
        """The seqs that bob is shown as he joins, and in the history."""
        socket = await clients.socket(school.bob)
        joined = await socket.join(room["room"], history=10)
        page = await socket.call("history", room=room["room"], before=2**53 - 1, limit=10)
        return [one["seq"] for one in joined["messages"]], [one["seq"] for one in page["messages"]]

    assert await shown() == ([new], [new])
    bob = await clients.member(room["room"], school.bob)
    messages = [
        [post["seq"] for post in (await one.command("chat.snapshot"))["parts"]["chat.messages"]["messages"]]
        for one in (bob, ann)
    ]
    assert messages == [[new], [old, new]]
    for name, data in {
        "chat.react": {"seq": old, "emoji": "👍"},
        "chat.send": {"text": "?", "reply_to": old},
        "chat.report": {"seq": old},
        "chat.pin": {"seq": old},
    }.items():
        assert await bob.refusal(name, data) == "not_found", name
    done(await bob.rest.delete(f"{place}/{school.bob}"), 204)
    done(await mentor.post(place, json={"user_ids": [school.bob], "history": True}))
    assert await shown() == ([old, new], [old, new])


async def test_files_of_a_conversation(node: Running, caller: Caller, clients: Clients, school: School) -> None:
    mentor = caller(school.mentor, "mentor")
    room = await opened(mentor, school.ann, title="Help")
    ann = await clients.member(room["room"], school.ann)
    rows = node.module(FilesModule).rows

    async def sent() -> FileFacts:
        """A file that Ann has sent into the room."""
        file = record(owner_id=school.ann, target=room["room"], purpose="chat.attachment", state=FileState.CLEAN)
        await rows.insert(file)
        await ann.command("chat.send", {"files": [file.id]})
        return (await of(node.module(ChatModule).kernel).facts([file.id]))[file.id]

    (purpose,) = (one for one in node.module(ChatModule).kernel.contributed(Purpose) if one.name == "chat.attachment")

    async def readers(file: FileFacts) -> list[str]:
        people = {school.ann: Role.STUDENT, school.mentor: Role.MENTOR, school.bob: Role.STUDENT, "boss": Role.ADMIN}
        asked = [Principal(id=id, name=id, role=role, expires_at=2**50) for id, role in people.items()]
        return [one.id for one in asked if await purpose.may_read(one, file)]

    old = await sent()
    assert await readers(old) == [school.ann, school.mentor]
    done(await mentor.post(f"{DIRECT}/{room['id']}/members", json={"user_ids": [school.bob]}))
    # Who was added later reads what came later.
    assert await readers(old) == [school.ann, school.mentor]
    assert await readers(await sent()) == [school.ann, school.mentor, school.bob]


async def test_a_group_is_no_way_around(caller: Caller, database: asyncpg.Pool, school: School) -> None:
    mentor, ann, bob = caller(school.mentor, "mentor"), caller(school.ann), caller(school.bob)
    room = await opened(mentor, school.ann, title="Two")
    done(await ann.put(f"{BLOCKS}/{school.bob}"))
    add = {"user_ids": [school.bob]}
    refused(await mentor.post(f"{DIRECT}/{room['id']}/members", json=add), 403, "chat.not_allowed")
    refused(await mentor.post(DIRECT, json={"user_ids": [school.ann, school.bob]}), 403, "chat.not_allowed")
    done(await ann.delete(f"{BLOCKS}/{school.bob}"), 204)
    done(await mentor.post(f"{DIRECT}/{room['id']}/members", json=add))
    done(await ann.put(f"{BLOCKS}/{school.bob}"))
    # The mentor is there to be written to. Without the mentor two students are left, who may not write to each other.
    assert await may_write(bob, room["id"])
    done(await mentor.delete(f"{DIRECT}/{room['id']}/members/{school.mentor}"), 204)
    assert not await may_write(bob, room["id"])
    assert not await may_write(ann, room["id"])


async def test_how_many_there_may_be(caller: Caller, database: asyncpg.Pool, school: School) -> None:
    mentor, ann = caller(school.mentor, "mentor"), caller(school.ann)
    four = {"user_ids": [f"u-{number}" for number in range(4)]}
    refused(await mentor.post(DIRECT, json=four), 409, "chat.group_full")
    refused(await mentor.post(DIRECT, json={"user_ids": [school.ann], "title": "t" * 11}), 413, "too_large")
    room = await opened(mentor, school.ann, title="One")
    refused(await mentor.post(f"{DIRECT}/{room['id']}/members", json=four), 409, "chat.group_full")
    insert = "INSERT INTO chat_direct (id, created_by, created_at) VALUES ($1, $2, now() - $3::interval)"
    for hours in (23, 25):
        await database.execute(insert, uuid.uuid4().hex, school.mentor, timedelta(hours=hours))
    await opened(mentor, school.ann)
    answer = await mentor.post(DIRECT, json={"user_ids": [school.bob]})
    refused(answer, 429, "chat.too_many_opened")
    assert 3000 < int(answer.headers["Retry-After"]) <= 3600
    # What is there already is no new one.
    await opened(mentor, school.ann)
    for user in (school.stranger, school.colleague, school.stranger):
        done(await ann.put(f"{BLOCKS}/{user}"))
    refused(await ann.put(f"{BLOCKS}/{school.bob}"), 409, "chat.too_many_blocks")


async def test_what_an_admin_does_is_in_the_audit(caller: Caller, school: School) -> None:
    admin = caller(school.admin, "admin")
    room = await opened(admin, school.ann, title="Case")
    place = f"{DIRECT}/{room['id']}"
    done(await admin.post(f"{place}/members", json={"user_ids": [school.bob]}))
    done(await admin.patch(place, json={"title": "Case 2"}, headers={"If-Match": "*"}))
    done(await admin.delete(f"{place}/members/{school.bob}"), 204)
    entries = done(await admin.get("/api/v1/audit", params={"subject": room["id"]}))["items"]
    assert [entry["act"] for entry in reversed(entries)] == [
        "chat.open_direct",
        "chat.add_to_direct",
        "chat.rename_direct",
        "chat.remove_from_direct",
    ]
    assert entries[-1]["details"] == {"users": [school.ann]}


async def test_what_is_held_on_a_user_and_what_a_deletion_leaves(
    caller: Caller, clients: Clients, database: asyncpg.Pool, school: School
) -> None:
    mentor, ann, bob = caller(school.mentor, "mentor"), caller(school.ann), caller(school.bob)
    pair = await opened(ann, school.mentor)
    group = await opened(mentor, school.ann, school.bob, title="Help")
    done(await ann.put(f"{BLOCKS}/{school.bob}"))
    done(await bob.put(f"{BLOCKS}/{school.ann}"))
    held = done(await ann.get("/api/v1/users/me/export"))["modules"]["chat"]
    assert [one["direct_id"] for one in held["direct"]] == [pair["id"], group["id"]]
    assert [one["id"] for one in held["direct_opened"]] == [pair["id"]]
    assert [one["blocked_id"] for one in held["blocks"]] == [school.bob]

    socket = await clients.socket(school.mentor, "mentor")
    done(await ann.delete("/api/v1/users/me"), 204)
    told = {one["id"]: one for one in (await next_room(socket, school.mentor), await next_room(socket, school.mentor))}
    assert (members(told[pair["id"]]), members(told[group["id"]])) == (
        {school.mentor},
        {school.mentor, school.bob},
    )
    for table in ("chat_direct_member", "chat_block"):
        rows = await database.fetch(f"SELECT * FROM {table}")
        assert not [row for row in rows if school.ann in str(row)]
    assert not await may_write(mentor, pair["id"])
    assert await may_write(mentor, group["id"])
    await eventually(lambda: len(socket.pushes("chat.direct")) == 2, "both rooms are told")


async def test_what_nobody_may_read_any_more_is_erased(
    caller: Caller, clients: Clients, database: asyncpg.Pool, school: School
) -> None:
    assert ABANDONED == "chat.abandoned"
    room = await opened(caller(school.ann), school.mentor)
    ann = await clients.member(room["room"], school.ann)
    seq = (await ann.command("chat.send", {"text": "between us"}))["seq"]
    await ann.command("chat.pin", {"seq": seq})
    await ann.command("chat.react", {"seq": seq, "emoji": "👍"})
    said = "SELECT push FROM room_push WHERE room = $1 AND strpos(data::text, 'between us') > 0"

    async def found(number: int) -> bool:
        return len(await database.fetch(said, room["room"])) == number

    await eventually(lambda: found(2), "the message and its pin are archived")
    done(await caller(school.mentor, "mentor").delete("/api/v1/users/me"), 204)
    assert done(await ann.rest.get(f"{DIRECT}/{room['id']}"))["members"][0]["id"] == school.ann
    assert await found(2)
    done(await ann.rest.delete("/api/v1/users/me"), 204)
    await eventually(lambda: found(0), "nothing is left of what they said")
    for table, column in (("chat_direct", "id"), ("chat_reaction", "room")):
        value = room["id"] if column == "id" else room["room"]
        assert await database.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", value) == 0


async def test_who_was_added_reads_no_older_message_by_its_number(
    caller: Caller, clients: Clients, school: School
) -> None:
    mentor = caller(school.mentor, "mentor")
    room = await opened(mentor, school.ann, title="Help")
    ann = await clients.member(room["room"], school.ann)
    old = (await ann.command("chat.send", {"text": "old"}))["seq"]
    thread = f"/api/v1/chat/rooms/{room['room']}/threads"

    async def indexed() -> bool:
        found = done(await ann.rest.get("/api/v1/chat/unread"))["items"]
        return any(one["last"] and one["last"]["seq"] == old for one in found)

    await eventually(indexed, "the message is in the index")
    done(await mentor.post(f"{DIRECT}/{room['id']}/members", json={"user_ids": [school.bob]}))
    bob = caller(school.bob)
    # Rooms without threads have no pages of them, to nobody.
    for client in (bob, ann.rest):
        for place in (thread, f"{thread}/{old}"):
            refused(await client.get(place), 404, "not_found")


async def test_a_block_between_members_is_seen_by_nobody_who_adds_another(caller: Caller, school: School) -> None:
    mentor, ann = caller(school.mentor, "mentor"), caller(school.ann)
    room = await opened(mentor, school.ann, school.bob, title="Help")
    done(await ann.put(f"{BLOCKS}/{school.bob}"))
    # The two stay, and whoever adds another learns nothing of it.
    place = f"{DIRECT}/{room['id']}/members"
    added = done(await mentor.post(place, json={"user_ids": [school.colleague]}))
    assert members(added) == {school.mentor, school.ann, school.bob, school.colleague}
    done(await ann.put(f"{BLOCKS}/{school.colleague}"))
    done(await mentor.delete(f"{place}/{school.colleague}"), 204)
    refused(await mentor.post(place, json={"user_ids": [school.colleague]}), 403, "chat.not_allowed")


async def test_counts_of_who_comes_back_have_a_revision_of_their_own(
    caller: Caller, clients: Clients, school: School
) -> None:
    mentor, bob = caller(school.mentor, "mentor"), caller(school.bob)
    room = await opened(mentor, school.ann, school.bob, title="Help")
    ann = await clients.member(room["room"], school.ann)
    socket = await clients.socket(school.bob)
    await ann.command("chat.send", {"text": "old"})
    before = (await socket.expect_push("chat.unread", f"user:{school.bob}"))["data"]
    assert before["unread"] == 1
    place = f"{DIRECT}/{room['id']}/members"
    done(await mentor.delete(f"{place}/{school.bob}"), 204)
    done(await mentor.post(place, json={"user_ids": [school.bob]}))
    after = done(await bob.put(f"/api/v1/chat/rooms/{room['room']}/read", json={"seq": 0}))
    assert after["unread"] == 0
    assert after["rev"] > before["rev"]
