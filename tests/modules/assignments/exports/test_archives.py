"""Archives by way of the gateway: what is in them, who gets them, and what becomes of them when S3 fails."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.answers import refused
from ksmp_testkit.member import clients_of
from modules.assignments.exports.archive_leases import ArchiveLeases
from modules.files.module import FilesModule
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later
from tests.modules.assignments.submissions.test_files import delete_object
from tests.modules.assignments.submissions.work import Work
from tests.modules.files.bucket import S3
from tests.modules.files.uploads import PDF
from tests.modules.programs.programs import user

OTHER = PDF + b"more"


async def clean(node: Running, work: Work, content: bytes, name: str) -> str:
    """A file that the scanner has passed."""
    file = await work.upload(content, name=name)
    await node.module(FilesModule).lifecycle.clear(file)
    return file


async def archive(room: Classroom, id: str) -> zipfile.ZipFile:
    answer = await room.teacher.get(f"{ASSIGNMENTS}/{id}/archive")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    return found


def rows(found: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(found.read("manifest.csv").decode("utf-8-sig"))))


async def test_all_that_was_turned_in(caller: Caller, node: Running) -> None:
    room = await classroom(caller, students=3)
    id = (await room.assignment(accepts=["files", "text", "link"], due=later(days=1)))["id"]
    ann, bob, _ = (Work(caller, student, id) for student in room.students)
    first, second = await clean(node, ann, PDF, "b.pdf"), await clean(node, ann, OTHER, "a.pdf")
    await ann.save(files=[first, second], text="See both.")
    receipt = await ann.turn_in()
    await bob.save(text="Only text", link="https://example.org/mine")
    await bob.turn_in()
    await bob.draft()
    found = await archive(room, id)
    listed = {row["path"].partition("/")[2]: row for row in rows(found)}
    assert set(listed) == {"01 b.pdf", "02 a.pdf", "text.txt", "link.txt"}
    one = listed["01 b.pdf"]
    assert found.read(one["path"]) == PDF
    assert found.read(listed["02 a.pdf"]["path"]) == OTHER
    assert one["sha256"] == receipt["files"][0]["sha256"]
    assert (one["student ids"], one["submission"], one["days late"]) == (ann.user, receipt["submission_id"], "0")
    manifest = json.loads(found.read("manifest.json"))
    assert manifest["whole"] is True
    assert {work["student_ids"][0] for work in manifest["submissions"]} == {ann.user, bob.user}


async def test_what_is_not_there_is_named(caller: Caller, node: Running, database: Any) -> None:
    room = await classroom(caller)
    id = (await room.assignment(accepts=["files"]))["id"]
    work = Work(caller, room.students[0], id)
    kept, lost = await clean(node, work, PDF, "kept.pdf"), await clean(node, work, OTHER, "lost.pdf")
    await work.save(files=[kept, lost])
    await work.turn_in()
    await delete_object(node, database, lost)
    found = await archive(room, id)
    states = {row["file name"]: row["state"] for row in rows(found)}
    assert states == {"kept.pdf": "there", "lost.pdf": "lost"}
    assert json.loads(found.read("manifest.json"))["whole"] is False


async def test_fault_10_an_anonymous_archive_names_nobody(caller: Caller, node: Running) -> None:
    """Fault 10: no folder, file, path, moment or row of the manifest says whose work it is."""
    room = await classroom(caller, students=2)
    id = (await room.assignment(accepts=["files"], anonymous=True, due=later(days=1)))["id"]
    for student in room.students:
        work = Work(caller, student, id)
        await work.save(files=[await clean(node, work, PDF, f"{student} 9b.pdf")])
        await work.turn_in()
    found = await archive(room, id)
    whole = "".join([*found.namelist(), found.read("manifest.csv").decode(), found.read("manifest.json").decode()])
    assert not any(student in whole for student in room.students)
    assert {info.date_time[0] for info in found.infolist() if "/" in info.filename} == {1980}
    assert {row["turned in"] for row in rows(found)} == {""}


async def test_only_those_who_teach_get_one_and_the_audit_says_who(caller: Caller, node: Running) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    path = f"{ASSIGNMENTS}/{id}/archive"
    refused(await caller(room.students[0]).get(path), 403, "forbidden")
    refused(await caller(user(), "mentor").get(path), 404, "not_found")
    assert zipfile.ZipFile(io.BytesIO((await caller("boss", "admin").get(path)).content)).namelist() == [
        "manifest.csv",
        "manifest.json",
    ]
    audit = "SELECT actor FROM account_audit WHERE act = $1 AND subject = $2"
    found = await node.gateway.database.fetch(audit, "assignments.archive", id)
    assert [row["actor"] for row in found] == ["boss"]


async def test_s3_that_is_away_is_told_before_the_archive_begins(caller: Caller, node: Running, s3: S3) -> None:
    room = await classroom(caller)
    id = (await room.assignment(accepts=["files"]))["id"]
    work = Work(caller, room.students[0], id)
    await work.save(files=[await clean(node, work, PDF, "a.pdf")])
    await work.turn_in()
    await s3.fails(GetObject={"error": "InternalError"})
    refused(await room.teacher.get(f"{ASSIGNMENTS}/{id}/archive"), 503, "unavailable")
    await s3.works()


async def read_into(came: list[bytes], answer: httpx.Response) -> None:
    async for piece in answer.aiter_raw():
        came.append(piece)  # noqa: PERF401


async def test_an_archive_that_s3_breaks_off_has_no_end(caller: Caller, node: Running, s3: S3) -> None:
    room = await classroom(caller)
    id = (await room.assignment(accepts=["files", "text"]))["id"]
    work = Work(caller, room.students[0], id)
    await work.save(files=[await clean(node, work, PDF, "a.pdf")], text="The text comes first. " * 100)
    await work.turn_in()
    await s3.fails(GetObject={"error": "InternalError"})
    came: list[bytes] = []
    async with room.teacher.stream("GET", f"{ASSIGNMENTS}/{id}/archive") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            await read_into(came, answer)
    assert came
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(came)))
    await s3.works()


async def test_a_user_has_one_archive_at_a_time(caller: Caller, node: Running) -> None:
    room = await classroom(caller)
    path = f"{ASSIGNMENTS}/{(await room.assignment())['id']}/archive"
    leases = ArchiveLeases(node.gateway.database, 60.0)
    claim = await leases.claim(room.mentor)
    assert claim is not None
    assert await leases.claim(room.mentor) is None
    answer = await room.teacher.get(path)
    refused(answer, 429, "assignments.archive_busy")
    assert int(answer.headers["retry-after"]) > 0
    assert (await caller("boss", "admin").get(path)).status_code == 200
    await leases.release(room.mentor, claim)
    for _ in range(2):
        assert (await room.teacher.get(path)).status_code == 200


async def test_a_lease_that_nobody_renews_ends(caller: Caller, node: Running) -> None:
    who = user()
    killed = ArchiveLeases(node.gateway.database, 0.0)
    old = await killed.claim(who)
    assert old is not None
    new = await ArchiveLeases(node.gateway.database, 60.0).claim(who)
    assert new is not None
    assert not await killed.renew(who, old)
    assert await killed.renew(who, new)


async def test_limits_are_settings(gateway: MakeGateway, token: MakeToken, devcloud: str, s3: S3) -> None:
    environ = {"KSMP_ASSIGNMENTS_ARCHIVE_SUBMISSIONS": "1", "KSMP_ASSIGNMENTS_ARCHIVES_AT_ONCE": "1"}
    async with (
        gateway(environ=environ, aws_endpoint=devcloud) as running,
        clients_of(running, token) as clients,
    ):
        room = await classroom(clients.rest, students=2)
        id = (await room.assignment(accepts=["files", "text"]))["id"]
        path = f"{ASSIGNMENTS}/{id}/archive"
        one, two = (Work(clients.rest, student, id) for student in room.students)
        await one.save(files=[await clean(running, one, PDF, "a.pdf")])
        await one.turn_in()
        await s3.fails(GetObject={"hang": 2.0})
        first = asyncio.create_task(room.teacher.get(path))
        held = "SELECT FROM assignments_archive WHERE user_id = $1"
        await eventually(lambda: running.gateway.database.fetch(held, room.mentor), "the first archive has begun")
        refused(await clients.rest("boss", "admin").get(path), 429, "assignments.archive_busy")
        await s3.works()
        await first
        await two.hand_in()
        refused(await room.teacher.get(path), 400, "invalid")
