"""Work with files: what is acknowledged has its objects, and those read it who may."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from modules.files.module import FilesModule
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.assignments.submissions.work import PURPOSE, Work, set_dates
from tests.modules.files.uploads import FILES, PDF, completed, new, sent, sha256
from tests.modules.programs.programs import user

OTHER = PDF + b"more"


async def delete_object(node: Running, database: asyncpg.Pool, file_id: str) -> None:
    key = await database.fetchval("SELECT object_key FROM file WHERE id = $1", file_id)
    await node.module(FilesModule).bucket.delete(key)


async def test_a_receipt_has_the_hashes_of_files_in_their_order(caller: Caller) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["files"]))["id"])
    first, second = [await work.upload(content, name=name) for content, name in ((PDF, "b.pdf"), (OTHER, "a.pdf"))]
    await work.save(files=[first, second])
    saved = await work.save(files=[second, first])
    assert [one["id"] for one in saved["files"]] == [second, first]
    receipt = await work.turn_in()
    assert [(one["name"], one["sha256"], one["size"]) for one in receipt["files"]] == [
        ("a.pdf", sha256(OTHER), len(OTHER)),
        ("b.pdf", sha256(PDF), len(PDF)),
    ]
    assert (await work.receipt(1)) == receipt
    assert [one["id"] for one in (await work.attempt(1))["files"]] == [second, first]
    # A later draft takes nothing from it.
    done(await work.step("reclaim"))
    await work.save(files=[])
    assert [one["id"] for one in (await work.attempt(1))["files"]] == [second, first]


async def test_nothing_is_acknowledged_whose_object_is_gone(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["files", "text"]))["id"])
    kept, lost = await work.upload(PDF), await work.upload(OTHER)
    await work.save(files=[kept, lost], text="See both.")
    await delete_object(node, database, lost)
    refused(await work.try_turn_in(), 409, "files.lost")
    assert (await work.read())["attempts"] == []
    # The draft is there, and with the file once more it is turned in.
    again = await work.upload(OTHER)
    await work.save(files=[kept, again], text="See both.")
    assert len((await work.turn_in())["files"]) == 2


async def test_who_reads_what_is_turned_in(caller: Caller, node: Running) -> None:
    room = await classroom(caller, students=2)
    id = (await room.assignment(accepts=["files"]))["id"]
    work, other = (Work(caller, student, id) for student in room.students)
    file = await work.upload(PDF)
    await node.module(FilesModule).lifecycle.clear(file)
    await work.save(files=[file])
    url = f"{FILES}/{file}/url"
    done(await work.rest.get(url))
    # A draft is its student's alone.
    refused(await room.teacher.get(url), 404, "not_found")
    await work.turn_in()
    async with httpx.AsyncClient(trust_env=False) as web:
        assert (await web.get(done(await room.teacher.get(url))["url"])).content == PDF
    done(await work.rest.get(url))
    refused(await other.rest.get(url), 404, "not_found")
    refused(await caller(user(), "mentor").get(url), 404, "not_found")
    # Nobody hands in somebody else's file.
    refused(await other.try_save(files=[file]), 400, "invalid")


async def test_who_marks_anonymously_sees_no_file_name(caller: Caller, node: Running) -> None:
    room = await classroom(caller)
    id = (await room.assignment(accepts=["files"], anonymous=True, due=later(days=1)))["id"]
    work = Work(caller, room.students[0], id)
    file = await work.upload(PDF, name="Asha Rao 9b.pdf")
    await node.module(FilesModule).lifecycle.clear(file)
    await work.save(files=[file])
    await work.turn_in()
    listed = done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions"))
    (line,) = listed["items"]
    assert (line["user_ids"], line["turned_in_at"], line["group_id"]) == ([], None, None)
    whole = done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions/{line['submission_id']}"))
    (attempt,) = whole["history"]
    assert attempt["files"][0]["name"] == f"{line['name']}-1.pdf"
    found = done(await room.teacher.get(f"{FILES}/{file}"))
    assert found["name"] == f"{line['name']}-1.pdf"
    url = done(await room.teacher.get(f"{FILES}/{file}/url"))["url"]
    assert f"{line['name']}-1.pdf" in parse_qs(urlsplit(url).query)["response-content-disposition"][0]
    for answer in (listed, whole, found, url):
        assert "Asha" not in str(answer)
        assert work.user not in str(answer)
    assert "Asha" in str(done(await work.rest.get(f"{FILES}/{file}")))


@pytest.mark.parametrize(
    ("assignment", "type", "code"),
    [
        ({"accepts": ["text"]}, "application/pdf", "invalid"),
        ({"accepts": ["files"]}, "text/html", "files.type_refused"),
        ({"accepts": ["pages"]}, "application/pdf", "files.type_refused"),
        ({"accepts": ["files"], "file_types": ["image/png"]}, "application/pdf", "files.type_refused"),
    ],
)
async def test_only_what_the_assignment_takes_is_uploaded(
    caller: Caller, assignment: dict[str, object], type: str, code: str
) -> None:
    room = await classroom(caller)
    id = (await room.assignment(**assignment))["id"]
    wanted = new(PDF, purpose=PURPOSE, target=id, type=type, name="x")
    refused(await caller(room.students[0]).post(FILES, json=wanted), 400, code)


async def test_who_uploads_for_an_assignment(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller)
    assignment = await room.assignment(accepts=["files"], file_bytes=1000, files_most=1)
    work = Work(caller, room.students[0], assignment["id"])
    wanted = new(PDF, purpose=PURPOSE, target=work.id)
    refused(await room.teacher.post(FILES, json=wanted), 403, "forbidden")
    refused(await caller(user()).post(FILES, json=wanted), 404, "not_found")
    refused(await work.rest.post(FILES, json=wanted | {"size": 1001}), 413, "too_large")
    files = [await work.upload(PDF), await work.upload(OTHER)]
    refused(await work.try_save(files=files), 400, "invalid")
    assert await database.fetchval("SELECT quota FROM file WHERE id = $1", files[0]) == f"program:{room.program}"
    await set_dates(database, work.id, due=None, closes=clock.now() - timedelta(seconds=1))
    refused(await work.rest.post(FILES, json=wanted), 409, "assignments.closed")


@pytest.mark.parametrize("late", [{"kind": "none"}, {"kind": "percent", "percent": "10"}])
async def test_an_upload_that_began_in_time_counts_as_in_time(
    caller: Caller, database: asyncpg.Pool, late: dict[str, str]
) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["files", "text"], late=late))["id"])
    await work.save(text="With a file.")
    begun = await work.begin_upload(PDF)
    due = clock.now()
    await set_dates(database, work.id, due=due, closes=None)
    done(await sent(begun["upload"]), 204)
    await completed(work.rest, begun["file"]["id"])
    await work.save(text="With a file.", files=[begun["file"]["id"]])
    receipt = await work.turn_in()
    assert receipt["counted_at"] <= due.isoformat().replace("+00:00", "Z") < receipt["turned_in_at"]
    assert receipt["days_late"] == 0


async def test_what_is_written_after_the_due_moment_does_not_hide_behind_an_upload(
    caller: Caller, database: asyncpg.Pool
) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["files", "text"]))["id"])
    begun = await work.begin_upload(PDF)
    await set_dates(database, work.id, due=clock.now(), closes=None)
    done(await sent(begun["upload"]), 204)
    await completed(work.rest, begun["file"]["id"])
    await work.save(text="Written later.", files=[begun["file"]["id"]])
    assert (await work.turn_in())["days_late"] == 1


async def test_a_file_for_another_assignment_is_not_handed_in(caller: Caller) -> None:
    """Who may read a file, and whether its name is hidden, goes by the assignment that it was uploaded for."""
    room = await classroom(caller)
    plain = Work(caller, room.students[0], (await room.assignment(accepts=["files"]))["id"])
    hidden = await room.assignment(accepts=["files", "text"], anonymous=True, due=later(days=1))
    work = Work(caller, room.students[0], hidden["id"])
    file = await plain.upload(PDF, name="Asha Rao 9b.pdf")
    refused(await work.try_save(text="See there.", files=[file]), 400, "invalid")
    assert (await work.draft())["rev"] == 0
    await plain.save(files=[file])
    assert len((await plain.turn_in())["files"]) == 1
