"""Files in messages: who may post and read them, what the room is told, and what goes with a message."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from gateway import clock
from gateway.principal import Principal, Role
from ksmp_testkit import CreateClass, CreateSession, MakeGateway, Running, eventually
from ksmp_testkit.answers import done, refused
from modules.chat.attachment_repository import Attachment, AttachmentRepository, holder_of
from modules.chat.attachments import ATTACHMENT
from modules.chat.module import ChatModule
from modules.files.facade import FileFacts, FileState, Purpose, of
from modules.files.module import FilesModule
from modules.programs.facade import keep_out
from tests.modules.chat.conftest import TIMES_THE_BURST
from tests.modules.files.conftest import CREDENTIALS
from tests.modules.files.renditions.images import opened, photograph
from tests.modules.files.test_stored_files import record
from tests.modules.files.uploads import FILES, new, uploaded


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = {"KSMP_CHAT_ATTACHMENTS": "3", "KSMP_CHAT_ATTACHMENT_BYTES": "100000", "KSMP_CHAT_ATTACHMENT_DOUBT": "30"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        async with gateway(user_burst_factor=TIMES_THE_BURST, aws_endpoint=devcloud, environ=environ) as running:
            yield running


@pytest.fixture
def purpose(node: Running) -> Purpose:
    found = node.module(ChatModule).kernel.contributed(Purpose)
    return next(one for one in found if one.name == ATTACHMENT)


async def stored(node: Running, owner: str, room: str, state: FileState = FileState.CLEAN, **values: Any) -> str:
    """The id of a file that was uploaded for a room."""
    file = record(owner_id=owner, target=room, purpose="chat.attachment", state=state, **values)
    await node.module(FilesModule).rows.insert(file)
    return file.id


async def facts(node: Running, id: str) -> FileFacts:
    return (await of(node.module(ChatModule).kernel).facts([id]))[id]


async def held(node: Running, id: str) -> bool:
    return bool((await facts(node, id)).holders)


def who(id: str, role: Role = Role.STUDENT) -> Principal:
    return Principal(id=id, name=id, role=role, expires_at=2**50)


async def test_a_message_shows_its_files_to_all_who_come(node: Running, create_class: CreateClass) -> None:
    lesson = await create_class(students=2)
    ann, bob = lesson.students
    one = await stored(node, ann.user, lesson.room, name="one.pdf")
    two = await stored(node, ann.user, lesson.room, FileState.QUARANTINED, name="two.pdf")
    # The text may be empty, and the order is the sender's.
    seq = (await ann.command("chat.send", {"files": [two, one]}))["seq"]
    push = await bob.expect_push("chat.message")
    assert push["data"]["text"] == ""
    assert [(file["name"], file["state"]) for file in push["data"]["files"]] == [
        ("two.pdf", "quarantined"),
        ("one.pdf", "clean"),
    ]
    # When one is checked the room hears of it, and a snapshot says it.
    await node.module(FilesModule).lifecycle.clear(two)
    told = (await bob.expect_push("chat.file"))["data"]
    assert (told["file"]["id"], told["file"]["state"], told["rev"]) == (two, "clean", 2)
    (post,) = (await lesson.snapshot(bob))["chat.messages"]["messages"]
    assert post["seq"] == seq
    assert [file["state"] for file in post["files"]] == ["clean", "clean"]
    # A file that the scanner refuses too.
    bad = await stored(node, bob.user, lesson.room, FileState.QUARANTINED)
    await bob.command("chat.send", {"text": "look", "files": [bad]})
    await node.module(FilesModule).lifecycle.reject(bad, "infected")
    assert (await ann.expect_push("chat.file"))["data"] == told
    worse = (await ann.expect_push("chat.file"))["data"]
    assert (worse["file"]["id"], worse["file"]["state"]) == (bad, "rejected")
    await node.events_handled("chat.file_cleared", "chat.file_rejected")


async def test_a_message_without_files_is_as_it_was(create_class: CreateClass) -> None:
    lesson = await create_class()
    await lesson.student.command("chat.send", {"text": "hello"})
    assert (await lesson.mentor.expect_push("chat.message"))["data"] == {"text": "hello"}
    assert await lesson.student.refusal("chat.send", {}) == "invalid"
    assert await lesson.student.refusal("chat.send", {"text": " ", "files": []}) == "invalid"


async def test_what_is_no_file_of_a_message(node: Running, create_class: CreateClass) -> None:
    lesson, other = await create_class(students=2), await create_class()
    ann, bob = lesson.students
    room = lesson.room
    mine = await stored(node, ann.user, room)
    for files, code in (
        ([uuid.uuid4().hex], "invalid"),
        ([await stored(node, bob.user, room)], "invalid"),
        ([await stored(node, ann.user, other.room)], "invalid"),
        ([mine, mine], "invalid"),
        ([await stored(node, ann.user, room) for _ in range(4)], "invalid"),
        ([await stored(node, ann.user, room, FileState.PENDING)], "files.not_ready"),
        ([mine, await stored(node, ann.user, room, FileState.REJECTED)], "files.not_ready"),
    ):
        assert await ann.refusal("chat.send", {"text": "x", "files": files}) == code, files
    assert not await held(node, mine)
    await ann.command("chat.send", {"files": [mine]})
    # A file is in one message: with that it is deleted.
    assert await ann.refusal("chat.send", {"files": [mine]}) == "invalid"


async def test_sent_again_it_is_one_message(node: Running, create_class: CreateClass) -> None:
    lesson = await create_class()
    ann = lesson.student
    file = await stored(node, ann.user, lesson.room)
    sent = [await ann.command("chat.send", {"files": [file]}, nonce="n") for _ in range(2)]
    assert sent[0]["seq"] == sent[1]["seq"]
    await ann.command("chat.delete", {"seq": sent[0]["seq"]})
    assert not await held(node, file)
    # What is gone does not come back, and holds nothing again.
    await ann.command("chat.send", {"files": [file]}, nonce="n")
    assert not await held(node, file)


async def test_with_a_message_its_files_go(node: Running, create_class: CreateClass, purpose: Purpose) -> None:
    lesson = await create_class(students=2)
    ann, bob = lesson.students
    files = [await stored(node, ann.user, lesson.room) for _ in range(3)]
    other = await stored(node, bob.user, lesson.room)
    first, second, _ = [(await ann.command("chat.send", {"files": [file]}))["seq"] for file in files]
    await bob.command("chat.send", {"files": [other]})
    before = await facts(node, files[0])
    assert await purpose.may_read(who(bob.user), before)
    await lesson.mentor.command("chat.delete", {"seq": first})
    assert not await purpose.may_read(who(bob.user), before)
    assert [await held(node, file) for file in files] == [False, True, True]
    # Those of one user, then all.
    await lesson.mentor.command("chat.clear", {"user": ann.user})
    assert [await held(node, file) for file in [*files, other]] == [False, False, False, True]
    await lesson.mentor.command("chat.clear", {})
    assert not await held(node, other)
    assert await ann.refusal("chat.edit", {"seq": second, "text": "x"}) == "not_found"


async def test_an_edit_keeps_or_replaces_files(node: Running, create_class: CreateClass) -> None:
    lesson = await create_class(students=2)
    ann, bob = lesson.students
    one, two, three = [await stored(node, ann.user, lesson.room, FileState.QUARANTINED) for _ in range(3)]
    seq = (await ann.command("chat.send", {"text": "a", "files": [one, two]}))["seq"]
    await node.module(FilesModule).lifecycle.clear(one)
    await ann.command("chat.edit", {"seq": seq, "text": ""})
    edited = (await bob.expect_push("chat.edited"))["data"]
    # They are as they are now.
    assert [(file["id"], file["state"]) for file in edited["files"]] == [(one, "clean"), (two, "quarantined")]
    await ann.command("chat.edit", {"seq": seq, "text": "b", "files": [three, one]})
    edited = (await bob.expect_push("chat.edited"))["data"]
    assert [file["id"] for file in edited["files"]] == [three, one]
    assert [await held(node, file) for file in (one, two, three)] == [True, False, True]
    assert await ann.refusal("chat.edit", {"seq": seq, "text": "", "files": []}) == "invalid"
    assert await bob.refusal("chat.edit", {"seq": seq, "files": []}) in ("forbidden", "invalid")
    await ann.command("chat.edit", {"seq": seq, "text": "none", "files": []})
    assert "files" not in (await bob.expect_push("chat.edited"))["data"]
    assert not await held(node, one)
    # One that had none gets some, which go with it.
    plain = (await ann.command("chat.send", {"text": "plain"}))["seq"]
    late = await stored(node, ann.user, lesson.room)
    await ann.command("chat.edit", {"seq": plain, "files": [late]})
    assert await held(node, late)
    await ann.command("chat.delete", {"seq": plain})
    assert not await held(node, late)


async def test_mentors_say_who_posts_files(node: Running, create_class: CreateClass, purpose: Purpose) -> None:
    lesson = await create_class()
    ann, mentor = lesson.student, lesson.mentor
    theirs = [await stored(node, ann.user, lesson.room) for _ in range(2)]
    hosts = [await stored(node, mentor.user, lesson.room) for _ in range(2)]
    assert await ann.refusal("chat.configure", {"attachments": "allow"}) == "forbidden"
    await mentor.command("chat.configure", {"attachments": "hosts"})
    assert (await ann.expect_push("chat.settings"))["data"]["attachments"] == "hosts"
    assert await ann.refusal("chat.send", {"files": [theirs[0]]}) == "chat.attachments"
    with pytest.raises(Exception, match="may not be posted") as caught:
        await purpose.admit(who(ann.user), lesson.room)
    assert getattr(caught.value, "code", "") == "chat.attachments"
    await mentor.command("chat.send", {"files": [hosts[0]]})
    await mentor.command("chat.configure", {"attachments": "block"})
    assert await mentor.refusal("chat.send", {"files": [hosts[1]]}) == "chat.attachments"
    await ann.command("chat.send", {"text": "words still"})
    await mentor.command("chat.configure", {"attachments": "allow"})
    await ann.command("chat.send", {"files": [theirs[0]]})
    # A user who is muted sends and uploads nothing.
    await mentor.command("chat.mute", {"user": ann.user})
    await ann.expect_push("can")
    assert await ann.refusal("chat.send", {"files": [theirs[1]]}) == "chat.muted"
    with pytest.raises(Exception, match="muted"):
        await purpose.admit(who(ann.user), lesson.room)


async def test_who_uploads_and_reads(
    node: Running, create_class: CreateClass, create_session: CreateSession, purpose: Purpose, database: asyncpg.Pool
) -> None:
    lesson = await create_class(students=2, open=False)
    ann, bob = lesson.students
    file = await stored(node, ann.user, lesson.room)
    await ann.command("chat.send", {"files": [file]})
    found = await facts(node, file)
    allowance = await purpose.admit(who(ann.user), lesson.room)
    assert (allowance.most_bytes, allowance.quota) == (100_000, f"program:{lesson.program_id}")
    for reader in (who(ann.user), who(bob.user), who(lesson.mentor.user, Role.MENTOR), who("root", Role.ADMIN)):
        assert await purpose.may_read(reader, found), reader.id
    for stranger in (who("a-stranger"), who("another-mentor", Role.MENTOR)):
        assert not await purpose.may_read(stranger, found)
        with pytest.raises(Exception, match="take part"):
            await purpose.admit(stranger, lesson.room)
    for room in (f"session:{uuid.uuid4().hex}", f"user:{ann.user}", "session:", "nonsense"):
        with pytest.raises(Exception, match="no such room"):
            await purpose.admit(who(ann.user), room)
    # Who is kept out of the session or of its program reads nothing, their own files included.
    async with node.gateway.database.transaction():
        await keep_out(node.module(ChatModule).kernel, bob.user, lesson.program_id, None)
    assert not await purpose.may_read(who(bob.user), found)
    await database.execute("DELETE FROM program_enrolment WHERE user_id = $1", ann.user)
    assert not await purpose.may_read(who(ann.user), found)


async def test_a_message_that_was_not_stored_lets_its_files_go(
    node: Running, create_class: CreateClass, database: asyncpg.Pool
) -> None:
    lesson = await create_class()
    ann, chat = lesson.student, node.module(ChatModule)
    lost, late = [await stored(node, ann.user, lesson.room) for _ in range(2)]
    # As a gateway leaves it that ends before the log has answered: once nothing is stored, once the message is.
    message = Attachment(uuid.uuid4().hex, lesson.room, ann.user, clock.now() - timedelta(minutes=1))
    async with node.gateway.database.transaction():
        await AttachmentRepository(node.gateway.database).claim(message)
        holder = holder_of(lesson.room, message.message_id)
        await of(chat.kernel).attach(holder, [lost], purpose=ATTACHMENT, owner_id=ann.user)
    seq = (await ann.command("chat.send", {"files": [late]}))["seq"]
    await database.execute(
        "UPDATE chat_attachment SET seq = NULL, sent_at = sent_at - interval '1 minute' WHERE room = $1",
        lesson.room,
    )
    await chat.attachment_check.check()
    assert [await held(node, file) for file in (lost, late)] == [False, True]
    await ann.command("chat.delete", {"seq": seq})
    assert not await held(node, late)


async def test_a_deleted_user_s_files_go(node: Running, create_class: CreateClass) -> None:
    lesson = await create_class()
    ann, chat = lesson.student, node.module(ChatModule)
    file = await stored(node, ann.user, lesson.room)
    seq = (await ann.command("chat.send", {"files": [file]}))["seq"]
    (exported,) = (await chat.export(ann.user))["attachments"]
    assert (exported["room"], exported["seq"]) == (lesson.room, seq)
    for _ in range(2):
        async with node.gateway.database.transaction():
            await chat.forget(ann.user)
    assert not await held(node, file)
    assert "attachments" not in await chat.export(ann.user)


async def test_a_photograph_from_the_upload_to_its_thumbnail(node: Running, create_class: CreateClass) -> None:
    """The whole way, against a bucket. Without a scanner the file is clean a moment later."""
    lesson = await create_class(students=2)
    ann, bob = lesson.students
    given = {"purpose": "chat.attachment", "target": lesson.room, "name": "page.jpg", "type": "image/jpeg"}
    page = new(b"x", **{**given, "type": "text/html"})
    refused(await ann.rest.post(FILES, json=page), 400, "files.type_refused")
    id = (await uploaded(ann.rest, photograph(800, 600), **given))["id"]
    refused(await bob.rest.get(f"{FILES}/{id}/url"), 404, "not_found")
    await ann.command("chat.send", {"files": [id]})

    async def shown() -> bool:
        (post,) = (await lesson.snapshot(bob))["chat.messages"]["messages"]
        return bool(post["files"][0]["thumbnail"])

    await eventually(shown, "the thumbnail is shown")
    await node.events_handled("chat.file_rendered")
    # Whoever heard of the file last knows it as a snapshot has it.
    for told in bob.socket.pushes("chat.file", lesson.room)[-1:]:
        assert told["data"]["file"]["thumbnail"]
        assert told["data"]["rev"] == 4
    url = done(await bob.rest.get(f"{FILES}/{id}/url?rendition=thumbnail"))["url"]
    async with httpx.AsyncClient(trust_env=False) as s3:
        assert opened((await s3.get(url)).content).size == (240, 320)
    # With the message it goes, for whoever asks from then on.
    seq = (await bob.expect_push("chat.message"))["seq"]
    await ann.command("chat.delete", {"seq": seq})
    refused(await bob.rest.get(f"{FILES}/{id}/url"), 404, "not_found")


async def test_what_was_reported_is_kept_for_hosts(node: Running, create_class: CreateClass, purpose: Purpose) -> None:
    lesson = await create_class(students=2)
    ann, bob = lesson.students
    host = who(lesson.mentor.user, Role.MENTOR)
    rude, refused_one = [await stored(node, ann.user, lesson.room, FileState.QUARANTINED) for _ in range(2)]
    seq = (await ann.command("chat.send", {"files": [rude, refused_one]}))["seq"]
    await node.module(FilesModule).lifecycle.reject(refused_one, "infected")
    await bob.command("chat.report", {"seq": seq, "reason": "rude"})
    reports = f"/api/v1/chat/sessions/{lesson.id}/reports"
    (report,) = done(await lesson.mentor.rest.get(reports))["items"]
    assert [file["id"] for file in report["files"]] == [rude]
    # Its author deletes the message. Those who decide still see what it was, and nobody else does.
    await ann.command("chat.delete", {"seq": seq})
    found = await facts(node, rude)
    assert await purpose.may_read(host, found)
    assert await purpose.may_read(who("root", Role.ADMIN), found)
    for other in (who(ann.user), who(bob.user), who("another-mentor", Role.MENTOR)):
        assert not await purpose.may_read(other, found)
    one = done(await lesson.mentor.rest.get(f"/api/v1/chat/reports/{report['id']}"))
    assert one["files"] == report["files"]
    decided = await lesson.mentor.rest.post(f"/api/v1/chat/reports/{report['id']}/resolve", json={"status": "upheld"})
    assert done(decided)["files"] == []
    assert not await held(node, rude)
