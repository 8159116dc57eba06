"""Programs and places in them, through HTTP; two gateways at once are in tests/system/test_places.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import refused
from ksmp_testkit.socket_client import WireError, connected
from tests.modules.programs.programs import ANY, PROGRAMS, created, signed_in, user


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(address_burst=100_000) as running:
        yield running


async def test_fifty_at_once_for_ten_places(caller: Caller, database: asyncpg.Pool) -> None:
    path = await created(caller(user(), "mentor"), capacity=10)
    students = [caller(user()) for number in range(50)]
    answers = await asyncio.gather(*(student.post(f"{path}/enrolment") for student in students))
    assert {answer.status_code for answer in answers} == {200}
    found = [answer.json() for answer in answers]
    assert sum(one["state"] == "enrolled" for one in found) == 10
    # Each of the others has a place in one line.
    assert sorted(one["ahead"] for one in found if one["state"] == "waiting") == list(range(40))
    id = path.rsplit("/", 1)[1]
    count = "SELECT count(*) FROM program_enrolment WHERE program_id = $1 AND state = 'enrolled'"
    assert await database.fetchval(count, id) == 10


async def test_the_first_who_waits_gets_what_is_free(caller: Caller) -> None:
    mentor, students = caller(user(), "mentor"), [caller(user()) for _ in range(4)]
    path = await created(mentor, capacity=1)
    for student in students:
        assert (await student.post(f"{path}/enrolment")).status_code == 200
    again = (await students[2].post(f"{path}/enrolment")).json()
    assert (again["state"], again["ahead"]) == ("waiting", 1)
    assert (await students[0].delete(f"{path}/enrolment")).status_code == 204
    refused(await students[0].get(f"{path}/enrolment"), 404, "not_found")

    async def states() -> list[str]:
        return [(await one.get(f"{path}/enrolment")).json()["state"] for one in students[1:]]

    assert await states() == ["enrolled", "waiting", "waiting"]
    assert (await mentor.patch(path, json={"capacity": 2}, headers=ANY)).status_code == 200
    assert await states() == ["enrolled", "enrolled", "waiting"]
    refused(await mentor.patch(path, json={"capacity": 1}, headers=ANY), 409, "programs.over_capacity")


async def test_who_may_see_and_change_a_program(caller: Caller) -> None:
    co = user()
    mentor, other, student = caller(user(), "mentor"), caller(user(), "mentor"), caller(user())
    await signed_in(caller(co, "mentor"))
    path = await created(mentor, publish=False, co_mentors=[co])
    for stranger in (other, student):
        refused(await stranger.get(path), 404, "not_found")
        refused(await stranger.post(f"{path}/enrolment"), 404, "not_found")
    refused(await other.patch(path, json={"title": "Mine"}, headers=ANY), 404, "not_found")
    refused(await student.post(f"{PROGRAMS}/", json={"title": "Mine"}), 403, "forbidden")
    refused(await student.get(f"{PROGRAMS}/own"), 403, "forbidden")
    assert [one["state"] for one in (await caller(co, "mentor").get(f"{PROGRAMS}/own")).json()["items"]] == ["draft"]
    assert (await caller(co, "mentor").patch(path, json={"title": "B"}, headers={"If-Match": '"1"'})).json()["rev"] == 2
    refused(await mentor.patch(path, json={"title": "C"}, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    assert (await mentor.post(f"{path}/publish", headers=ANY)).status_code == 200
    refused(await mentor.post(f"{path}/publish", headers=ANY), 409, "programs.bad_transition")
    for step in ("publish", "archive"):
        refused(await other.post(f"{path}/{step}", headers=ANY), 403, "forbidden")
    refused(await other.patch(path, json={"title": "Mine"}, headers=ANY), 403, "forbidden")
    assert (await caller(user(), "admin").post(f"{path}/archive", headers=ANY)).status_code == 200
    refused(await student.get(path), 404, "not_found")
    refused(await student.post(f"{path}/enrolment"), 409, "programs.not_open")


async def test_the_catalogue_is_searched(caller: Caller) -> None:
    word, mentor, student = f"w{user()}", caller(user(), "mentor"), caller(user())
    first = await created(mentor, title=f"{word} lessons", price=5)
    second = await created(mentor, summary=f"a {word} class")
    await created(mentor, publish=False, title=word)

    async def found(**query: Any) -> list[str]:
        answer = await student.get(f"{PROGRAMS}/", params=query)
        assert answer.status_code == 200, answer.text
        return [f"{PROGRAMS}/{one['id']}" for one in answer.json()["items"]]

    assert await found(q=word) == [second, first]
    assert await found(q=f"{word} lesson") == [first]
    assert await found(q=word, free=True) == [second]
    assert await found(q=f'{word} -class "') == [first]


async def test_a_change_is_pushed_to_the_program_s_room(caller: Caller, node: Running, token: MakeToken) -> None:
    mentor, sam = caller(user(), "mentor"), user()
    path = await created(mentor)
    room = f"program:{path.rsplit('/', 1)[1]}"
    async with connected(node.ws_url, token(sam, "student")) as client:
        with pytest.raises(WireError) as caught:
            await client.join(room)
        assert caught.value.code == "forbidden"
        await caller(sam).post(f"{path}/enrolment")
        await client.join(room)
        await mentor.patch(path, json={"title": "Geometry"}, headers=ANY)
        push = await client.expect(lambda one: one.get("push") == "programs.program" and one["data"]["rev"] == 3)
        assert push["data"]["title"] == "Geometry"
