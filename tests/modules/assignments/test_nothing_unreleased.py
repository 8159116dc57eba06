"""Nothing unreleased is in anything that a student gets: by any route, socket, file or export.

The routes come from the description of the running gateway, so one that is added is walked without being named here.
Marks that are not released hold sentinels, and so do keys of questions, reviews of peers and sentences for markers.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

import httpx

from ksmp_testkit import Caller, Clients, Running
from ksmp_testkit.answers import done
from ksmp_testkit.socket_client import WireClient
from modules.programs.facade import program_room
from tests.modules.assignments.catalogue.test_groups import group_set
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later
from tests.modules.assignments.grading.marking import Marker
from tests.modules.assignments.student_reads import PARAMETER, read_all, student_gets
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import ANY, id_of, signed_in, user

SENTINEL: Final = "Sentinel"
# Points and values that stand nowhere else.
SECRETS: Final = (SENTINEL, "13.37", "6.66", "271828.18", "17.31")
# What Eve writes of the work of Ann and Bob: hers from the beginning, and theirs with the grade.
REVIEW: Final = ("Reviewed by a peer", "11.13")
RELEASED: Final = "Released comment"
# Both ways in which a switch of a route may stand.
SWITCH: Final = ("true", "false")
BOOK: Final = f"{ASSIGNMENTS}/gradebook"


class Found(NamedTuple):
    """What somebody got that nobody may get."""

    where: str
    what: str


class Lesson:
    """Ann and Bob are a group, Eve works alone; all have handed in, and nothing is released."""

    def __init__(self, room: Classroom, assignment: dict[str, Any], marker: str) -> None:
        self.room = room
        self.caller = room.caller
        self.id = str(assignment["id"])
        self.marker_id = marker
        self.marker = Marker(room.caller(marker, "mentor"), self.id)
        self.ann, self.bob, self.eve = room.students
        self.receipts: dict[str, dict[str, Any]] = {}
        self.ids: list[str] = []

    async def begin(self) -> None:
        for student in (self.ann, self.eve):
            work = Work(self.caller, student, self.id)
            answers = [{"question_id": one, "text": "no idea"} for one in self.questions]
            await work.save(text=f"work of {student}", answers=answers)
            self.receipts[student] = await work.turn_in()
        done(await self.room.teacher.post(f"{self.marker.path}/peer-reviews/give-out"))
        review = (await self._reviews(self.eve))[0]
        marks = [{"criterion_id": "proof", "level_id": "none"}]
        said = {"comment": REVIEW[0], "points": REVIEW[1], "criteria": marks, "done": True}
        done(await self.caller(self.eve).put(f"{ASSIGNMENTS}/peer-reviews/{review}", json=said, headers=ANY))
        theirs = await self._reviews(self.ann)
        self.ids = [
            self.id,
            self.room.program,
            self.receipts[self.ann]["submission_id"],
            self.receipts[self.eve]["submission_id"],
            self.receipts[self.ann]["attempt_id"],
            review,
            *theirs,
        ]

    questions: list[str]

    async def _reviews(self, student: str) -> list[str]:
        found = done(await self.caller(student).get(f"{self.marker.path}/peer-reviews/mine"))
        return [one["id"] for one in found["items"]]

    async def mark(self, state: str, points: str, comment: str) -> None:
        """A version of the grade of Ann's and Bob's work."""
        criteria = [{"criterion_id": "proof", "points": "6.66", "comment": f"{SENTINEL} of the criterion"}]
        receipt = self.receipts[self.ann]
        await self.marker.save(receipt, points, state=state, comment=comment, criteria=criteria)


async def lesson_of(caller: Caller) -> Lesson:
    room = await classroom(caller, students=3)
    marker = user()
    await signed_in(caller(marker, "mentor"))
    done(await room.teacher.patch(room.path, json={"co_mentors": [marker]}, headers=ANY))
    pairs = await group_set(room)
    groups = done(await room.teacher.post(f"{pairs}/split", json={"groups": 1}, headers=ANY))["groups"]
    eve = room.students[2]
    assert len(groups) == 1
    done(await room.teacher.delete(f"{pairs}/members/{eve}", headers=ANY), 204)
    draft = await room.draft(
        accepts=["text", "questions"],
        points="20",
        peer_reviews=1,
        release="together",
        due=later(days=1),
        group_set_id=id_of(pairs),
    )
    path = f"{ASSIGNMENTS}/{draft['id']}"
    questions = [
        {"kind": "short_text", "text": "Who?", "points": "1", "accepted": [f"{SENTINEL} of the key"]},
        {"kind": "numeric", "text": "How much?", "points": "1", "value": "271828.18"},
    ]
    asked = done(await room.teacher.put(f"{path}/questions", json={"questions": questions}, headers=ANY))
    levels = [{"id": "best", "title": "Best", "points": 10}, {"id": "none", "title": "None", "points": 0}]
    rubric = {"criteria": [{"id": "proof", "title": "Proof", "levels": levels}]}
    done(await room.teacher.put(f"{path}/rubric", json=rubric, headers=ANY))
    bank = {"program_id": room.program, "text": f"{SENTINEL} of the bank of comments"}
    done(await room.teacher.post(f"{ASSIGNMENTS}/comments", json=bank), 201)
    lesson = Lesson(room, done(await room.teacher.post(f"{path}/publish", headers=ANY)), marker)
    lesson.questions = [one["id"] for one in asked["questions"]]
    await lesson.begin()
    return lesson


def leaks(where: str, text: str, secrets: Collection[str]) -> Iterator[Found]:
    """What is secret in what somebody got."""
    # A number that is part of a longer one, such as the seconds of a time, is none of them.
    return (Found(where, one) for one in secrets if re.search(rf"(?<![\d.:]){re.escape(one)}(?!\d)", text))


def readable(answer: httpx.Response) -> str:
    """What an answer says: also what is packed in a workbook or an archive."""
    if answer.content[:2] != b"PK":
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        return "".join(packed.read(name).decode(errors="replace") for name in packed.namelist())


def choices(description: Mapping[str, Any], template: str) -> Iterator[str]:
    """Each query that asks a route of assignments for something else than it answers by itself."""
    operation = description["paths"].get(template, {}).get("get", {})
    for parameter in operation.get("parameters", ()):
        schema = parameter.get("schema", {})
        if parameter["in"] == "query":
            kinds = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
            for kind in kinds:
                values = SWITCH if kind.get("type") == "boolean" else kind.get("enum", ())
                yield from (f"{parameter['name']}={value}" for value in values)


async def walked(node: Running, lesson: Lesson, student: str, socket: WireClient) -> list[Found]:
    """All leaks in what a student reads and was pushed until now."""
    rest = lesson.caller(student)
    secrets = (*SECRETS, *(REVIEW if student != lesson.eve else ()))
    # The page of a program names its mentors, but nothing of assignments says who has marked.
    ours = (*secrets, lesson.marker_id)
    found: list[Found] = []
    for path, answer in (await read_all(node, rest, lesson.ids)).items():
        told = answer.body + str(answer.headers)
        found += leaks(path, told, ours if path.startswith(ASSIGNMENTS) else secrets)
    description = (await rest.get("/api/docs/openapi.json")).json()
    asked = [
        f"{PARAMETER.sub(lesson.id, template)}?program={lesson.room.program}&{query}"
        for template in student_gets(node)
        if template.startswith(ASSIGNMENTS)
        for query in choices(description, template)
    ]
    # What is for those who teach is asked for too, in each form.
    asked += [f"{BOOK}?program={lesson.room.program}&format={format}" for format in ("json", "csv", "xlsx")]
    asked += [f"{lesson.marker.path}/{part}" for part in ("archive", "markings", "submissions", "peer-reviews")]
    asked += [lesson.marker.grade_of(lesson.receipts[lesson.ann]), "/api/v1/users/me/export"]
    for path in asked:
        found += leaks(path, readable(await rest.get(path)), ours)
    await socket.settle()
    for message in socket.received:
        told = str(message)
        found += leaks(f"socket: {message.get('push')}", told, ours if "assignments." in told else secrets)
    return found


async def socket_of(clients: Clients, lesson: Lesson, student: str) -> WireClient:
    """A socket in the student's own room, and in that of the program, with all that it ever told."""
    socket = await clients.socket(student)
    await socket.join(program_room(lesson.room.program))
    return socket


async def test_nothing_unreleased_is_in_anything_that_a_student_gets(
    node: Running, caller: Caller, clients: Clients
) -> None:
    """Fault 9: draft and final grades, comments, keys, markers, reviews, and the versions after a release."""
    lesson = await lesson_of(caller)
    students = (lesson.ann, lesson.bob, lesson.eve)
    sockets = {student: await socket_of(clients, lesson, student) for student in students}
    await lesson.mark("draft", "13.37", f"{SENTINEL} of a draft")
    changes = {"items": [{"submission_id": lesson.ids[2], "marker_id": lesson.marker_id}]}
    done(await lesson.marker.rest.put(f"{lesson.marker.path}/markers", json=changes))
    await lesson.mark("final", "13.37", f"{SENTINEL} of a final grade")
    await node.events_handled()
    for student in students:
        assert await walked(node, lesson, student, sockets[student]) == []

    # The walk finds what is there: a grade that is released is read by both of the group, and by nobody else.
    receipt = lesson.receipts[lesson.ann]
    await lesson.marker.final(receipt, "5.55", comment=RELEASED)
    assert await lesson.marker.release(receipt) == 1
    await lesson.mark("final", "17.31", f"{SENTINEL} of a version after the release")
    await node.events_handled()
    received = f"{lesson.marker.path}/peer-reviews/received"
    for student in students:
        concerned = student != lesson.eve
        found = await walked(node, lesson, student, sockets[student])
        assert {*found} == ({Found(received, one) for one in REVIEW} if concerned else set())
        read = await read_all(node, caller(student), lesson.ids)
        assert any(RELEASED in answer.body for answer in read.values()) is concerned
    # Somebody who connects only now is told no more.
    late = await socket_of(clients, lesson, lesson.ann)
    await late.settle()
    assert [one for message in late.received for one in leaks("late", str(message), SECRETS)] == []


async def test_who_teaches_reads_all_of_it(caller: Caller) -> None:
    """The secrets are where they are thought to be: else the walk would find nothing whatever was shown."""
    lesson = await lesson_of(caller)
    await lesson.mark("final", "13.37", f"{SENTINEL} of a final grade")
    rest, path = lesson.marker.rest, lesson.marker.path
    all_of_it = (*SECRETS, *REVIEW, lesson.marker_id)

    async def told(where: str) -> set[str]:
        return {one.what for one in leaks("", readable(await rest.get(where)), all_of_it)}

    assert await told(lesson.marker.grade_of(lesson.receipts[lesson.ann])) == {
        SENTINEL,
        "13.37",
        "6.66",
        lesson.marker_id,
    }
    assert await told(f"{path}/questions") == {SENTINEL, "271828.18"}
    assert await told(f"{path}/peer-reviews") == {*REVIEW}
    assert await told(f"{ASSIGNMENTS}/comments?program={lesson.room.program}") == {SENTINEL}
    for format in ("json", "csv", "xlsx"):
        assert await told(f"{BOOK}?program={lesson.room.program}&format={format}") == {"13.37"}, format
