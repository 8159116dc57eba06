"""The life of a session through HTTP, and what its rooms hear of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import refused
from ksmp_testkit.socket_client import connected
from modules.live.states import TRANSITIONS, SessionState, Step, after
from tests.modules.live.scheduling import SESSIONS, create_program, created, meet

ANY = {"If-Match": "*"}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {
        "KSMP_LIVE_ROOM_KEPT": "60",
        "KSMP_LIVE_LONGEST": "7200",
        "KSMP_LIVE_AHEAD": "86400",
    }
    async with gateway(
        environ=environ, address_burst=100_000, request_burst=100_000, grant_fresh=0.0, presence_grace=0.2
    ) as running:
        yield running


def at(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def session_of(program: str, **values: Any) -> dict[str, Any]:
    return {"program_id": program, "title": "Roots", "starts_at": at(60), "ends_at": at(120)} | values


async def test_every_move_that_is_not_in_the_table_is_a_conflict(
    caller: Caller, program: str, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program)
    for state, step in product(SessionState, Step):
        await database.execute("UPDATE live_session SET state = $1 WHERE id = $2", state, path.rsplit("/", 1)[1])
        answer = await mentor.post(f"{path}/{step}")
        if (state, step) in TRANSITIONS:
            assert (answer.status_code, answer.json()["state"]) == (200, after(state, step)), answer.text
        else:
            refused(answer, 409, "live.bad_transition")
    assert len(TRANSITIONS) == 5


async def test_of_many_starts_one_starts(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open")
    answers = await asyncio.gather(*(mentor.post(f"{path}/start") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    told = "SELECT count(*) FROM outbox WHERE destination = 'live.SessionStarted' AND body::text LIKE $1"
    assert await database.fetchval(told, f"%{path.rsplit('/', 1)[1]}%") == 1


async def test_a_session_s_life_is_told_to_its_room_and_its_program_s(
    caller: Caller, program: str, node: Running, token: MakeToken
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open")
    id = path.rsplit("/", 1)[1]
    async with connected(node.ws_url, token("enid")) as enid:
        await enid.join(f"session:{id}")
        await enid.join(f"program:{program}")
        started = (await mentor.post(f"{path}/start")).json()
        for room in (f"session:{id}", f"program:{program}"):
            push = await enid.expect(
                lambda one, room=room: (
                    one.get("push") == "live.session" and one["room"] == room and one["data"]["state"] == "live"
                )
            )
            assert push["data"] == started
        assert (started["video"], started["rev"]) == ("unavailable", 3)
        # The class has its room whatever its video does.
        await enid.say(f"session:{id}", "hello")
        ended = (await mentor.post(f"{path}/end")).json()
        push = await enid.expect(lambda one: one.get("push") == "live.session" and one["data"]["state"] == "ended")
        assert push["data"]["rev"] == ended["rev"] == 4
        assert ended["started_at"] < ended["ended_at"]


async def test_who_may_see_and_change_a_session(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor, co, other, enid, sam = (
        caller("meera", "mentor"),
        caller("cora", "mentor"),
        caller("otto", "mentor"),
        caller("enid"),
        caller("sam"),
    )
    await meet(database, "cora")
    refused(await other.post(f"{SESSIONS}/", json=session_of(program)), 403, "forbidden")
    refused(await enid.post(f"{SESSIONS}/", json=session_of(program)), 403, "forbidden")
    path = await created(mentor, program, co_mentors=["cora"])
    for stranger in (other, sam):
        refused(await stranger.get(path), 403, "forbidden")
    for nobody in (other, sam, enid):
        refused(await nobody.patch(path, json={"title": "Mine"}, headers=ANY), 403, "forbidden")
        for step in Step:
            refused(await nobody.post(f"{path}/{step}"), 403, "forbidden")
    assert (await enid.get(path)).headers["etag"] == '"1"'
    changed = await co.patch(path, json={"title": "B", "visibility": "open"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["rev"]) == (200, 2)
    refused(await mentor.patch(path, json={"title": "C"}, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    assert (await sam.get(path)).json()["title"] == "B"
    assert (await mentor.patch(path, json={"lesson_id": None, "capacity": 3}, headers=ANY)).json()["capacity"] == 3
    for step in ("open", "start"):
        assert (await co.post(f"{path}/{step}")).status_code == 200
    refused(await mentor.patch(path, json={"mode": "interactive"}, headers=ANY), 409, "live.not_changeable")
    assert (await mentor.patch(path, json={"ends_at": at(150)}, headers=ANY)).status_code == 200
    assert (await caller("root", "admin").post(f"{path}/end")).status_code == 200
    id = path.rsplit("/", 1)[1]
    acts = "SELECT actor, act FROM account_audit WHERE subject = $1"
    assert [tuple(row) for row in await database.fetch(acts, id)] == [("root", "live.end")]
    refused(await mentor.patch(path, json={"title": "D"}, headers=ANY), 409, "live.not_changeable")
    refused(await mentor.get(f"{SESSIONS}/nowhere"), 404, "not_found")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ends_at": 60, "starts_at": 60}, "ends_at"),
        ({"ends_at": 60 + 125}, "ends_at"),
        ({"starts_at": -120, "ends_at": -60}, "ends_at"),
        ({"starts_at": 24 * 60 + 5, "ends_at": 25 * 60}, "starts_at"),
        ({"co_mentors": ["no one"]}, "co_mentors"),
        ({"mentor_id": "enid"}, "mentor_id"),
    ],
)
async def test_what_cannot_be_is_invalid(caller: Caller, program: str, values: dict[str, Any], field: str) -> None:
    # From now on, and not from when the tests were collected.
    values = {name: at(value) if name.endswith("_at") else value for name, value in values.items()}
    answer = await caller("meera", "mentor").post(f"{SESSIONS}/", json=session_of(program, **values))
    refused(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == field
    missing = await caller("root", "admin").post(f"{SESSIONS}/", json=session_of("nowhere"))
    assert missing.json()["errors"][0]["field"] == "program_id"


async def test_what_a_session_names_exists(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor, admin = caller("meera", "mentor"), caller("root", "admin")
    own, foreign = uuid.uuid4().hex, uuid.uuid4().hex
    for lesson, of in ((own, program), (foreign, await create_program(database))):
        unit = "INSERT INTO program_unit (id, program_id, title, position, rev) VALUES ($1, $2, 'One', 0, 1)"
        await database.execute(unit, f"u-{lesson}", of)
        columns = "id, program_id, unit_id, title, position, rev"
        row = f"INSERT INTO program_lesson ({columns}) VALUES ($1, $2, $3, 'Roots', 0, 1)"
        await database.execute(row, lesson, of, f"u-{lesson}")
    co, gone, delete = uuid.uuid4().hex, uuid.uuid4().hex, "UPDATE account_user SET deleted_at = now() WHERE id = $1"
    await meet(database, co, gone)
    await database.execute(delete, gone)
    path = await created(mentor, program, lesson_id=own, co_mentors=[co])
    series = {"rule": "FREQ=DAILY;COUNT=1", "timezone": "UTC"}
    made = await mentor.post("/api/v1/series/", json=session_of(program, **series))
    series_path = made.headers["location"]
    wrong: list[dict[str, Any]] = [
        {"lesson_id": foreign},
        {"lesson_id": "nowhere"},
        {"co_mentors": [co, uuid.uuid4().hex]},
        {"co_mentors": [gone]},
        {"mentor_id": uuid.uuid4().hex},
    ]
    for values in wrong:
        (field,) = values
        answers = [await admin.post(f"{SESSIONS}/", json=session_of(program, **values))]
        answers.append(await admin.post("/api/v1/series/", json=session_of(program, **series, **values)))
        if field != "mentor_id":
            answers.append(await mentor.patch(path, json=values, headers=ANY))
        if field == "co_mentors":
            answers.append(await mentor.patch(series_path, json=values, headers=ANY))
            answers.append(await admin.post("/api/v1/programs/", json={"title": "Algebra", **values}))
            program_path = f"/api/v1/programs/{program}"
            answers.append(await admin.patch(program_path, json=values, headers=ANY))
        for answer in answers:
            refused(answer, 400, "invalid")
            assert answer.json()["errors"][0]["field"] == field
    # A co-mentor whose account was deleted stays where they were named before.
    await database.execute(delete, co)
    kept = await mentor.patch(path, json={"co_mentors": [co], "lesson_id": own}, headers=ANY)
    assert kept.status_code == 200, kept.text


async def test_the_agenda_shows_to_each_what_is_theirs(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor = caller("meera", "mentor")
    late = await created(mentor, program, starts_at=at(200), ends_at=at(260))
    await meet(database, "cora")
    early = await created(mentor, program, co_mentors=["cora"])
    shown = await created(mentor, program, starts_at=at(300), ends_at=at(360), visibility="open")

    async def found(user: str, role: str = "student", **query: Any) -> list[str]:
        answer = await caller(user, role).get(SESSIONS, params={"program": program} | query)
        assert answer.status_code == 200, answer.text
        return [f"{SESSIONS}/{one['id']}" for one in answer.json()["items"]]

    assert await found("enid") == await found("meera", "mentor") == [early, late, shown]
    assert await found("root", "admin") == [early, late, shown]
    assert await found("sam") == [shown]
    assert await found("cora", "mentor", teaching=True) == [early]
    assert await found("enid", since=at(130), until=at(290)) == [late]
    await mentor.post(f"{early}/cancel")
    assert await found("enid", state="cancelled") == [early]
    await database.execute("UPDATE program_enrolment SET state = 'waiting' WHERE program_id = $1", program)
    assert await found("enid") == [shown]
