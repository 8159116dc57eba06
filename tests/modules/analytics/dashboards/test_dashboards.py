"""Dashboards: whose figures they show, to whom, and that they are those of the facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from gateway import clock
from ksmp_testkit.answers import done, refused
from modules.analytics.dashboards.layout import ADMIN, MENTOR, STUDENT, Layout
from modules.analytics.measures.answer_cache import AnswerCache
from modules.analytics.measures.measure import Measure
from modules.analytics.measures.registry import built_in
from tests.modules.analytics.dashboards.school import ANALYTICS, School, named, total

ROLES = {"student": ("student", "mentor", "admin"), "mentor": ("mentor", "admin"), "admin": ("admin",)}


@pytest.mark.parametrize("whose", ROLES)
async def test_each_role_reads_its_dashboards(school: School, whose: str) -> None:
    refused(await school.callers().get(f"{ANALYTICS}/dashboards/{whose}"), 401, "unauthenticated")
    for role in ("student", "mentor", "admin"):
        answer = await school.caller("somebody", role).get(f"{ANALYTICS}/dashboards/{whose}")
        if role in ROLES[whose]:
            assert done(answer)["whose"] == whose
        else:
            refused(answer, 403, "forbidden")


async def test_a_mentor_s_dashboard_is_of_their_programs(school: School) -> None:
    algebra, other = await school.program(), await school.program("raj", "Biology")
    await school.tell(
        *school.attended(algebra, f"one-{school.mark}", present=6, absent=2),
        *school.attended(other, f"two-{school.mark}", present=1, absent=4),
    )
    found = await school.read(school.caller("meera", "mentor"), "dashboards/mentor")
    assert total(named(found, "attendance")) == (6, 8)
    by_program = next(
        one for one in found["details"] if (one["measure"]["name"], one["by"]) == ("attendance", "program")
    )
    assert [(one["key"], one["label"]) for one in by_program["figures"]] == [(algebra, "Algebra")]
    raj = await school.read(school.caller("raj", "mentor"), "dashboards/mentor")
    assert total(named(raj, "attendance")) == (1, 5)
    answer = await school.caller("meera", "mentor").get(f"{ANALYTICS}/dashboards/mentor?program={other}")
    refused(answer, 403, "forbidden")
    boss = school.caller("boss", "admin")
    assert total(named(await school.read(boss, "dashboards/mentor", program=other), "attendance")) == (1, 5)


async def test_a_mentor_who_is_removed_sees_no_more(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was just read, and is still known: whose it is, is in its name."""
    program = await school.program()
    mentor, colleague = school.caller("meera", "mentor"), school.caller("raj", "mentor")
    await colleague.get("/api/v1/users/me")
    changed = {"co_mentors": [school.user("raj")]}
    done(await mentor.patch(f"/api/v1/programs/{program}", json=changed, headers={"If-Match": "*"}))
    await school.tell(*school.attended(program, f"one-{school.mark}", present=5))
    monkeypatch.setattr(school.analytics.measures, "answers", AnswerCache(60.0))
    assert total(await school.read(colleague, "measures/attendance")) == (5, 5)
    done(await mentor.patch(f"/api/v1/programs/{program}", json={"co_mentors": []}, headers={"If-Match": "*"}))
    assert total(await school.read(colleague, "measures/attendance")) == (0, 0)
    assert total(await school.read(mentor, "measures/attendance")) == (5, 5)


async def test_a_student_s_dashboard_is_of_themselves(school: School) -> None:
    program = await school.program()
    await school.tell(
        *school.attended(program, f"one-{school.mark}", present=2, absent=1),
        *school.attended(program, f"two-{school.mark}", present=3),
    )
    for name, expected in (("s0", (2, 2)), ("s2", (1, 2)), ("stranger", (0, 0))):
        found = await school.read(school.caller(name), "dashboards/student")
        assert total(named(found, "attendance")) == expected
        assert found["indications"] == []
    sessions = next(one for one in found["details"] if one["by"] == "session")
    assert sessions["figures"] == []


async def test_the_figures_of_a_dashboard_are_those_of_its_measures(school: School) -> None:
    program = await school.program()
    await school.tell(*everything(school, program))
    mentor = school.caller("meera", "mentor")
    found = await school.read(mentor, "dashboards/mentor")
    for shown in (*found["headlines"], *found["details"], *found["indications"]):
        name, by = shown["measure"]["name"], shown["by"]
        alone = await school.read(mentor, f"measures/{name}", by=by)
        for part in ("total", "previous", "figures"):
            assert shown[part] == alone[part], (name, by, part)
        assert shown["measure"]["definition"]
        assert shown["measure"]["numerator"]


def test_dashboards_show_what_the_server_saw() -> None:
    """Fault 12: what clients send, bots among them, is in no headline."""
    registry = built_in()
    layouts: Mapping[str, Layout] = {"student": STUDENT, "mentor": MENTOR, "admin": ADMIN}
    for layout in layouts.values():
        shown = {*layout.headlines, *(name for _, names in layout.details for name in names)}
        assert not [name for name in shown if registry.find(name).from_clients]
        assert all(registry.find(name).from_clients for name in layout.indications)
        for by, names in layout.details:
            assert all(by in registry.find(name).dimensions for name in names), by
    targets = {one.name: one.target for one in registry.all if one.target is not None}
    assert targets == {"attendance": 0.8, "program_completion": 0.9, "payment_success": 0.95, "stars": 4.5}
    assert {*targets} <= {*ADMIN.headlines}


async def test_a_measure_that_counts_what_clients_send_says_so(school: School) -> None:
    """Fault 12: the gateway does not start with a measure that mixes both."""
    with pytest.raises(ValueError, match="attendance counts live.attended, which clients send"):
        built_in().check_sources(["live.attended"])
    names = school.analytics.names
    facts = names.facts | {"gateway.rest_seconds", "gateway.chat_seconds"}
    for measure in built_in().all:
        sources = {*measure.sources}
        assert sources <= (names.client_events if measure.from_clients else facts), measure.name
        assert {*measure.registers} <= names.registers, measure.name
        assert not {*measure.rollups} & names.registers, measure.name


async def test_what_has_not_changed_is_not_sent_again(school: School, own_postgres: str) -> None:
    mentor = school.caller("meera", "mentor")
    first = await mentor.get(f"{ANALYTICS}/measures/attendance", params={"from": "2026-01-01", "until": "2026-01-08"})
    connection = await asyncpg.connect(own_postgres)
    before = await connection.fetchval("SELECT as_of FROM analytics_progress")
    again = await mentor.get(
        f"{ANALYTICS}/measures/attendance",
        params={"from": "2026-01-01", "until": "2026-01-08"},
        headers={"If-None-Match": first.headers["ETag"]},
    )
    moved = await connection.fetchval("SELECT as_of FROM analytics_progress") != before
    await connection.close()
    assert again.status_code == 304 or moved


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"from": "2026-02-01", "until": "2026-01-01"}, "invalid"),
        ({"from": "2026-02-30"}, "invalid"),
        ({"from": "yesterday"}, "invalid"),
        ({"from": "2020-01-01", "until": "2026-01-01"}, "invalid"),
        ({"by": "colour"}, "invalid"),
        ({"form": "2026-01-01"}, "invalid"),
        ({"lang": "tlh"}, "invalid"),
        ({"by": "kind"}, "analytics.no_dimension"),
        ({"kind": "chat"}, "invalid"),
        ({"from": "2024-12-01", "until": "2026-12-01", "by": "day"}, None),
    ],
)
async def test_bad_questions_are_refused(school: School, params: dict[str, str], code: str | None) -> None:
    answer = await school.caller("meera", "mentor").get(f"{ANALYTICS}/measures/attendance", params=params)
    if code is None:
        assert len(done(answer)["figures"]) == 730
    else:
        refused(answer, 400, code)


async def test_measures_are_listed_for_their_readers(school: School) -> None:
    names: dict[str, set[str]] = {}
    for role in ("student", "mentor", "admin"):
        items = (await school.read(school.caller("x", role), "measures"))["items"]
        names[role] = {one["name"] for one in items}
    assert names["student"] < names["mentor"] < names["admin"]
    assert names["admin"] == {one.name for one in built_in().all}
    assert "revenue" not in names["mentor"]
    refused(await school.caller("x").get(f"{ANALYTICS}/measures/revenue"), 403, "forbidden")
    refused(await school.caller("x").get(f"{ANALYTICS}/measures/happiness"), 400, "analytics.unknown_measure")


async def test_every_measure_as_somebody_else(school: School) -> None:
    """Fault 10: nobody gets more from a measure than their scope holds, by whatever it is divided."""
    program = await school.program()
    await school.tell(*everything(school, program))
    strangers = {"student": school.caller("stranger"), "mentor": school.caller("raj", "mentor")}
    boss = school.caller("boss", "admin")
    for measure in built_in().all:
        for role, stranger in strangers.items():
            await nothing_for(stranger, role, measure, program)
        # Those who may see it see that there is something.
        found = await school.read(boss, f"measures/{measure.name}")
        if not measure.from_clients:
            assert any(map(shows_something, found["total"])), measure.name


def shows_something(figure: Any) -> bool:
    return bool(figure["numerator"] or figure["denominator"] or figure["suppressed"])


async def nothing_for(stranger: httpx.AsyncClient, role: str, measure: Measure, program: str) -> None:
    path = f"{ANALYTICS}/measures/{measure.name}"
    for by in (None, *measure.dimensions):
        answer = await stranger.get(path, params={} if by is None else {"by": by.value})
        if answer.status_code == 403:
            assert (role == "student" and not measure.personal) or measure.roles == {"admin"}, measure.name
            return
        found = done(answer)
        shown = (*found["total"], *found["previous"], *found["figures"])
        assert not any(map(shows_something, shown)), (measure.name, by)
    answer = await stranger.get(path, params={"program": program})
    if role == "mentor":
        refused(answer, 403, "forbidden")
    else:
        assert not any(one["numerator"] for one in done(answer)["total"]), measure.name


def everything(school: School, program: str) -> list[Any]:
    """At least one fact that each measure counts."""
    session = f"one-{school.mark}"

    def fact(name: str, label: str = "", value: int = 1, **others: Any) -> Any:
        return school.fact(name, program_id=program, label=label, value=value, **others)

    return [
        *school.attended(program, session, present=6, absent=2),
        fact("live.session", "ended", 600, session_id=session, key=session),
        fact("live.watched", value=600, user="s0", session_id=session),
        fact("live.left_at", "9", user="s0", session_id=session),
        fact("live.took_part", "chat", user="s0", session_id=session, key=f"{session}:chat"),
        fact("live.said", "message", session_id=session),
        fact("live.poll_taken", "named", session_id=session, key=f"poll-{school.mark}"),
        fact("live.stars", "5", session_id=session, part=school.mark),
        fact("programs.enrolled", "enrolled", user="s0", key=program),
        fact("programs.enrolment", user="s0"),
        fact("programs.lesson", "there", key=f"lesson-{school.mark}"),
        fact("programs.lesson_done", user="s0", key=f"lesson-{school.mark}"),
        fact("programs.lesson_done", at=clock.now() - timedelta(days=10), user="s1", key=f"lesson-{school.mark}"),
        fact("programs.completed", user="s0", key=program),
        fact("assignments.assignment", "published", key=f"work-{school.mark}"),
        fact("assignments.turned_in", "on_time", user="s0", key=f"work-{school.mark}"),
        fact("assignments.graded", user="s0", key=f"turned-{school.mark}", value=9_000),
        fact("assignments.first_grade", user="s0", key=f"turned-{school.mark}", value=600),
        fact("payments.order_made", "INR", user="s0", key=f"order-{school.mark}", value=100_00),
        fact("payments.order_paid", "INR", user="s0", key=f"order-{school.mark}", value=100_00),
        fact("payments.order_attempted", "INR", user="s0", key=f"order-{school.mark}", value=100_00),
        fact("payments.attempt", "captured", user="s0", key=f"pay-{school.mark}", value=100_00),
        fact("payments.revenue", "INR", user="s0", key=f"pay-{school.mark}", value=100_00),
        fact("payments.refund", "INR", user="s0", key=f"back-{school.mark}", value=10_00),
        school.fact("gateway.rest_seconds", label="0.1", value=3, part=school.mark),
        school.fact("gateway.chat_seconds", label="0.1", value=3, part=school.mark),
    ]
