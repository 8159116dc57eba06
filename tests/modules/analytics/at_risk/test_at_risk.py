"""The list of students who fall behind, from facts to the answer."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx

from ksmp_testkit import Caller, Clients, MakeGateway
from ksmp_testkit.answers import done, refused
from tests.modules.analytics.at_risk.conftest import Course


async def listed(clients: Clients, course: Course, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = done(await clients.rest(course.mentor, "mentor").get(course.path + query))
    return found


def reasons(page: dict[str, Any]) -> dict[str, list[tuple[str, int, int]]]:
    return {
        one["name"]: [(why["reason"], why["numerator"], why["denominator"]) for why in one["reasons"]]
        for one in page["items"]
    }


async def test_who_falls_behind_and_why(clients: Clients, course: Course) -> None:
    await course.enrol("ann", "bob", "cyd", "dan")
    # The class of 40 days ago is no longer counted. A guest was not expected, and a host is no student.
    await course.classes(
        [40, 20, 10, 3, 2],
        ann=["absent", "present", "late", "present", "present"],
        bob=["present", "absent", "partial", "present", "absent"],
        cyd=["absent", "guest", "guest", "", "present"],
        dan=["present", "present", "host", "present", "absent"],
    )
    # Taken back is not turned in. Late is turned in.
    await course.assignments(
        [45, 15, 8, 1],
        ann=["", "on_time", "late", "on_time"],
        bob=["on_time", "on_time", "on_time", "late"],
        cyd=["on_time", "reclaimed", "", "on_time"],
        dan=["", "late", "on_time", "late"],
    )
    await course.lessons(10, ann=6, bob=2, cyd=8, dan=6)
    page = await listed(clients, course)
    assert reasons(page) == {
        "Bob": [("attendance", 1, 4), ("lessons", 2, 10)],
        "Cyd": [("submissions", 1, 3)],
    }
    assert [one["name"] for one in page["items"]] == ["Bob", "Cyd"]
    assert (page["students"], page["at_risk"], page["next"]) == (4, 2, None)
    bob = page["items"][0]
    assert bob["reasons"][0] == {
        "reason": "attendance",
        "numerator": 1,
        "denominator": 4,
        "value": 0.25,
        "least": 0.6,
    }
    assert bob["user_id"] == course.user("bob")
    assert bob["written_at"] is None
    assert bob["last_learnt_on"] is not None
    assert page["as_of"] >= page["since"]


async def test_what_was_before_they_came_is_not_theirs(clients: Clients, course: Course) -> None:
    await course.enrol("old")
    await course.enrol("new", days=4)
    await course.assignments([20, 15, 3], old=["on_time"] * 3)
    await course.lessons(10, old=10)
    assert reasons(await listed(clients, course)) == {}
    await course.assignments([2, 1], old=["on_time"] * 2)
    assert reasons(await listed(clients, course)) == {"New": [("submissions", 0, 3)]}


async def test_who_has_left_and_what_is_gone_does_not_count(clients: Clients, course: Course) -> None:
    await course.enrol("ann", "bob")
    await course.classes([3, 2], ann=["absent"] * 2, bob=["absent"] * 2)
    await course.lessons(6, ann=4, bob=1)
    assert reasons(await listed(clients, course)) == {
        "Ann": [("attendance", 0, 2)],
        "Bob": [("attendance", 0, 2), ("lessons", 1, 6)],
    }
    await course.write(course.fact("programs.enrolled", "place", "cancelled", 0, "bob"))
    # Three lessons are removed, of which Ann had completed two.
    await course.write(*[course.fact("programs.lesson", f"lesson-{n}", "removed", 0) for n in (2, 3, 4)])
    page = await listed(clients, course)
    assert reasons(page) == {"Ann": [("attendance", 0, 2)]}
    assert page["students"] == 1


async def test_a_deleted_user_is_not_in_it(clients: Clients, course: Course, database: asyncpg.Pool[Any]) -> None:
    await course.enrol("ann", "bob")
    await course.classes([3, 2], ann=["absent"] * 2, bob=["absent"] * 2)
    await database.execute("DELETE FROM analytics_subject WHERE user_id = $1", course.user("bob"))
    assert list(reasons(await listed(clients, course))) == ["Ann"]


async def test_it_comes_in_pages(clients: Clients, course: Course) -> None:
    names = ["ann", "bob", "cyd", "dan", "eve"]
    await course.enrol(*names)
    await course.classes([3, 2], **{name: ["absent", "absent"] for name in names})
    seen: list[str] = []
    page = await listed(clients, course, "?limit=2")
    while True:
        seen += [one["name"] for one in page["items"]]
        assert page["at_risk"] == 5
        if page["next"] is None:
            break
        page = await listed(clients, course, f"?limit=2&cursor={page['next']}")
    assert seen == ["Ann", "Bob", "Cyd", "Dan", "Eve"]
    mentor = clients.rest(course.mentor, "mentor")
    refused(await mentor.get(f"{course.path}?cursor=nonsense"), 400, "invalid")


async def test_only_who_teaches_the_program_sees_it(caller: Caller, course: Course) -> None:
    await course.enrol("ann")
    for user, role in ((course.user("ann"), "student"), ("somebody", "student"), ("another-mentor", "mentor")):
        refused(await caller(user, role).get(course.path), 403, "forbidden")
    assert done(await caller("root", "admin").get(course.path))["students"] == 1
    refused(await caller().get(course.path), 401, "unauthenticated")
    nowhere = "/api/v1/analytics/programs/nowhere/at-risk"
    refused(await caller("root", "admin").get(nowhere), 404, "not_found")


async def test_what_was_sent_before_is_not_sent_again(clients: Clients, course: Course) -> None:
    await course.enrol("ann")
    mentor = clients.rest(course.mentor, "mentor")
    first = await mentor.get(course.path)
    assert first.status_code == 200
    same = {"If-None-Match": first.headers["etag"]}
    again = await mentor.get(course.path, headers=same)
    # Other tests of this run may have stored facts, and so moved `as_of`.
    assert again.status_code == 304 or again.json()["as_of"] > first.json()["as_of"]
    await course.classes([3, 2], ann=["absent", "absent"])
    assert (await mentor.get(course.path, headers=same)).status_code == 200


async def test_the_rules_are_the_gateway_s_settings(gateway: MakeGateway, course: Course, clients: Clients) -> None:
    await course.enrol("ann", "bob")
    await course.classes([9, 8, 3], ann=["present", "absent", "present"], bob=["absent", "present", "present"])
    assert reasons(await listed(clients, course)) == {}
    rules = {
        "KSMP_ANALYTICS_RISK_DAYS": "7",
        "KSMP_ANALYTICS_RISK_ATTENDANCE": "0.9",
        "KSMP_ANALYTICS_RISK_SESSIONS": "1",
        "KSMP_ANALYTICS_RISK_SUBMISSIONS": "1.0",
        "KSMP_ANALYTICS_RISK_ASSIGNMENTS": "1",
        "KSMP_ANALYTICS_RISK_LESSONS": "1.0",
        "KSMP_ANALYTICS_RISK_LESSONS_LEAST": "1",
        "KSMP_ANALYTICS_RISK_SETTLED_DAYS": "0",
    }
    await course.assignments([2], ann=["on_time"], bob=[""])
    await course.lessons(4, ann=2, bob=4)
    async with gateway(environ=rules) as strict:
        headers = dict(clients.rest(course.mentor, "mentor").headers)
        async with httpx.AsyncClient(base_url=strict.url, headers=headers) as mentor:
            found = done(await mentor.get(course.path))
    assert reasons(found) == {"Ann": [("lessons", 2, 4)], "Bob": [("submissions", 0, 1)]}


async def test_one_mentor_does_not_read_it_all_the_time(clients: Clients, course: Course) -> None:
    """Each answer is read anew, of all students of the program."""
    await course.enrol("ann")
    mentor = clients.rest(course.mentor, "mentor")
    answers = [await mentor.get(course.path) for _ in range(75)]
    assert {one.status_code for one in answers} == {200, 429}
    refused(answers[-1], 429, "rate_limited")
