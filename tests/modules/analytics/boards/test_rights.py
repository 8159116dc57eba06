"""Every measure, tried as somebody else through every way to a figure.

A reader's figures must be the same before and after facts are stored that they may not see: those of another mentor's
program, or of another student. An admin's figures must change, else the test would prove nothing. So no measure needs
to say here what it counts, and a new one is tried by itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway import clock
from gateway.principal import Role
from ksmp_testkit import MakeGateway, MakeToken, eventually
from ksmp_testkit.answers import done
from ksmp_testkit.member import clients_of
from modules.analytics.facade import Fact
from modules.analytics.measures import registry
from modules.analytics.measures.measure import Measure
from tests.modules.analytics.boards.school import A, School, opened

MEASURES = registry.built_in().all
WIDGETS = [(measure.name, by) for measure in MEASURES for by in (None, *measure.dimensions)]
LIMITS = {
    "KSMP_ANALYTICS_BOARD_WIDGETS": "200",
    "KSMP_ANALYTICS_QUERY_RATE_COUNT": "100000",
    "KSMP_ANALYTICS_FRESH": "0.001",
}
# What moves by itself.
MOVING = {"as_of", "complete"}

# What one user does in a program: the name, the label and the value of each fact, and what its key is about.
OF_USERS = (
    ("live.attended", "present", 3000, "class"),
    ("live.watched", "", 900, ""),
    ("live.left_at", "9", 1, ""),
    ("live.took_part", "chat", 3, "class:chat"),
    ("programs.enrolled", "enrolled", 0, "program"),
    ("programs.enrolment", "", 0, ""),
    ("programs.lesson_done", "", 0, "lesson"),
    ("programs.completed", "", 0, "program"),
    ("assignments.turned_in", "on_time", 0, "homework"),
    ("assignments.graded", "", 9000, "homework"),
    ("assignments.first_grade", "", 3600, ""),
    ("payments.order_made", "INR", 100, "order"),
    ("payments.order_attempted", "INR", 100, "order"),
    ("payments.order_paid", "INR", 100, "order"),
    ("payments.attempt", "captured", 100, "payment"),
    ("payments.revenue", "INR", 100, "payment"),
    ("payments.refund", "INR", 50, "refund"),
    ("payments.disputed", "INR", 10, "dispute"),
)
# What is there in a program, and of nobody.
OF_NOBODY = (
    ("live.session", "ended", 3600, "class"),
    ("live.said", "message", 4, ""),
    ("live.poll_taken", "named", 2, "class:poll"),
    ("live.stars", "4", 9, ""),
    ("programs.lesson", "there", 0, "lesson"),
    ("assignments.assignment", "published", 0, "homework"),
    ("catalogue.program_viewed", "", 1, ""),
)
# Of the platform.
OF_GATEWAYS = (
    ("gateway.rest_seconds", "9.5", 500_000, ""),
    ("gateway.chat_seconds", "9.5", 500_000, ""),
    ("chat.latency_felt", "9500", 500_000, ""),
)
# Whole weeks ago, so that who comes back is counted too.
DAYS_AGO = (16, 9)


def things_done(school: School, program: str, users: tuple[str, ...]) -> list[Fact]:
    """All that these users do in a program, in two weeks."""
    return [
        told(school, name, user, program, days, label=label, value=value, key=key and f"{key}-{program}-{days}")
        for days in DAYS_AGO
        for user in users
        for name, label, value, key in OF_USERS
    ]


def things_there(school: School, program: str) -> list[Fact]:
    return [
        told(school, name, "", program, days, label=label, value=value, key=key and f"{key}-{program}-{days}")
        for days in DAYS_AGO
        for name, label, value, key in OF_NOBODY
    ]


def told(school: School, name: str, user: str, program: str, days: int, **others: Any) -> Fact:
    session = f"class-{program}-{days}" if name.startswith("live.") else ""
    at = clock.now() - timedelta(days=days)
    if name in ("programs.lesson", "assignments.assignment", "programs.enrolled"):
        # They were there before anybody was done with them.
        at -= timedelta(days=1)
    return school.fact(name, user, program, at=at, session_id=session, **others)


@dataclass
class Seen:
    """What each reader was shown before and after others did something: by reader and measure, in every way."""

    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
async def seen(gateway: MakeGateway, token: MakeToken) -> AsyncIterator[Seen]:
    async with (
        gateway(address_burst=100_000, request_burst=100_000, environ=LIMITS) as running,
        clients_of(running, token) as clients,
    ):
        school = await opened(running, clients.rest)
        await school.tell(*things_there(school, school.p), *things_done(school, school.p, ("ann", "cem")))
        widgets = [
            {"title": name, "chart": "table", "question": {"measure": name, "by": by and by.value}}
            for name, by in WIDGETS
        ]
        body = {"title": "All", "widgets": widgets, "sharing": {"roles": ["mentor", "student"]}}
        board = done(await school.root.post(f"{A}/boards", json=body), 201)["id"]

        async def as_of_now() -> bool:
            answer = done(await school.root.post(f"{A}/query", json={"measure": "attendance"}))
            return datetime.fromisoformat(answer["as_of"]) > clock.now() - timedelta(days=1)

        # It decides which weeks are over.
        await eventually(as_of_now, "storing has come to today")
        others = tuple(f"other-{number}" for number in range(6))
        first = {"mentor": await ways_of(school.meera, board), "admin": await ways_of(school.root, board)}
        # Meera has no part in Omar's program, although a student of hers is there too.
        await school.tell(*things_there(school, school.q), *things_done(school, school.q, ("ann", "bob", *others)))
        then = {"mentor": await ways_of(school.meera, board), "student": await ways_of(school.ann, board)}
        # Ann has no part in what others do, also in her own programs.
        await school.tell(
            *things_done(school, school.p, ("bob", *others)),
            *things_done(school, school.q, ("cem", "dev")),
            *(told(school, name, "", "", 9, label=label, value=value) for name, label, value, _ in OF_GATEWAYS),
        )
        last = {"student": await ways_of(school.ann, board), "admin": await ways_of(school.root, board)}
        yield Seen({**then, **first}, {**then, **last})


async def ways_of(reader: httpx.AsyncClient, board: str) -> dict[str, Any]:
    """All that a reader is shown of each measure, by every way there is."""
    figures = done(await reader.get(f"{A}/boards/{board}/figures"))["widgets"]
    rows = csv.DictReader(io.StringIO((await reader.get(f"{A}/exports/boards/{board}")).text[1:]))
    of_board = list(rows)
    shown: dict[str, Any] = {}
    for measure in MEASURES:
        widgets = [one for one in figures if one["widget"]["question"]["measure"] == measure.name]
        shown[measure.name] = {
            "route": outcome(await reader.get(f"{A}/measures/{measure.name}")),
            "query": outcome(await reader.post(f"{A}/query", json={"measure": measure.name})),
            "file": outcome(await reader.get(f"{A}/exports/measures/{measure.name}")),
            "board": [one["error"]["code"] if one["error"] else still(one["figures"]) for one in widgets],
            "board file": [still(row) for row in of_board if row["measure"] == measure.name],
        }
    return shown


def outcome(answer: httpx.Response) -> Any:
    """The figures of an answer, or its code."""
    if answer.status_code != 200:
        return answer.json()["code"]
    if answer.headers["content-type"].startswith("text/csv"):
        return [still(row) for row in csv.DictReader(io.StringIO(answer.text[1:]))]
    return still(answer.json())


def still(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: still(inner) for name, inner in value.items() if name not in MOVING}
    return [still(inner) for inner in value] if isinstance(value, list) else value


def refusals(shown: dict[str, Any]) -> set[str]:
    """The codes with which a measure was refused, by whichever way."""
    return {
        found for way in shown.values() for found in (way if isinstance(way, list) else [way]) if isinstance(found, str)
    }


def test_facts_of_all_measures_are_told_here() -> None:
    names = {name for name, *_ in (*OF_USERS, *OF_NOBODY, *OF_GATEWAYS)}
    assert {source for measure in MEASURES for source in measure.sources} <= names


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_mentor_is_shown_nothing_of_other_programs(seen: Seen, measure: Measure) -> None:
    before, after = seen.before["mentor"][measure.name], seen.after["mentor"][measure.name]
    assert before == after
    if Role.MENTOR in measure.roles:
        assert not refusals(before)
        assert before["board file"]
    else:
        assert refusals(before) == {"forbidden"}
        assert before["board file"] == []


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_student_is_shown_nothing_of_others(seen: Seen, measure: Measure) -> None:
    before, after = seen.before["student"][measure.name], seen.after["student"][measure.name]
    assert before == after
    if measure.personal:
        assert not refusals(before)
        assert before["board file"]
    else:
        assert refusals(before) == {"forbidden"}
        assert before["board file"] == []


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_an_admin_is_shown_what_was_stored_meanwhile(seen: Seen, measure: Measure) -> None:
    before, after = seen.before["admin"][measure.name], seen.after["admin"][measure.name]
    for way in before:
        assert before[way] != after[way], way
    assert not refusals(after)
