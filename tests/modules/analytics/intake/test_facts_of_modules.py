"""What happens in the modules becomes facts, which say the same as their rows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from ksmp_testkit import Caller, CreateClass, Running, eventually
from tests.modules.programs.programs import ANY, created, id_of, user

FOLLOWER = "analytics.facts"


async def registers(database: asyncpg.Pool[Any], program: str) -> Counter[tuple[str, str]]:
    """How many keys have which label, by name."""
    rows = await database.fetch("SELECT name, label FROM analytics_register WHERE program_id = $1", program)
    return Counter((row["name"], row["label"]) for row in rows)


async def told(database: asyncpg.Pool[Any], program: str) -> Counter[tuple[str, str]]:
    """How many facts there are, by name and label."""
    rows = await database.fetch("SELECT name, label FROM analytics_event WHERE program_id = $1", program)
    return Counter((row["name"], row["label"]) for row in rows)


async def lessons_of(mentor: httpx.AsyncClient, path: str, *titles: str) -> list[str]:
    """The ids of the new lessons of a new unit."""
    unit = (await mentor.post(f"{path}/units", json={"title": "One"})).json()["id"]
    made = [await mentor.post(f"{path}/units/{unit}/lessons", json={"title": title}) for title in titles]
    return [one.json()["id"] for one in made]


async def test_a_program_is_registers_of_places_lessons_and_completion(
    node: Running, database: asyncpg.Pool[Any], caller: Caller
) -> None:
    mentor, ann, bob = caller(user(), "mentor"), caller(user()), caller(user())
    path = await created(mentor)
    program = id_of(path)
    kept, gone = await lessons_of(mentor, path, "Kept", "Gone")
    for student in (ann, bob):
        assert (await student.post(f"{path}/enrolment")).status_code == 200
    for _ in range(2):
        answer = await ann.put(f"{path}/lessons/{kept}/progress", json={"state": "completed"})
        assert answer.status_code == 200
    assert (await mentor.delete(f"{path}/lessons/{gone}", headers=ANY)).status_code == 204
    assert (await bob.delete(f"{path}/enrolment")).status_code == 204
    await node.events_handled(FOLLOWER, timeout=30)
    assert await registers(database, program) == {
        ("programs.enrolled", "enrolled"): 1,
        ("programs.enrolled", "cancelled"): 1,
        ("programs.lesson", "there"): 1,
        ("programs.lesson", "removed"): 1,
        ("programs.lesson_done", ""): 1,
        ("programs.completed", ""): 1,
    }
    assert (await told(database, program))["programs.enrolment", ""] == 2
    # The facts have the times of the rows, to the microsecond, and nobody's id but pseudonyms.
    done = await database.fetchval("SELECT completed_at FROM program_progress WHERE lesson_id = $1", kept)
    facts = await database.fetch("SELECT * FROM analytics_event WHERE program_id = $1", program)
    assert [row["at"] for row in facts if row["name"] == "programs.lesson_done"] == [done]
    ids = {row["user_id"] for row in await database.fetch("SELECT user_id FROM analytics_subject")}
    written = str([dict(row) for row in facts])
    assert not [id for id in ids if id in written]


async def test_a_class_says_who_was_there_and_what_they_did(
    node: Running, database: asyncpg.Pool[Any], create_class: CreateClass
) -> None:
    class_ = await create_class(students=2, open=False)
    await database.execute("UPDATE live_session SET state = 'live', started_at = now() WHERE id = $1", class_.id)
    await class_.student.command("chat.send", {"text": "Good morning"})
    await class_.student.command("live.raise_hand")
    assert (await class_.mentor.rest.post(f"/api/v1/sessions/{class_.id}/end")).status_code == 200

    async def recorded() -> bool:
        return bool((await told(database, class_.program_id))["live.said", "hand"])

    await eventually(recorded, "the class is settled and told", timeout=30)
    facts = await told(database, class_.program_id)
    assert sum(count for (name, _), count in facts.items() if name == "live.watched") >= 2
    assert (facts["live.attended", "present"], facts["live.attended", "host"]) == (2, 1)
    assert (facts["live.took_part", "chat"], facts["live.took_part", "hand"]) == (1, 1)
    assert (facts["live.said", "message"], facts["live.session", "ended"]) == (1, 1)
    sums = await database.fetchrow(
        """
        SELECT sum(value) FILTER (WHERE name = 'live.watched') AS watched,
            sum(value) FILTER (WHERE name = 'live.attended' AND label = 'present') AS attended,
            max(at) FILTER (WHERE name = 'live.attended') AS at
        FROM analytics_event WHERE session_id = $1
        """,
        class_.id,
    )
    assert sums is not None
    assert sums["watched"] == sums["attended"]
    ended: datetime = await database.fetchval("SELECT ended_at FROM live_session WHERE id = $1", class_.id)
    assert sums["at"] == ended
