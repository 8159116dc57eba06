"""How much there may be of what mentors write: each limit is a setting. And the files that they attach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.settings import SettingsError
from ksmp_testkit import Caller, Clients, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from modules.assignments.catalogue.date_timer import DATES
from modules.assignments.settings import AssignmentsSettings
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.files.conftest import CREDENTIALS
from tests.modules.files.uploads import begun, uploaded
from tests.modules.programs.programs import ANY, created, id_of, user

MATERIAL = "assignments.material"
ENVIRON = {
    "KSMP_ASSIGNMENTS_PER_PROGRAM": "3",
    "KSMP_ASSIGNMENTS_INSTRUCTIONS": "10",
    "KSMP_ASSIGNMENTS_FILE_BYTES": "1000",
    "KSMP_ASSIGNMENTS_FILES_MOST": "4",
    "KSMP_ASSIGNMENTS_QUESTIONS": "1",
    "KSMP_ASSIGNMENTS_MATERIALS": "1",
    "KSMP_ASSIGNMENTS_GROUP_SETS": "1",
    "KSMP_ASSIGNMENTS_GROUPS": "2",
    "KSMP_ASSIGNMENTS_DUE_SOON": "7200",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        async with gateway(
            aws_endpoint=devcloud, environ=ENVIRON, address_burst=100_000, request_burst=100_000
        ) as running:
            yield running


def is_about(answer: httpx.Response, field: str, status: int = 400, code: str = "invalid") -> None:
    refused(answer, status, code)
    assert answer.json()["errors"][0]["field"] == field


async def test_what_an_assignment_may_be(caller: Caller, node: Running) -> None:
    room = await classroom(caller, students=0)
    base: dict[str, Any] = {"program_id": room.program, "title": "A"}
    made = await room.assignment(due=later(days=1))
    assert (made["file_bytes"], made["files_most"]) == (1000, 4)
    (timer,) = [timer for timer in await node.timers(DATES) if timer.key == made["id"]]
    assert timer.at == datetime.fromisoformat(made["due"]["moment"]) - timedelta(hours=2)
    is_about(await room.teacher.post(f"{ASSIGNMENTS}/", json=base | {"file_bytes": 1001}), "file_bytes")
    is_about(await room.teacher.post(f"{ASSIGNMENTS}/", json=base | {"files_most": 5}), "files_most")
    long = base | {"instructions": "x" * 11}
    is_about(await room.teacher.post(f"{ASSIGNMENTS}/", json=long), "instructions", 413, "too_large")
    question = {"kind": "numeric", "text": "?", "points": 1, "value": "1"}
    path = f"{ASSIGNMENTS}/{made['id']}/questions"
    answer = await room.teacher.put(path, json={"questions": [question, question]}, headers=ANY)
    is_about(answer, "questions")
    await room.draft()
    await room.draft()
    refused(await room.teacher.post(f"{ASSIGNMENTS}/", json=base), 409, "assignments.too_many")


async def test_how_many_groups_there_may_be(caller: Caller) -> None:
    room = await classroom(caller, students=3)
    body = {"program_id": room.program, "name": "A"}
    made = done(await room.teacher.post(f"{ASSIGNMENTS}/group-sets/", json=body), 201)
    refused(await room.teacher.post(f"{ASSIGNMENTS}/group-sets/", json=body), 409, "conflict")
    path = f"{ASSIGNMENTS}/group-sets/{made['id']}"
    is_about(await room.teacher.post(f"{path}/split", json={"groups": 3}, headers=ANY), "groups")
    for _ in range(2):
        done(await room.teacher.post(f"{path}/groups", json={"name": "A"}, headers=ANY), 201)
    refused(await room.teacher.post(f"{path}/groups", json={"name": "A"}, headers=ANY), 409, "conflict")


@pytest.mark.parametrize("bad", [("soon",), ("0",), ("-5",), ("nan",), ("1e9",)])
def test_a_reminder_is_some_seconds_before(bad: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="DUE_SOON"):
        _ = AssignmentsSettings(due_soon=bad).leads


async def test_who_sees_an_open_assignment_reads_its_files(caller: Caller, clients: Clients) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    content = b"%PDF-1.7\nThe task\n%%EOF\n"
    file = (await uploaded(room.teacher, content, purpose=MATERIAL, target=room.program))["id"]
    other = (await uploaded(room.teacher, content, purpose=MATERIAL, target=room.program))["id"]
    body = {"program_id": room.program, "title": "A", "files": [file, other]}
    is_about(await room.teacher.post(f"{ASSIGNMENTS}/", json=body), "files")
    made = await room.draft(files=[file], opens=later(hours=1))
    assert [one["id"] for one in made["files"]] == [file]
    path, url = f"{ASSIGNMENTS}/{made['id']}", f"/api/v1/files/{file}/url"
    refused(await caller(sam).get(url), 404, "not_found")
    done(await room.teacher.post(f"{path}/publish", headers=ANY))
    # It is not open yet.
    assert (await room.read(sam, made["id"]))["files"] == []
    refused(await caller(sam).get(url), 404, "not_found")
    done(await room.teacher.patch(path, json={"opens": None}, headers=ANY))
    assert [one["name"] for one in (await room.read(sam, made["id"]))["files"]] == ["pages.pdf"]
    done(await caller(sam).get(url))
    refused(await caller(user()).get(url), 404, "not_found")
    changed = done(await room.teacher.patch(path, json={"files": []}, headers=ANY))
    assert changed["files"] == []
    refused(await caller(sam).get(url), 404, "not_found")


async def test_materials_are_uploaded_by_those_who_teach(caller: Caller) -> None:
    room = await classroom(caller)
    for other, status, code in (
        (caller(room.students[0]), 403, "forbidden"),
        (caller(user(), "mentor"), 404, "not_found"),
    ):
        body = {"purpose": MATERIAL, "target": room.program, "name": "a.pdf", "type": "application/pdf"}
        answer = await other.post("/api/v1/files", json=body | {"size": 5, "sha256": "0" * 64})
        refused(answer, status, code)
    file = (await begun(room.teacher, b"%PDF-1.7\n", purpose=MATERIAL, target=room.program))["file"]["id"]
    body = {"program_id": room.program, "title": "A", "files": [file]}
    refused(await room.teacher.post(f"{ASSIGNMENTS}/", json=body), 409, "files.not_ready")


async def test_a_file_of_another_program_is_not_attached(caller: Caller) -> None:
    room = await classroom(caller, students=0)
    other = id_of(await created(room.teacher))
    file = (await uploaded(room.teacher, b"%PDF-1.7\n%%EOF\n", purpose=MATERIAL, target=room.program))["id"]
    body = {"program_id": other, "title": "A", "files": [file]}
    is_about(await room.teacher.post(f"{ASSIGNMENTS}/", json=body), "files")
    made = await room.draft(program_id=other)
    path = f"{ASSIGNMENTS}/{made['id']}"
    is_about(await room.teacher.patch(path, json={"files": [file]}, headers=ANY), "files")
    assert [one["id"] for one in (await room.draft(files=[file]))["files"]] == [file]
