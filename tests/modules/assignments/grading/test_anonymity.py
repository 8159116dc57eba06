"""Whoever marks an anonymous assignment does not find out whose work it is: fault 10."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import httpx

from gateway import clock
from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from tests.modules.assignments.classroom import later
from tests.modules.assignments.grading.marking import Class, Marker, by_the_clock, class_of
from tests.modules.programs.programs import user


async def close(database: asyncpg.Pool, lesson: Class) -> None:
    """Nobody may hand in any more."""
    past = clock.now() - timedelta(seconds=1)
    query = "UPDATE assignments_assignment SET due_at = $2, due_wall = $3, due_zone = $4 WHERE id = $1"
    await database.execute(query, lesson.id, past, *by_the_clock(past))


async def read_by_staff(rest: httpx.AsyncClient, lesson: Class) -> str:
    """All that those who teach may read of the assignment's submissions, with headers."""
    marker = Marker(rest, lesson.id)
    told = []
    for receipt in lesson.receipts:
        for path in (marker.grade_of(receipt), f"{marker.grade_of(receipt)}/versions"):
            answer = await rest.get(path)
            told.append(f"{answer.text} {dict(answer.headers)}")
        submission = f"{marker.path}/submissions/{receipt['submission_id']}"
        told.append((await rest.get(submission)).text)
    for path in ("markings", "submissions", "regrades"):
        answer = await rest.get(f"{marker.path}/{path}")
        assert answer.status_code == 200
        told.append(f"{answer.text} {dict(answer.headers)}")
    # The name of a user of the tests is their id, with a capital letter.
    return "\n".join(told).casefold()


def names(lesson: Class) -> list[str]:
    return list(lesson.room.students)


async def test_staff_sees_pseudonyms_until_all_is_released_and_closed(caller: Caller, database: asyncpg.Pool) -> None:
    lesson = await class_of(caller, students=3, anonymous=True, due=later(hours=1))
    admin = caller(user(), "admin")
    for receipt in lesson.receipts[:2]:
        await lesson.marker.final(receipt, "7")
    await lesson.marker.release()
    regrade = {"reason": "Look again"}
    done(await lesson.works[0].rest.post(f"{lesson.marker.path}/regrades", json=regrade), 201)
    for closed in (False, True):
        for rest in (lesson.room.teacher, admin):
            told = await read_by_staff(rest, lesson)
            assert not [name for name in names(lesson) if name in told]
        if not closed:
            await close(database, lesson)
    labels = [one["label"] for one in await lesson.marker.markings()]
    assert labels == sorted(labels)
    assert len(set(labels)) == 3
    # The names stay the same for a submission.
    assert [one["label"] for one in await lesson.marker.markings()] == labels
    await lesson.marker.final(lesson.receipts[2], "5")
    await lesson.marker.release()
    told = await read_by_staff(lesson.room.teacher, lesson)
    assert all(name in told for name in names(lesson))


async def test_names_stay_hidden_while_somebody_may_hand_in(caller: Caller, database: asyncpg.Pool) -> None:
    lesson = await class_of(caller, students=2, anonymous=True, due=later(hours=1), release="at_once")
    for receipt in lesson.receipts:
        await lesson.marker.final(receipt, "7")
    assert not _shown(await lesson.marker.markings(), lesson)
    await close(database, lesson)
    late = await lesson.room.enrol()
    tomorrow = clock.now() + timedelta(days=1)
    grant = (
        "INSERT INTO assignments_extension (assignment_id, user_id, due_wall, due_zone, due_at, granted_by, granted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, now())"
    )
    await database.execute(grant, lesson.id, late, *by_the_clock(tomorrow), tomorrow, lesson.room.mentor)
    assert not _shown(await lesson.marker.markings(), lesson)
    await database.execute("DELETE FROM assignments_extension WHERE assignment_id = $1", lesson.id)
    assert _shown(await lesson.marker.markings(), lesson)


def _shown(markings: list[dict[str, Any]], lesson: Class) -> bool:
    return any(name in one["label"].casefold() for one in markings for name in names(lesson))
