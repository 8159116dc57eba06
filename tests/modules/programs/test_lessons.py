"""What lessons consist of: texts, links and recordings, in order, edited by several; and who reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from gateway.errors import BadInput, Refused
from gateway.principal import Principal, Role
from ksmp_testkit import Caller, CreateSession, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from ksmp_testkit.socket_client import connected
from modules.files.facade import FileFacts, FileState, Purpose, of
from modules.files.module import FilesModule
from modules.files.records import FileRecord
from modules.programs.module import ProgramsModule
from tests.modules.files.conftest import CREDENTIALS
from tests.modules.files.test_stored_files import record
from tests.modules.files.uploads import FILES, new, uploaded
from tests.modules.programs.programs import ANY, created, id_of, user

NOON = datetime(2026, 2, 2, 12, 0, tzinfo=UTC)
FILM = {"kind": "link", "title": "A film", "url": "https://videos.example.org/x?y=1"}
NOTE = {"kind": "text", "title": "First", "text": "Read this before the class."}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = {"KSMP_PROGRAMS_MATERIAL_BYTES": "100000"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        async with gateway(address_burst=100_000, aws_endpoint=devcloud, environ=environ) as running:
            yield running


async def new_lesson(mentor: httpx.AsyncClient, path: str) -> str:
    """The path of a new lesson in a new unit."""
    unit = done(await mentor.post(f"{path}/units", json={"title": "Numbers"}), 201)["id"]
    made = await mentor.post(f"{path}/units/{unit}/lessons", json={"title": "One", "text": "It is odd."})
    assert made.status_code == 201, made.text
    return str(made.headers["location"])


async def add(mentor: httpx.AsyncClient, lesson: str, item: dict[str, Any]) -> Any:
    return done(await mentor.post(f"{lesson}/items", json=item), 201)


def names(lesson: Any) -> list[str]:
    return [item["title"] for item in lesson["items"]]


async def test_items_are_read_in_their_order_by_those_who_take_part(caller: Caller) -> None:
    mentor, other, sam, stranger = caller(user(), "mentor"), caller(user(), "mentor"), caller(user()), caller(user())
    path = await created(mentor)
    lesson = await new_lesson(mentor, path)
    await sam.post(f"{path}/enrolment")
    film, note = await add(mentor, lesson, FILM), await add(mentor, lesson, NOTE)
    assert (film["url"], film["text"], note["text"]) == (FILM["url"], None, NOTE["text"])
    read = await sam.get(lesson)
    assert done(read)["items"] == [film, note]
    assert (read.json()["text"], read.json()["sessions"]) == ("It is odd.", [])
    # The lesson and its unit have the number of the last change.
    units = done(await sam.get(f"{path}/curriculum"))["units"]
    assert note["rev"] == read.json()["rev"] == units[0]["rev"] == units[0]["lessons"][0]["rev"] == film["rev"] + 1
    for somebody in (other, stranger, sam):
        for answer in (
            await somebody.post(f"{lesson}/items", json=FILM),
            await somebody.patch(f"{lesson}/items/{film['id']}", json={"title": "X"}, headers=ANY),
            await somebody.delete(f"{lesson}/items/{film['id']}", headers=ANY),
            await somebody.put(f"{lesson}/items/order", json={"items": []}, headers=ANY),
        ):
            refused(answer, 403, "forbidden")
    refused(await stranger.get(lesson), 403, "forbidden")
    # An item is of one lesson alone.
    elsewhere = await new_lesson(mentor, path)
    refused(await mentor.patch(f"{elsewhere}/items/{film['id']}", json={}, headers=ANY), 404, "not_found")
    refused(await mentor.delete(f"{elsewhere}/items/{film['id']}", headers=ANY), 404, "not_found")
    # With its lesson it goes.
    done(await mentor.delete(lesson, headers=ANY), 204)
    refused(await mentor.patch(f"{lesson}/items/{film['id']}", json={}, headers=ANY), 404, "not_found")


async def test_of_those_who_edit_an_item_at_once_one_wins(caller: Caller) -> None:
    mentor = caller(user(), "mentor")
    lesson = await new_lesson(mentor, await created(mentor))
    film, note = await add(mentor, lesson, FILM), await add(mentor, lesson, NOTE)
    seen = {"If-Match": f'"{film["rev"]}"'}
    at = f"{lesson}/items/{film['id']}"
    answers = await asyncio.gather(
        *(mentor.patch(at, json={"title": f"Film {n}"}, headers=seen) for n in range(4)),
        mentor.patch(f"{lesson}/items/{note['id']}", json={"text": "New"}, headers={"If-Match": f'"{note["rev"]}"'}),
    )
    assert sorted(one.status_code for one in answers[:4]) == [200, 412, 412, 412]
    assert done(answers[4])["text"] == "New"
    (won,) = [one.json() for one in answers[:4] if one.status_code == 200]
    whole = await mentor.get(lesson)
    assert done(whole)["items"] == [won, answers[4].json()]
    # An order is of the lesson as it was seen: whoever adds one meanwhile makes it 412.
    turned = {"items": [note["id"], film["id"]]}
    etag = {"If-Match": whole.headers["etag"]}
    assert names(done(await mentor.put(f"{lesson}/items/order", json=turned, headers=etag))) == ["First", won["title"]]
    refused(await mentor.put(f"{lesson}/items/order", json=turned, headers=etag), 412, "precondition_failed")
    for wrong in ([], [note["id"]], [note["id"], note["id"]], [*turned["items"], user()]):
        refused(await mentor.put(f"{lesson}/items/order", json={"items": wrong}, headers=ANY), 400, "invalid")
    refused(await mentor.delete(at, headers=seen), 412, "precondition_failed")
    refused(await mentor.delete(at), 428, "precondition_required")
    done(await mentor.delete(at, headers={"If-Match": f'"{won["rev"]}"'}), 204)
    done(await mentor.patch(f"{lesson}/items/{note['id']}", json={"title": None}, headers=ANY))
    assert names(done(await mentor.get(lesson))) == [""]
    # Nobody deletes a lesson with an item that they have not seen.
    refused(await mentor.delete(lesson, headers=etag), 412, "precondition_failed")


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "link"},
        {"kind": "link", "url": "http://example.org"},
        {"kind": "link", "url": "https://user:pass@example.org/"},
        {"kind": "link", "url": "https://example.org/\n"},
        {"kind": "link", "url": "https://example.org/ a"},
        {"kind": "link", "url": "javascript:alert(1)"},
        {"kind": "link", "url": "https://example.org/", "text": "no"},
        {"kind": "text", "url": "https://example.org/"},
        {"kind": "text", "title": "nothing"},
        {"kind": "recording", "session_id": "there-is-none"},
        {"kind": "slides", "text": "x"},
    ],
)
async def test_what_is_no_item(caller: Caller, item: dict[str, Any]) -> None:
    mentor = caller("mentor-of-wrong-items", "mentor")
    lesson = await new_lesson(mentor, await created(mentor))
    refused(await mentor.post(f"{lesson}/items", json=item), 400, "invalid")
    assert done(await mentor.get(lesson))["items"] == []


async def test_recordings_of_a_lesson_s_sessions(
    caller: Caller, database: asyncpg.Pool, create_session: CreateSession
) -> None:
    mentor, sam = caller(user(), "mentor"), caller(user())
    path, elsewhere = await created(mentor), await created(mentor)
    lesson = await new_lesson(mentor, path)
    await sam.post(f"{path}/enrolment")

    async def session(program: str, about: str | None, day: int, state: str = "ended", recordings: int = 0) -> str:
        id = await create_session()
        starts = NOON + timedelta(days=day)
        await database.execute(
            "UPDATE live_session SET program_id = $2, lesson_id = $3, starts_at = $4, ends_at = $4, state = $5 "
            "WHERE id = $1",
            *(id, id_of(program), about, starts, state),
        )
        for n in range(recordings):
            await database.execute(
                "INSERT INTO live_recording (id, session_id, bucket, prefix, duration_ms, started_at) "
                "VALUES ($1, $2, 'b', 'p', 1000, $3)",
                *(f"{id}-{n}", id, starts + timedelta(minutes=n)),
            )
        return id

    later = await session(path, id_of(lesson), 2, recordings=1)
    first = await session(path, id_of(lesson), 1, recordings=2)
    await session(path, id_of(lesson), 3, state="cancelled")
    other = await session(path, None, 0, recordings=1)
    foreign = await session(elsewhere, id_of(lesson), 0, recordings=1)
    # By default those that are about the lesson, in order of time.
    read = done(await sam.get(lesson))
    assert [one["id"] for one in read["sessions"]] == [first, later]
    assert [one["id"] for one in read["sessions"][0]["recordings"]] == [f"{first}-0", f"{first}-1"]
    # An item puts one into the lesson's order, also one that is about another lesson, of this program alone.
    item = await add(mentor, lesson, {"kind": "recording", "session_id": other})
    assert [one["id"] for one in item["session"]["recordings"]] == [f"{other}-0"]
    refused(await mentor.post(f"{lesson}/items", json={"kind": "recording", "session_id": foreign}), 400, "invalid")
    at = f"{lesson}/items/{item['id']}"
    refused(await mentor.patch(at, json={"session_id": foreign}, headers=ANY), 400, "invalid")
    done(await mentor.patch(at, json={"session_id": later}, headers=ANY))
    # A recording that is deleted goes, without a new revision.
    etag = (await sam.get(lesson)).headers["etag"]
    await database.execute("UPDATE live_recording SET deleted_at = now() WHERE id = $1", f"{first}-0")
    answer = await sam.get(lesson, headers={"If-None-Match": etag})
    read = done(answer)
    assert answer.headers["etag"] == etag
    assert [one["session"]["id"] for one in read["items"]] == [later]
    assert [[one["id"] for one in each["recordings"]] for each in read["sessions"]] == [[f"{first}-1"]]


async def test_the_room_hears_of_items(caller: Caller, node: Running, token: MakeToken) -> None:
    mentor, sam = caller(user(), "mentor"), user()
    path = await created(mentor)
    lesson = await new_lesson(mentor, path)
    await caller(sam).post(f"{path}/enrolment")
    async with connected(node.ws_url, token(sam)) as client:
        await client.join(f"program:{id_of(path)}")
        item = await add(mentor, lesson, FILM)
        push = await client.expect_push("programs.curriculum")
        # The lesson's revision says to read it again.
        (unit,) = push["data"]["units"]
        assert [one["rev"] for one in unit["lessons"]] == [item["rev"]]


async def test_texts_pass_the_filters_and_limits_are_settings(gateway: MakeGateway, token: MakeToken) -> None:
    environ = {"KSMP_PROGRAMS_LESSON_ITEMS": "2", "KSMP_PROGRAMS_LESSON_CHARACTERS": "10"}
    async with gateway(environ=environ) as running, clients_of(running, token) as clients:
        mentor = clients.rest(user(), "mentor")
        path = await created(mentor)
        unit = done(await mentor.post(f"{path}/units", json={"title": "a"}), 201)["id"]
        made = await mentor.post(f"{path}/units/{unit}/lessons", json={"title": "x"})
        lesson = str(made.headers["location"])
        refused(await mentor.post(f"{lesson}/items", json={"kind": "text", "text": "x" * 11}), 413, "too_large")
        refused(await mentor.post(f"{lesson}/items", json=FILM | {"title": "fuck"}), 400, "chat.refused")
        item = await add(mentor, lesson, {"kind": "text", "text": "x" * 10})
        at = f"{lesson}/items/{item['id']}"
        refused(await mentor.patch(at, json={"text": "x" * 11}, headers=ANY), 413, "too_large")
        refused(await mentor.patch(at, json={"url": FILM["url"]}, headers=ANY), 400, "invalid")
        await add(mentor, lesson, FILM)
        refused(await mentor.post(f"{lesson}/items", json=FILM), 409, "programs.curriculum_full")


async def test_who_uploads_materials_and_who_reads_them(caller: Caller, node: Running) -> None:
    teacher, sam = user(), user()
    mentor = caller(teacher, "mentor")
    path = await created(mentor)
    program, lesson = id_of(path), id_of(await new_lesson(mentor, path))
    await caller(sam).post(f"{path}/enrolment")
    (material,) = [
        one for one in node.module(ProgramsModule).kernel.contributed(Purpose) if one.name == "programs.material"
    ]

    def who(id: str, role: Role = Role.STUDENT) -> Principal:
        return Principal(id=id, name=id, role=role, expires_at=2**50)

    for editor in (who(teacher, Role.MENTOR), who(user(), Role.ADMIN)):
        allowance = await material.admit(editor, program)
        assert (allowance.quota, allowance.most_bytes) == (f"program:{program}", 100_000)
        assert "application/pdf" in allowance.types
    for stranger in (who(user(), Role.MENTOR), who(sam)):
        with pytest.raises(Refused):
            await material.admit(stranger, program)
    with pytest.raises(BadInput, match="no such program"):
        await material.admit(who(teacher, Role.MENTOR), user())

    file = FileFacts(
        "f", teacher, "programs.material", program, "a.pdf", "application/pdf", 1, "0" * 64, FileState.CLEAN, NOON, NOON
    )
    held = msgspec.structs.replace(file, holders=(f"programs.lesson:{lesson}",))
    assert await material.may_read(who(sam), held)
    assert await material.may_read(who(teacher, Role.MENTOR), file)
    # What no lesson holds any more is for mentors; a stranger reads nothing.
    assert not await material.may_read(who(sam), file)
    assert not await material.may_read(who(user()), held)
    # A user who loses the place reads it no more.
    await caller(sam).delete(f"{path}/enrolment")
    assert not await material.may_read(who(sam), held)
    assert not await material.may_read(who(sam), msgspec.structs.replace(held, target=user()))


async def test_files_of_a_lesson(caller: Caller, node: Running) -> None:
    teacher = user()
    mentor, other, sam, stranger = caller(teacher, "mentor"), caller(user(), "mentor"), caller(user()), caller(user())
    path, elsewhere = await created(mentor), await created(mentor)
    lesson = await new_lesson(mentor, path)
    await sam.post(f"{path}/enrolment")

    async def material(program: str, name: str) -> str:
        given = {"purpose": "programs.material", "target": id_of(program), "name": name}
        id: str = (await uploaded(mentor, **given))["id"]
        return id

    slides, notes = await material(path, "slides.pdf"), await material(path, "notes.pdf")
    wanted = new(purpose="programs.material", target=id_of(path))
    refused(await other.post(FILES, json=wanted), 403, "forbidden")
    refused(await sam.post(FILES, json=wanted), 403, "forbidden")
    refused(await mentor.post(FILES, json=wanted | {"type": "text/html"}), 400, "files.type_refused")
    refused(await mentor.post(FILES, json=wanted | {"size": 200_000}), 413, "too_large")
    for id in (await material(elsewhere, "foreign.pdf"), user()):
        refused(await mentor.post(f"{lesson}/items", json={"kind": "file", "file_id": id}), 400, "invalid")

    item = await add(mentor, lesson, {"kind": "file", "title": "Slides", "file_id": slides})
    assert (item["file"]["id"], item["file"]["name"], item["file"]["type"]) == (slides, "slides.pdf", "application/pdf")
    refused(await mentor.post(f"{lesson}/items", json={"kind": "file", "file_id": slides}), 400, "invalid")
    second = await add(mentor, lesson, {"kind": "file", "file_id": notes})

    async def clean() -> bool:
        return [one["file"]["state"] for one in done(await sam.get(lesson))["items"]] == ["clean", "clean"]

    await eventually(clean, "the files may be read")
    # Read by those who read the lesson, and by nobody else; asked anew.
    assert done(await sam.get(f"{FILES}/{slides}/url"))["url"]
    for somebody in (other, stranger):
        refused(await somebody.get(f"{FILES}/{slides}/url"), 404, "not_found")
    # A file that is put in another's place, or deleted with its item, is no student's any more.
    at, third = f"{lesson}/items/{item['id']}", await material(path, "third.pdf")
    changed = done(await mentor.patch(at, json={"file_id": third}, headers=ANY))
    assert (changed["file"]["id"], changed["title"]) == (third, "Slides")
    refused(await sam.get(f"{FILES}/{slides}/url"), 404, "not_found")
    done(await mentor.delete(f"{lesson}/items/{second['id']}", headers=ANY), 204)
    refused(await sam.get(f"{FILES}/{notes}/url"), 404, "not_found")
    # With the lesson, and with its unit.
    storage = of(node.module(ProgramsModule).kernel)
    assert (await storage.facts([third]))[third].holders == (f"programs.lesson:{id_of(lesson)}",)
    unit = done(await mentor.get(lesson))["unit_id"]
    again = await new_lesson(mentor, path)
    await add(mentor, again, {"kind": "file", "file_id": notes})
    done(await mentor.delete(f"{path}/units/{unit}", headers=ANY), 204)
    done(await mentor.delete(again, headers=ANY), 204)
    assert [one.holders for one in (await storage.facts([third, notes])).values()] == [(), ()]


async def test_a_file_that_is_refused_later_is_in_nobody_s_way(caller: Caller, node: Running) -> None:
    teacher = user()
    mentor = caller(teacher, "mentor")
    path = await created(mentor)
    lesson = await new_lesson(mentor, path)
    # It is rejected by hand before the gateway, which has no scanner, lets it pass.
    files = node.module(FilesModule)
    bad = record(owner_id=teacher, purpose="programs.material", target=id_of(path), state=FileState.QUARANTINED)
    good = [record(**values_of(bad, id=user(), object_key=user(), state=FileState.CLEAN)) for _ in range(2)]
    for one in (bad, *good):
        await files.rows.insert(one)
    item = await add(mentor, lesson, {"kind": "file", "file_id": bad.id})
    await files.lifecycle.reject(bad.id, "infected")
    others = [await add(mentor, lesson, {"kind": "file", "file_id": one.id}) for one in good]
    done(await mentor.delete(f"{lesson}/items/{others[0]['id']}", headers=ANY), 204)
    assert [one["file"]["state"] for one in done(await mentor.get(lesson))["items"]] == ["rejected", "clean"]
    done(await mentor.delete(f"{lesson}/items/{item['id']}", headers=ANY), 204)
    # It is taken for nothing else.
    refused(await mentor.post(f"{lesson}/items", json={"kind": "file", "file_id": bad.id}), 409, "files.not_ready")


def values_of(file: FileRecord, **changes: Any) -> dict[str, Any]:
    return msgspec.structs.asdict(file) | changes
