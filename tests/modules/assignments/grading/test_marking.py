"""Who marks what, and what comes next."""

from __future__ import annotations

import asyncio
from collections import Counter

from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.grading.marking import Marker, class_of
from tests.modules.programs.programs import signed_in


async def test_markers_who_ask_at_once_get_different_submissions(caller: Caller) -> None:
    lesson = await class_of(caller, students=4)
    other = await lesson.co_mentor(caller)
    taken = await asyncio.gather(lesson.marker.next(), other.next())
    ids = {one["grade"]["submission_id"] for one in taken}
    assert len(ids) == 2
    assert [one["left"] for one in taken] == [4, 4]
    # It stays theirs, and when only the other's is left they get that.
    again = await lesson.marker.next()
    assert again["grade"]["submission_id"] not in ids or again == taken[0]
    for receipt in lesson.receipts[:3]:
        await lesson.marker.final(receipt, "5")
    last = [await one.next() for one in (lesson.marker, other)]
    assert {one["grade"]["submission_id"] for one in last} == {lesson.receipts[3]["submission_id"]}
    await other.final(lesson.receipts[3], "5")
    assert await other.next() == {"grade": None, "left": 0}


async def test_a_submission_can_be_left_for_later(caller: Caller) -> None:
    lesson = await class_of(caller, students=2)
    first = (await lesson.marker.next())["grade"]["submission_id"]
    second = (await lesson.marker.next(skip=first))["grade"]["submission_id"]
    assert {first, second} == {one["submission_id"] for one in lesson.receipts}


async def test_work_is_split_evenly_and_each_marks_their_own(caller: Caller) -> None:
    lesson = await class_of(caller, students=5)
    other = await lesson.co_mentor(caller)
    split = done(await lesson.marker.rest.post(f"{lesson.marker.path}/markers/split", json={}))["items"]
    counts = Counter(one["marker_id"] for one in split)
    assert sorted(counts.values()) == [2, 3]
    assert len(await lesson.marker.markings(mine=True)) == counts[lesson.room.mentor]
    own = {one["submission_id"] for one in await other.markings(mine=True)}
    assert (await other.next())["grade"]["submission_id"] in own
    assert (await other.next())["left"] == len(own)
    # Everything is given to the mentor; the other has nothing left.
    items = [{"submission_id": one["submission_id"], "marker_id": lesson.room.mentor} for one in lesson.receipts]
    done(await lesson.marker.rest.put(f"{lesson.marker.path}/markers", json={"items": items}))
    assert await other.next() == {"grade": None, "left": 0}
    # Who marks is no right: all who teach may.
    await other.final(lesson.receipts[0], "5")
    nobody = [{"submission_id": lesson.receipts[1]["submission_id"], "marker_id": None}]
    done(await lesson.marker.rest.put(f"{lesson.marker.path}/markers", json={"items": nobody}))
    assert (await other.next())["left"] == 1


async def test_markers_teach_the_program(caller: Caller) -> None:
    lesson = await class_of(caller)
    path = f"{lesson.marker.path}/markers"
    submission = lesson.receipts[0]["submission_id"]
    for items in (
        [{"submission_id": submission, "marker_id": lesson.room.students[0]}],
        [{"submission_id": "other", "marker_id": lesson.room.mentor}],
    ):
        refused(await lesson.marker.rest.put(path, json={"items": items}), 400, "invalid")
    body = {"marker_ids": [lesson.room.students[0]]}
    refused(await lesson.marker.rest.post(f"{path}/split", json=body), 400, "invalid")


async def test_the_list_says_how_far_markers_are(caller: Caller) -> None:
    lesson = await class_of(caller, students=3)
    await lesson.marker.save(lesson.receipts[0], "3")
    await lesson.marker.final(lesson.receipts[1], "5")
    await lesson.marker.release()
    by_id = {one["submission_id"]: one for one in await lesson.marker.markings()}
    found = [by_id[receipt["submission_id"]] for receipt in lesson.receipts]
    assert [(one["state"], one["points"], one["released"]) for one in found] == [
        ("draft", "3.00", False),
        ("final", "5.00", True),
        (None, None, False),
    ]


async def test_what_a_marker_was_to_mark_who_left_is_anybodys(caller: Caller) -> None:
    lesson = await class_of(caller, students=2)
    other = await lesson.co_mentor(caller)
    split = f"{lesson.marker.path}/markers/split"
    assert len({one["marker_id"] for one in done(await lesson.marker.rest.post(split, json={}))["items"]}) == 2
    assert (await lesson.marker.next())["left"] == 1
    done(await lesson.room.teacher.patch(lesson.room.path, json={"co_mentors": []}, headers={"If-Match": "*"}))
    refused(await other.rest.get(f"{other.path}/markings"), 404, "not_found")
    # One's own comes first.
    (own,) = await lesson.marker.markings(mine=True)
    found = await lesson.marker.next()
    assert (found["left"], found["grade"]["submission_id"]) == (2, own["submission_id"])
    items = done(await lesson.marker.rest.post(split, json={}))["items"]
    assert [one["marker_id"] for one in items] == [lesson.room.mentor] * 2


async def test_nobody_marks_their_own_work(caller: Caller) -> None:
    """Somebody was a student of the program, and teaches it now."""
    lesson = await class_of(caller, students=2)
    one = lesson.room.students[0]
    rest = caller(one, "mentor")
    await signed_in(rest)
    done(await lesson.room.teacher.patch(lesson.room.path, json={"co_mentors": [one]}, headers={"If-Match": "*"}))
    theirs = Marker(rest, lesson.id)
    refused(await theirs.try_save(lesson.receipts[0], "10", state="final"), 403, "forbidden")
    found = await theirs.next()
    assert (found["left"], found["grade"]["submission_id"]) == (1, lesson.receipts[1]["submission_id"])
    await theirs.final(lesson.receipts[1], "9")
    await lesson.marker.final(lesson.receipts[0], "3")
