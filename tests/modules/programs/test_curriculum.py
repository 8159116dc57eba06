"""Units and lessons of a program, edited by several at once, and students' progress in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from ksmp_testkit.socket_client import connected
from modules.programs.facade import learners_of, lessons_done
from modules.programs.facade import lesson as found_lesson
from modules.programs.module import ProgramsModule
from tests.modules.programs.programs import ANY, created, id_of, signed_in, user


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(address_burst=100_000) as running:
        yield running


async def unit(mentor: httpx.AsyncClient, path: str, title: str, *lessons: str) -> dict[str, Any]:
    """A new unit, with the ids of its lessons."""
    made = done(await mentor.post(f"{path}/units", json={"title": title}), 201)
    found = [await mentor.post(f"{path}/units/{made['id']}/lessons", json={"title": one}) for one in lessons]
    return {"id": made["id"], "lessons": [done(answer, 201)["id"] for answer in found]}


def shown(curriculum: Any) -> list[tuple[str, list[str]]]:
    return [(one["title"], [lesson["title"] for lesson in one["lessons"]]) for one in curriculum["units"]]


def whole(answer: httpx.Response) -> list[dict[str, Any]]:
    """The order that the curriculum is in, as a request carries it."""
    return [{"id": one["id"], "lessons": [lesson["id"] for lesson in one["lessons"]]} for one in done(answer)["units"]]


async def told(database: asyncpg.Pool, event: str, program: str) -> list[dict[str, Any]]:
    """The events of this name about the program."""
    rows = await database.fetch("SELECT body FROM outbox WHERE kind = 'event' AND destination = $1", event)
    found = [json.loads(row["body"]) for row in rows]
    return [one for one in found if one["program_id"] == program]


async def test_what_a_program_teaches_and_who_reads_it(caller: Caller, node: Running) -> None:
    mentor, other, sam, stranger = caller(user(), "mentor"), caller(user(), "mentor"), caller(user()), caller(user())
    path = await created(mentor, publish=False)
    first = await unit(mentor, path, "Numbers", "One", "Two")
    await unit(mentor, path, "Letters")
    for somebody in (other, stranger):
        refused(await somebody.get(f"{path}/curriculum"), 404, "not_found")
        refused(await somebody.get(f"{path}/lessons/{first['lessons'][0]}"), 404, "not_found")
    await mentor.post(f"{path}/publish", headers=ANY)
    await sam.post(f"{path}/enrolment")
    read = await stranger.get(f"{path}/curriculum")
    assert shown(done(read)) == [("Numbers", ["One", "Two"]), ("Letters", [])]
    # Four changes after the first revision.
    assert read.headers["etag"] == '"5"'

    one = f"{path}/lessons/{first['lessons'][0]}"
    changed = await mentor.patch(one, json={"text": "It is odd."}, headers={"If-Match": '"3"'})
    assert (done(changed)["rev"], changed.headers["etag"]) == (6, '"6"')
    assert done(await sam.get(one)) == changed.json() | {"title": "One", "text": "It is odd."}
    for somebody in (other, stranger):
        refused(await somebody.get(one), 403, "forbidden")
        refused(await somebody.patch(one, json={"title": "X"}, headers=ANY), 403, "forbidden")
        refused(await somebody.delete(one, headers=ANY), 403, "forbidden")
        refused(await somebody.post(f"{path}/units", json={"title": "X"}), 403, "forbidden")
        refused(await somebody.put(f"{path}/curriculum/order", json={"units": []}, headers=ANY), 403, "forbidden")
    refused(await mentor.patch(one, json={"title": "X"}, headers={"If-Match": '"3"'}), 412, "precondition_failed")
    refused(await mentor.patch(one, json={"title": "X"}), 428, "precondition_required")

    # A lesson is of one program alone.
    elsewhere = await created(mentor)
    refused(await mentor.get(f"{elsewhere}/lessons/{first['lessons'][0]}"), 404, "not_found")
    refused(await mentor.delete(f"{elsewhere}/lessons/{first['lessons'][0]}", headers=ANY), 404, "not_found")
    refused(await mentor.patch(f"{elsewhere}/units/{first['id']}", json={}, headers=ANY), 404, "not_found")
    refused(await mentor.post(f"{elsewhere}/units/{first['id']}/lessons", json={"title": "X"}), 404, "not_found")
    found = await found_lesson(node.gateway.database, first["lessons"][1])
    assert found is not None
    assert (found.program_id, found.unit_id, found.title) == (id_of(path), first["id"], "Two")

    # A unit's revision rises with what is in it: nobody deletes a lesson unseen.
    seen = done(await mentor.get(f"{path}/curriculum"))["units"][0]["rev"]
    await mentor.post(f"{path}/units/{first['id']}/lessons", json={"title": "Three"})
    at = f"{path}/units/{first['id']}"
    refused(await mentor.delete(at, headers={"If-Match": f'"{seen}"'}), 412, "precondition_failed")
    renamed = done(await mentor.patch(at, json={"title": "Digits"}, headers=ANY))
    assert (renamed["title"], len(renamed["lessons"])) == ("Digits", 3)
    done(await mentor.delete(at, headers={"If-Match": f'"{renamed["rev"]}"'}), 204)
    assert shown(done(await sam.get(f"{path}/curriculum"))) == [("Letters", [])]
    assert await found_lesson(node.gateway.database, first["lessons"][1]) is None


async def test_of_those_who_reorder_at_once_one_wins(caller: Caller) -> None:
    co = user()
    mentors = [caller(user(), "mentor"), caller(co, "mentor")]
    await signed_in(mentors[1])
    path = await created(mentors[0], co_mentors=[co])
    units = [await unit(mentors[0], path, title, *(f"{title}{n}" for n in range(3))) for title in "ab"]
    before = await mentors[1].get(f"{path}/curriculum")
    etag = {"If-Match": before.headers["etag"]}
    # Each takes another lesson of the second unit to the first, and puts it first.
    orders = [
        {
            "units": [
                {"id": units[1]["id"], "lessons": [one for one in units[1]["lessons"] if one != moved]},
                {"id": units[0]["id"], "lessons": [moved, *units[0]["lessons"]]},
            ]
        }
        for moved in units[1]["lessons"] * 4
    ]

    async def reordered(orders: list[Any], etag: dict[str, str]) -> list[httpx.Response]:
        at = f"{path}/curriculum/order"
        return await asyncio.gather(
            *(mentors[n % 2].put(at, json=order, headers=etag) for n, order in enumerate(orders))
        )

    answers = await reordered(orders, etag)
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 11]
    (won,) = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    after = await mentors[0].get(f"{path}/curriculum")
    assert after.json() == answers[won].json()
    assert after.json()["rev"] == before.json()["rev"] + 1
    assert whole(after) == orders[won]["units"]

    # Whoever adds one meanwhile comes first, and the others see it before they go on, or comes after.
    etag = {"If-Match": after.headers["etag"]}
    turned = [{"units": whole(after)[::-1]}] * 3
    answers, *added = await asyncio.gather(
        reordered(turned, etag),
        *(mentors[0].post(f"{path}/units/{units[0]['id']}/lessons", json={"title": f"new{n}"}) for n in range(2)),
    )
    assert [answer.status_code for answer in added] == [201, 201]
    wins = [answer.status_code for answer in answers].count(200)
    assert wins <= 1
    last = await mentors[0].get(f"{path}/curriculum")
    new = [answer.json()["id"] for answer in added]
    kept = [one | {"lessons": [id for id in one["lessons"] if id not in new]} for one in whole(last)]
    assert kept == (turned[0]["units"] if wins else whole(after))
    assert sum(len(one["lessons"]) for one in whole(last)) == 8
    assert last.json()["rev"] == after.json()["rev"] + wins + 2

    # Only the newest is taken, and only a whole one.
    etag, all_of_it = {"If-Match": last.headers["etag"]}, whole(last)
    for wrong in (all_of_it[:1], [*all_of_it, all_of_it[0]], [one | {"lessons": []} for one in all_of_it], []):
        refused(await mentors[0].put(f"{path}/curriculum/order", json={"units": wrong}, headers=etag), 400, "invalid")
    answer = await mentors[0].put(f"{path}/curriculum/order", json={"units": all_of_it[::-1]}, headers=etag)
    assert whole(answer) == all_of_it[::-1]
    assert done(await mentors[1].get(f"{path}/curriculum")) == answer.json()


async def test_of_those_who_edit_a_lesson_at_once_one_wins(caller: Caller) -> None:
    mentor = caller(user(), "mentor")
    path = await created(mentor)
    lessons = (await unit(mentor, path, "a", "x", "y"))["lessons"]
    at = [f"{path}/lessons/{one}" for one in lessons]
    etags = [(await mentor.get(one)).headers["etag"] for one in at]
    answers = await asyncio.gather(
        *(mentor.patch(at[n % 2], json={"text": str(n)}, headers={"If-Match": etags[n % 2]}) for n in range(8))
    )
    for one in (0, 1):
        theirs = answers[one::2]
        assert sorted(answer.status_code for answer in theirs) == [200, 412, 412, 412]
        (won,) = [answer.json() for answer in theirs if answer.status_code == 200]
        assert done(await mentor.get(at[one])) == won


async def test_changes_are_pushed_to_the_program_s_room(caller: Caller, node: Running, token: MakeToken) -> None:
    mentor, sam = caller(user(), "mentor"), user()
    path = await created(mentor)
    await caller(sam).post(f"{path}/enrolment")
    async with connected(node.ws_url, token(sam)) as client:
        await client.join(f"program:{id_of(path)}")
        made = await unit(mentor, path, "Numbers", "One", "Two")
        order = {"units": [made | {"lessons": made["lessons"][::-1]}]}
        done(await mentor.put(f"{path}/curriculum/order", json=order, headers={"If-Match": '"4"'}))
        done(await mentor.delete(f"{path}/lessons/{made['lessons'][0]}", headers=ANY), 204)
        last = await client.expect(lambda one: one.get("push") == "programs.curriculum" and one["data"]["rev"] == 6)
        assert last["data"] == done(await caller(sam).get(f"{path}/curriculum"))
        pushes = {one["data"]["rev"]: shown(one["data"]) for one in client.pushes("programs.curriculum")}
        assert pushes == {
            2: [("Numbers", [])],
            3: [("Numbers", ["One"])],
            4: [("Numbers", ["One", "Two"])],
            5: [("Numbers", ["Two", "One"])],
            6: [("Numbers", ["Two"])],
        }


async def test_progress_and_its_rates(caller: Caller, node: Running, database: asyncpg.Pool) -> None:
    mentor, other = caller(user(), "mentor"), caller(user(), "mentor")
    path = await created(mentor)
    program = id_of(path)
    lessons = (await unit(mentor, path, "a", *"wxyz"))["lessons"]
    ids = sorted(user() for _ in range(3))
    students = [caller(one) for one in ids]
    refused(await students[0].put(f"{path}/lessons/{lessons[0]}/progress", json={"state": "started"}), 403, "forbidden")
    for student in students:
        await student.post(f"{path}/enrolment")

    async def mark(student: httpx.AsyncClient, lesson: str, state: str = "completed") -> Any:
        return done(await student.put(f"{path}/lessons/{lesson}/progress", json={"state": state}))

    begun = await mark(students[0], lessons[0], "started")
    assert (begun["state"], begun["completed_at"]) == ("started", None)
    first = await mark(students[0], lessons[0])
    # Done again, and started after it was completed, it stays as it is.
    assert [await mark(students[0], lessons[0], state) for state in ("completed", "started")] == [first, first]
    assert first["started_at"] == begun["started_at"]
    await mark(students[0], lessons[2], "started")
    own = done(await students[0].get(f"{path}/progress"))
    assert own["student"] == {"user_id": ids[0], "lessons": 4, "completed": 1, "rate": 0.25, "completed_at": None}
    assert [(one["lesson_id"], one["state"]) for one in own["marks"]] == [
        (lessons[0], "completed"),
        (lessons[2], "started"),
    ]
    refused(await students[0].put(f"{path}/lessons/{user()}/progress", json={"state": "started"}), 404, "not_found")

    # Of all at once the last completes the program, once.
    await mark(students[1], lessons[0], "started")
    for _ in range(2):
        await asyncio.gather(*(mark(students[1], lesson) for lesson in lessons))
    (completion,) = await told(database, "programs.ProgramCompleted", program)
    last = max(one["completed_at"] for one in done(await students[1].get(f"{path}/progress"))["marks"])
    assert completion["user_id"] == ids[1]
    assert datetime.fromisoformat(completion["at"]) >= datetime.fromisoformat(last)
    await asyncio.gather(*(mark(students[2], lesson) for lesson in lessons[:3]))
    # Each lesson is told once, when it is added and when it is completed.
    assert [one["lesson_id"] for one in await told(database, "programs.LessonAdded", program)] == lessons
    completed = [
        (one["user_id"], one["lesson_id"]) for one in await told(database, "programs.LessonCompleted", program)
    ]
    expected = [(ids[0], lessons[0]), *((ids[1], one) for one in lessons), *((ids[2], one) for one in lessons[:3])]
    assert sorted(completed) == sorted(expected)
    counts = await lessons_done(node.gateway.database, program, [*ids, "nobody"])
    assert {who: (one.completed, one.lessons) for who, one in counts.items()} == {
        **dict(zip(ids, ((1, 4), (4, 4), (3, 4)), strict=True)),
        "nobody": (0, 4),
    }

    # The mentors see all of them, in pages.
    page = done(await mentor.get(f"{path}/students", params={"limit": 2}))
    more = done(await mentor.get(f"{path}/students", params={"limit": 2, "cursor": page["next"]}))
    assert [(one["user_id"], one["rate"]) for one in page["items"] + more["items"]] == list(
        zip(ids, (0.25, 1.0, 0.75), strict=True)
    )
    assert more["next"] is None
    assert done(await mentor.get(f"{path}/students/{ids[0]}")) == own
    together = done(await mentor.get(f"{path}/completion"))
    assert together == {
        "students": 3,
        "completed": 1,
        "rate": 0.6667,
        "lessons": [
            {"lesson_id": lesson, "started": started, "completed": completed}
            for lesson, started, completed in zip(lessons, (3, 2, 3, 1), (3, 2, 2, 1), strict=True)
        ],
    }
    for at in ("students", f"students/{ids[0]}", "completion"):
        refused(await other.get(f"{path}/{at}"), 403, "forbidden")
        refused(await students[0].get(f"{path}/{at}"), 403, "forbidden")
    refused(await mentor.get(f"{path}/students/{user()}"), 404, "not_found")
    refused(await mentor.get(f"{path}/progress"), 403, "forbidden")

    # Without the lesson that was missing, the third has completed the program too; the second did so before.
    done(await mentor.delete(f"{path}/lessons/{lessons[3]}", headers=ANY), 204)
    events = await told(database, "programs.ProgramCompleted", program)
    assert sorted(one["user_id"] for one in events) == ids[1:]
    rates = done(await mentor.get(f"{path}/students"))["items"]
    assert [(one["completed"], one["lessons"], one["rate"]) for one in rates] == [(1, 3, 0.3333), (3, 3, 1), (3, 3, 1)]
    # With another one they have again something to do, and that they once had all completed stays.
    await unit(mentor, path, "b", "more")
    second = done(await students[1].get(f"{path}/progress"))["student"]
    assert (second["rate"], second["completed_at"]) == (0.75, rates[1]["completed_at"])
    # Who left is counted no more, and comes back to what they had.
    await students[2].delete(f"{path}/enrolment")
    assert done(await mentor.get(f"{path}/completion"))["students"] == 2
    refused(await students[2].get(f"{path}/progress"), 403, "forbidden")
    await students[2].post(f"{path}/enrolment")
    assert done(await students[2].get(f"{path}/progress"))["student"]["completed"] == 3


async def test_the_last_lesson_marked_while_the_other_is_deleted(caller: Caller, database: asyncpg.Pool) -> None:
    mentor, sam = caller(user(), "mentor"), caller(user())
    path = await created(mentor)
    await sam.post(f"{path}/enrolment")
    for n in range(5):
        kept, gone = (await unit(mentor, path, "a", "kept", "gone"))["lessons"]
        await database.execute("UPDATE program_student SET completed_at = NULL WHERE program_id = $1", id_of(path))
        answers = await asyncio.gather(
            sam.put(f"{path}/lessons/{kept}/progress", json={"state": "completed"}),
            mentor.delete(f"{path}/lessons/{gone}", headers=ANY),
        )
        assert [answer.status_code for answer in answers] == [200, 204]
        assert len(await told(database, "programs.ProgramCompleted", id_of(path))) == n + 1
        assert gone in {one["lesson_id"] for one in await told(database, "programs.LessonRemoved", id_of(path))}


async def test_an_open_program_is_for_everyone(caller: Caller, node: Running, database: asyncpg.Pool) -> None:
    mentor, ann, ben = caller(user(), "mentor"), user(), user()
    path = await created(mentor)
    await database.execute("UPDATE program SET open_to_all = true WHERE id = $1", id_of(path))
    (only,) = (await unit(mentor, path, "a", "only"))["lessons"]
    done(await caller(ann).put(f"{path}/lessons/{only}/progress", json={"state": "completed"}))
    own = done(await caller(ben).get(f"{path}/progress"))
    assert (own["student"]["lessons"], own["student"]["rate"], own["marks"]) == (1, 0, [])
    # Who has not begun is nobody's student yet.
    assert [one["user_id"] for one in done(await mentor.get(f"{path}/students"))["items"]] == [ann]
    assert await learners_of(node.gateway.database, id_of(path)) == [ann]
    assert len(await told(database, "programs.ProgramCompleted", id_of(path))) == 1


async def test_a_deleted_user_s_progress_is_taken_along_and_forgotten(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    mentor, ann, ben = caller(user(), "mentor"), user(), user()
    path = await created(mentor)
    (only,) = (await unit(mentor, path, "a", "only"))["lessons"]
    for who in (ann, ben):
        await caller(who).post(f"{path}/enrolment")
        done(await caller(who).put(f"{path}/lessons/{only}/progress", json={"state": "completed"}))
    module = node.module(ProgramsModule)
    (held,) = (await module.export(ann))["progress"]
    assert (held["program_id"], held["lesson_id"], held["title"]) == (id_of(path), only, "only")
    async with node.gateway.database.transaction():
        await module.forget(ann)
    assert await module.export(ann) == {}
    assert await database.fetchval("SELECT count(*) FROM program_student WHERE user_id = $1", ann) == 0
    assert [one["user_id"] for one in done(await mentor.get(f"{path}/students"))["items"]] == [ben]


async def test_the_limits_are_settings(gateway: MakeGateway, token: MakeToken) -> None:
    environ = {"KSMP_PROGRAMS_UNITS": "1", "KSMP_PROGRAMS_LESSONS": "2", "KSMP_PROGRAMS_LESSON_CHARACTERS": "5"}
    async with gateway(environ=environ) as running, clients_of(running, token) as clients:
        mentor = clients.rest(user(), "mentor")
        path = await created(mentor)
        made = await unit(mentor, path, "a", "x")
        at = f"{path}/units/{made['id']}/lessons"
        refused(await mentor.post(at, json={"title": "y", "text": "123456"}), 413, "too_large")
        done(await mentor.post(at, json={"title": "y", "text": "12345"}), 201)
        refused(await mentor.post(at, json={"title": "z"}), 409, "programs.curriculum_full")
        refused(await mentor.post(f"{path}/units", json={"title": "b"}), 409, "programs.curriculum_full")
        one = f"{path}/lessons/{made['lessons'][0]}"
        refused(await mentor.patch(one, json={"text": "123456"}, headers=ANY), 413, "too_large")
