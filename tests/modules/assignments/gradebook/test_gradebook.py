"""The grade book by way of the gateway: who sees what, the same numbers on the page and in files, statistics."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later
from tests.modules.assignments.gradebook.graded import graded
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import ANY, user

BOOK = f"{ASSIGNMENTS}/gradebook"
GRADES = f"{ASSIGNMENTS}/grades"
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = {
        "KSMP_ASSIGNMENTS_STATISTICS_LEAST": "3",
        "KSMP_ASSIGNMENTS_GRADEBOOK_ROWS": "3",
        "KSMP_ASSIGNMENTS_GRADEBOOKS_AT_ONCE": "1",
    }
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


async def book(room: Classroom, query: str = "") -> dict[str, Any]:
    return dict(done(await room.teacher.get(f"{BOOK}?program={room.program}{query}")))


async def row(room: Classroom, student: str, query: str = "") -> dict[str, Any]:
    (found,) = [one for one in (await book(room, query))["items"] if one["user_id"] == student]
    return dict(found)


async def own(room: Classroom, student: str) -> dict[str, Any]:
    return dict(done(await room.caller(student).get(f"{GRADES}?program={room.program}")))


async def category(room: Classroom, name: str, weight: str, drop: int = 0) -> str:
    body = {"program_id": room.program, "name": name, "weight": weight, "drop_lowest": drop}
    return str(done(await room.teacher.post(f"{ASSIGNMENTS}/categories/", json=body), 201)["id"])


async def test_grades_add_up_by_categories(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    ann, ben = room.students
    essays, tests = await category(room, "Essays", "60", drop=1), await category(room, "Tests", "20")
    one, two, three = [await graded(room, category_id=essays) for _ in range(3)]
    test = await graded(room, "50", category_id=tests)
    extra = await graded(room, "5", category_id=tests, extra_credit=True)
    for work, points in ((one, "7"), (two, "2"), (three, "10"), (test, "25"), (extra, "2.5")):
        await work.grade(ann, points)
    found = await row(room, ann)
    assert found["marks"][extra.id] == {"state": "graded", "score": "2.50", "days_late": 0, "released": True}
    assert found["total"]["categories"] == [
        {"category_id": essays, "earned": "17.00", "possible": "20.00", "percent": "85.00", "dropped": [two.id]},
        {"category_id": tests, "earned": "27.50", "possible": "50.00", "percent": "55.00", "dropped": []},
    ]
    # (60 · 85 + 20 · 55) / 80
    assert found["total"]["percent"] == "77.50"
    assert (await row(room, ben))["total"]["percent"] is None
    assert await own(room, ann) == {
        "program_id": room.program,
        **{name: (await book(room))[name] for name in ("categories", "assignments")},
        "marks": found["marks"],
        "total": found["total"],
    }


async def test_what_is_not_released_is_as_if_it_were_not_graded(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    ann, ben = room.students
    shown, hidden = await graded(room), await graded(room, release="together")
    for work in (shown, hidden):
        await work.hand_in(ann)
        await work.hand_in(ben)
    await shown.grade(ann, "8")
    before = await own(room, ann)
    await hidden.grade(ann, "1")
    # Nothing of it: not the marks, not the totals, not the ETag.
    assert await own(room, ann) == before
    answer = await caller(ann).get(f"{GRADES}?program={room.program}")
    await hidden.grade(ann, "2")
    again = await caller(ann).get(f"{GRADES}?program={room.program}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    as_students = await row(room, ann, "&released=true")
    assert (as_students["marks"], as_students["total"]) == (before["marks"], before["total"])
    latest = await row(room, ann)
    assert latest["marks"][hidden.id] == {"state": "graded", "score": "2.00", "days_late": 0, "released": False}
    assert (latest["total"]["percent"], as_students["total"]["percent"]) == ("50.00", "80.00")
    statistics = f"{ASSIGNMENTS}/{hidden.id}/statistics"
    assert done(await caller(ben).get(statistics))["spread"] is None
    await hidden.marker.release()
    assert (await own(room, ann))["total"]["percent"] == "50.00"


async def test_missing_work_counts_when_the_student_s_own_dates_are_over(caller: Caller) -> None:
    room = await classroom(caller, students=3)
    ann, ben, cyd = room.students
    done_work = await graded(room)
    for student in room.students:
        await done_work.grade(student, "10")
    # It never closes, so it is missing once it is due.
    due = await room.assignment(points="10", due=later(hours=-1))
    # It is due, and taken until it closes.
    await room.assignment(points="10", due=later(hours=-1), closes=later(hours=1))
    extension = {"due": later(days=1)}
    path = f"{ASSIGNMENTS}/{due['id']}/extensions/{ben}"
    done(await room.teacher.put(path, json=extension, headers=ANY))
    await Work(caller, cyd, due["id"]).hand_in()
    for student, total, mark in ((ann, "50.00", "missing"), (ben, "100.00", None), (cyd, "100.00", None)):
        found = await row(room, student)
        assert found["total"]["percent"] == total
        assert found["marks"].get(due["id"], {"state": None})["state"] == mark
        assert (await own(room, student))["total"] == found["total"]


async def test_lateness_is_in_the_score(caller: Caller) -> None:
    room = await classroom(caller)
    (ann,) = room.students
    late = {"kind": "percent", "percent": "12.5", "floor": 0}
    work = await graded(room, "9.99", due=later(hours=-1), late=late)
    await work.grade(ann, "9.99")
    # 9.99 · 0.875 = 8.74125
    assert (await own(room, ann))["marks"][work.id] == {
        "state": "graded",
        "score": "8.74",
        "days_late": 1,
        "released": True,
    }


async def test_files_have_the_numbers_of_the_page_and_no_formulas(caller: Caller) -> None:
    room = await classroom(caller, students=3)
    ann, ben, _ = room.students
    essays = await category(room, "@Essays", "10")
    work = await graded(room, "3", title=FORMULA, category_id=essays)
    await work.grade(ann, "1")
    await work.grade(ben, "2")
    await room.assignment(points="1", title="-1+1", due=later(hours=-1), category_id=essays)
    page = await book(room)
    csv_file = await room.teacher.get(f"{BOOK}?program={room.program}&format=csv")
    xlsx_file = await room.teacher.get(f"{BOOK}?program={room.program}&format=xlsx")
    assert csv_file.headers["content-disposition"] == f'attachment; filename="gradebook-{room.program}.csv"'
    head, *rows = csv.reader(io.StringIO(csv_file.text.removeprefix("\ufeff")))
    titles = [f"{FORMULA} (3.00)", "-1+1 (1.00)", "@Essays (%)"]
    assert head == ["user_id", "name", *(f"'{title}" for title in titles), "total (%)"]

    def cells_of(item: dict[str, Any]) -> list[str | None]:
        marks = [item["marks"].get(one["id"]) for one in page["assignments"]]
        shown = [None if mark is None else mark["score"] or mark["state"] for mark in marks]
        total = item["total"]
        return [item["user_id"], item["name"], *shown, total["categories"][0]["percent"], total["percent"]]

    expected = [cells_of(item) for item in page["items"]]
    assert rows == [[cell or "" for cell in one] for one in expected]
    # A third and two thirds of 3, with one point that is missing.
    assert {one[0]: one[-1] for one in rows} == {ann: "25.00", ben: "50.00", room.students[2]: "0.00"}

    def sheet() -> list[list[Any]]:
        active = openpyxl.load_workbook(io.BytesIO(xlsx_file.content)).active
        assert active is not None
        assert all(cell.data_type != "f" for line in active.iter_rows() for cell in line)
        return [[cell.value for cell in line] for line in active.iter_rows()]

    first, *others = await asyncio.to_thread(sheet)
    assert first == ["user_id", "name", *titles, "total (%)"]

    def read(value: str | None) -> Any:
        try:
            return None if value is None else float(Decimal(value))
        except ArithmeticError:
            return value

    names = [one[:2] for one in expected]
    assert [line[:2] for line in others] == names
    assert [line[2:] for line in others] == [[read(cell) for cell in one[2:]] for one in expected]


async def test_a_file_of_too_many_is_refused(caller: Caller) -> None:
    room = await classroom(caller, students=4)
    refused(await room.teacher.get(f"{BOOK}?program={room.program}&format=csv"), 400, "invalid")


async def test_pages_by_user(caller: Caller) -> None:
    room = await classroom(caller, students=3)
    first = await book(room, "&limit=2")
    rest = await book(room, f"&limit=2&cursor={first['next']}")
    assert [one["user_id"] for one in first["items"] + rest["items"]] == sorted(room.students)
    assert rest["next"] is None


async def test_who_may_not(caller: Caller) -> None:
    room = await classroom(caller)
    (ann,) = room.students
    work = await graded(room)
    for path in (f"{BOOK}?program={room.program}", f"{BOOK}?program={room.program}&format=csv"):
        refused(await caller(ann).get(path), 403, "forbidden")
        refused(await caller(user(), "mentor").get(path), 404, "not_found")
    for stranger in (caller(user()), caller(user(), "mentor")):
        refused(await stranger.get(f"{GRADES}?program={room.program}"), 404, "not_found")
        refused(await stranger.get(f"{ASSIGNMENTS}/{work.id}/statistics"), 404, "not_found")
    draft = await room.draft()
    refused(await caller(ann).get(f"{ASSIGNMENTS}/{draft['id']}/statistics"), 404, "not_found")
    assert done(await room.teacher.get(f"{ASSIGNMENTS}/{draft['id']}/statistics"))["spread"] is None


async def test_students_see_the_spread_of_enough_released_grades(caller: Caller) -> None:
    room = await classroom(caller, students=4)
    work = await graded(room, release="together")
    path = f"{ASSIGNMENTS}/{work.id}/statistics"
    student = caller(room.students[0])
    for one, points in zip(room.students[:2], ("4", "7"), strict=True):
        await work.grade(one, points)
    await work.marker.release()
    assert done(await student.get(path))["spread"] is None
    assert done(await room.teacher.get(path))["spread"]["mean"] == "5.50"
    await work.grade(room.students[2], "9.99")
    await work.grade(room.students[3], "1", state="draft")
    assert done(await student.get(path))["spread"] is None
    await work.marker.release()
    # Asking for what is not released helps no student.
    for query in ("", "?released=false"):
        found = done(await student.get(f"{path}{query}"))
        assert (found["released_only"], found["least"]) == (True, 3)
        assert found["spread"] == {
            "count": 3,
            "mean": "7.00",
            "lower_quartile": "5.50",
            "median": "7.00",
            "upper_quartile": "8.50",
            "histogram": [0, 0, 0, 0, 1, 0, 0, 1, 0, 1],
        }
    assert done(await room.teacher.get(path))["spread"]["count"] == 4
    assert done(await room.teacher.get(f"{path}?released=true"))["spread"]["count"] == 3


async def test_anonymous_work_is_nobody_s_until_names_are_shown(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    ann, ben = room.students
    plain = await graded(room)
    await plain.grade(ann, "10")
    hidden = await graded(room, anonymous=True, due=later(seconds=-1), late={"kind": "accept"})
    await hidden.grade(ann, "5")
    await hidden.hand_in(ben)
    found = await book(room)
    (column,) = [one for one in found["assignments"] if one["id"] == hidden.id]
    assert column["names_hidden"] is True
    assert all(hidden.id not in one["marks"] for one in found["items"])
    assert (await row(room, ann))["total"]["percent"] == "100.00"
    # She sees her own grade; it counts when the names are shown.
    seen = await own(room, ann)
    assert seen["marks"][hidden.id]["score"] == "5.00"
    assert seen["total"]["percent"] == "100.00"
    text = (await room.teacher.get(f"{BOOK}?program={room.program}&format=csv")).text
    assert "5.00" not in text
    await hidden.grade(ben, "7")
    shown = await row(room, ann)
    assert (shown["marks"][hidden.id]["score"], shown["total"]["percent"]) == ("5.00", "75.00")
    assert (await own(room, ann))["total"] == shown["total"]


async def test_a_group_s_grade_is_each_member_s(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    sets = f"{ASSIGNMENTS}/group-sets"
    pairs = done(await room.teacher.post(f"{sets}/", json={"program_id": room.program, "name": "Pairs"}), 201)["id"]
    done(await room.teacher.post(f"{sets}/{pairs}/split", json={"groups": 1}, headers=ANY))
    work = await graded(room, group_set_id=pairs, due=later(hours=-1))
    await work.grade(room.students[0], "6")
    assert [one["total"]["percent"] for one in (await book(room))["items"]] == ["60.00", "60.00"]


async def test_the_grade_of_one_group_is_no_spread_for_others(caller: Caller) -> None:
    room = await classroom(caller, students=4)
    sets = f"{ASSIGNMENTS}/group-sets"
    groups = done(await room.teacher.post(f"{sets}/", json={"program_id": room.program, "name": "All"}), 201)["id"]
    done(await room.teacher.post(f"{sets}/{groups}/split", json={"groups": 1}, headers=ANY))
    alone = room.students[3]
    done(await room.teacher.delete(f"{sets}/{groups}/members/{alone}", headers=ANY), 204)
    work = await graded(room, group_set_id=groups)
    await work.grade(room.students[0], "6")
    path = f"{ASSIGNMENTS}/{work.id}/statistics"
    # Three students have a grade, and it is the same one.
    assert done(await room.teacher.get(path))["spread"]["count"] == 3
    assert done(await caller(alone).get(path))["spread"] is None
