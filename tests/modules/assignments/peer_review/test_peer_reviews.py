"""Peer reviews by way of the gateway: who reviews what, who reads what, and who learns nothing of whom."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from ksmp_testkit import Caller, Clients, Running, eventually
from ksmp_testkit.answers import done, refused
from modules.assignments.events import AssignmentClosed
from modules.files.module import FilesModule
from tests.modules.assignments.catalogue.test_groups import group_set
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom
from tests.modules.assignments.submissions.work import Work
from tests.modules.files.uploads import FILES, PDF
from tests.modules.programs.programs import id_of, user

ANY = {"If-Match": "*"}


class Peers:
    """A class that has handed in; everybody's text says whose it is, so that tests know."""

    def __init__(self, room: Classroom, assignment: str) -> None:
        self.room = room
        self.assignment = assignment
        self.path = f"{ASSIGNMENTS}/{assignment}/peer-reviews"

    async def hand_in(self, *students: str) -> None:
        for student in students:
            await Work(self.room.caller, student, self.assignment).hand_in(f"work of {student}")

    async def give_out(self) -> dict[str, Any]:
        return dict(done(await self.room.teacher.post(f"{self.path}/give-out")))

    async def mine(self, student: str) -> list[dict[str, Any]]:
        return list(done(await self.room.caller(student).get(f"{self.path}/mine"))["items"])

    async def read(self, student: str, review: dict[str, Any]) -> dict[str, Any]:
        return dict(done(await self.room.caller(student).get(f"{ASSIGNMENTS}/peer-reviews/{review['id']}")))

    async def write(self, student: str, review: dict[str, Any], **said: Any) -> dict[str, Any]:
        path = f"{ASSIGNMENTS}/peer-reviews/{review['id']}"
        return dict(done(await self.room.caller(student).put(path, json=said, headers=ANY)))

    async def authors(self, student: str) -> list[str]:
        """Whose work a student reviews."""
        texts = [(await self.read(student, one))["work"]["text"] for one in await self.mine(student)]
        return sorted(text.removeprefix("work of ") for text in texts)

    async def listed(self) -> list[dict[str, Any]]:
        return list(done(await self.room.teacher.get(f"{self.path}?limit=200"))["items"])

    async def received(self, student: str) -> list[dict[str, Any]]:
        return list(done(await self.room.caller(student).get(f"{self.path}/received"))["items"])

    async def grade_all(self) -> None:
        """A final grade for everybody, which is not released."""
        for line in done(await self.room.teacher.get(f"{ASSIGNMENTS}/{self.assignment}/submissions"))["items"]:
            if line["attempt_id"] is not None:
                body = {"attempt_id": line["attempt_id"], "state": "final", "points": 7}
                path = f"{ASSIGNMENTS}/{self.assignment}/submissions/{line['submission_id']}/grade"
                done(await self.room.teacher.put(path, json=body, headers=ANY))

    async def release(self) -> None:
        done(await self.room.teacher.post(f"{ASSIGNMENTS}/{self.assignment}/release", json={}))


async def peers(caller: Caller, students: int = 4, **values: Any) -> Peers:
    room = await classroom(caller, students)
    assignment = await room.assignment(**{"accepts": ["text"], "peer_reviews": 2, "release": "together"} | values)
    return Peers(room, assignment["id"])


async def test_everybody_who_turned_in_reviews_and_is_reviewed(caller: Caller) -> None:
    found = await peers(caller, 5)
    *active, idle = found.room.students
    await found.hand_in(*active)
    summary = await found.give_out()
    expected = {"submissions": 4, "reviewers": 4, "reviews": 8, "begun": 0, "done": 0, "fewest": 2, "most": 2}
    assert {name: summary[name] for name in expected} == expected
    reviewed = [author for student in active for author in await found.authors(student)]
    assert sorted(reviewed) == sorted(active * 2)
    for student in active:
        assert student not in await found.authors(student)
    assert await found.mine(idle) == []
    again = await found.give_out()
    assert again == summary


async def test_neither_learns_who_the_other_is(caller: Caller) -> None:
    found = await peers(caller, 3)
    await found.hand_in(*found.room.students)
    await found.give_out()
    (one, *_) = found.room.students
    for review in await found.mine(one):
        text = str(await found.read(one, review)).replace("work of ", "")
        author = (await found.read(one, review))["work"]["text"].removeprefix("work of ")
        assert text.count(author) == 1, "only the text itself says it"
        await found.write(one, review, comment="Well done", points=5, done=True)
    await found.grade_all()
    await found.release()
    for student in found.room.students[1:]:
        assert one not in str(await found.received(student))


async def test_an_author_reads_reviews_with_the_grade_and_not_before(caller: Caller) -> None:
    """Fault 9: what reviewers wrote is unreleased until the grade is, and a review that is not done is never seen."""
    found = await peers(caller, 3, peer_reviews=1)
    await found.hand_in(*found.room.students)
    await found.give_out()
    one = found.room.students[0]
    (review,) = await found.mine(one)
    (author,) = await found.authors(one)
    written = await found.write(one, review, comment="Sentinel comment", points="6.25", done=True)
    assert (written["state"], written["points"], written["rev"]) == ("done", "6.25", 2)
    (other,) = [two for two in found.room.students if two not in {one, author}]
    (begun,) = await found.mine(other)
    await found.write(other, begun, comment="Only a thought")
    await found.grade_all()
    for student in found.room.students:
        assert await found.received(student) == []
        assert "Sentinel" not in str(await Work(caller, student, found.assignment).read())
    await found.release()
    (received,) = await found.received(author)
    assert received == {"attempt": 1, "points": "6.25", "comment": "Sentinel comment", "criteria": []}
    for student in (one, other):
        assert "Sentinel" not in str(await found.received(student))
        assert "thought" not in str(await found.received(student))
    staff = {item["reviewer_id"]: item for item in await found.listed()}
    assert (staff[one]["comment"], staff[other]["state"], staff[other]["comment"]) == ("Sentinel comment", "begun", "")


async def test_a_review_ends_when_the_grade_is_released(caller: Caller) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    await found.hand_in(*found.room.students)
    await found.give_out()
    one = found.room.students[0]
    (review,) = await found.mine(one)
    assert review["open"] is True
    await found.grade_all()
    await found.write(one, review, comment="In time")
    await found.release()
    whole = await found.read(one, review)
    assert (whole["open"], whole["work"], whole["comment"]) == (False, None, "In time")
    path = f"{ASSIGNMENTS}/peer-reviews/{review['id']}"
    refused(await caller(one).put(path, json={"comment": "Late"}, headers=ANY), 409, "assignments.review_over")


async def test_who_turns_in_later_joins(caller: Caller, node: Running) -> None:
    found = await peers(caller, 5)
    *first, late = found.room.students
    await found.hand_in(*first)
    await found.give_out()
    kept = (await found.mine(first[0]))[0]
    await found.write(first[0], kept, comment="Begun")
    await found.hand_in(late)
    await node.events_handled("assignments.join_peer_reviews")
    reviewed = [author for student in found.room.students for author in await found.authors(student)]
    assert sorted(reviewed) == sorted(found.room.students * 2)
    assert kept["id"] in {one["id"] for one in await found.mine(first[0])}


async def test_reviews_are_given_out_when_it_closes(caller: Caller, clients: Clients, node: Running) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    await found.hand_in(*found.room.students)
    socket = await clients.socket(found.room.students[0])
    await node.publish_event(AssignmentClosed(found.assignment, found.room.program))
    await node.events_handled("assignments.give_out_peer_reviews")
    assert [len(await found.mine(student)) for student in found.room.students] == [1, 1]
    push = await socket.expect_push("assignments.peer_reviews")
    assert push["data"] == {"assignment_id": found.assignment, "reviews": 1, "rev": 1}


async def test_two_tabs_do_not_overwrite_each_other(caller: Caller) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    await found.hand_in(*found.room.students)
    await found.give_out()
    one = caller(found.room.students[0])
    (review,) = await found.mine(found.room.students[0])
    path = f"{ASSIGNMENTS}/peer-reviews/{review['id']}"
    read = await one.get(path)
    assert read.headers["etag"] == '"1"'
    done(await one.put(path, json={"comment": "First"}, headers={"If-Match": '"1"'}))
    refused(await one.put(path, json={"comment": "Second"}, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    refused(await one.put(path, json={"comment": "Second"}), 428, "precondition_required")


async def test_only_the_reviewer_has_the_review(caller: Caller) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    one, two = found.room.students
    await found.hand_in(one, two)
    await found.give_out()
    (review,) = await found.mine(one)
    path = f"{ASSIGNMENTS}/peer-reviews/{review['id']}"
    for other in (caller(two), found.room.teacher, caller("boss", "admin"), caller(user())):
        refused(await other.get(path), 404, "not_found")
        refused(await other.put(path, json={"comment": "x"}, headers=ANY), 404, "not_found")
    for student in (caller(one), caller(two)):
        refused(await student.get(found.path), 403, "forbidden")
        refused(await student.get(f"{found.path}/summary"), 403, "forbidden")
        refused(await student.post(f"{found.path}/give-out"), 403, "forbidden")
    refused(await caller(user()).get(f"{found.path}/mine"), 404, "not_found")
    refused(await caller(user(), "mentor").get(found.path), 404, "not_found")
    done(await caller(one).delete(f"{found.room.path}/enrolment"), 204)
    refused(await caller(one).get(path), 404, "not_found")


async def test_a_finished_review_says_something_of_every_criterion(caller: Caller) -> None:
    found = await peers(caller, 2, peer_reviews=1, points=10)
    levels = [{"title": "All", "points": 4, "id": "all"}, {"title": "None", "points": 0, "id": "none"}]
    rubric = {"criteria": [{"id": name, "title": name, "levels": levels} for name in ("proof", "style")]}
    done(await found.room.teacher.put(f"{ASSIGNMENTS}/{found.assignment}/rubric", json=rubric, headers=ANY))
    await found.hand_in(*found.room.students)
    await found.give_out()
    one = found.room.students[0]
    (review,) = await found.mine(one)
    path = f"{ASSIGNMENTS}/peer-reviews/{review['id']}"
    half = [{"criterion_id": "proof", "level_id": "all"}]
    await found.write(one, review, criteria=half)
    for bad, field in (
        ({"criteria": half, "done": True}, "criteria"),
        ({"criteria": [{"criterion_id": "unknown"}]}, "criteria"),
        ({"points": 11}, "points"),
    ):
        answer = await caller(one).put(path, json=bad, headers=ANY)
        refused(answer, 400, "invalid")
        assert answer.json()["errors"][0]["field"] == field, answer.text
    written = await found.write(
        one, review, criteria=[*half, {"criterion_id": "style", "level_id": "none", "comment": "Shorter"}], done=True
    )
    assert (written["points"], written["state"]) == ("4.00", "done")
    # What is done stays done.
    answer = await caller(one).put(path, json={"criteria": half}, headers=ANY)
    refused(answer, 400, "invalid")


async def test_those_who_teach_see_no_names_while_it_is_anonymous(caller: Caller) -> None:
    """Fault 10: neither the work nor its reviewer can be told from what those who teach see."""
    found = await peers(caller, 3, anonymous=True)
    await found.hand_in(*found.room.students)
    await found.give_out()
    one = found.room.students[0]
    for review in await found.mine(one):
        await found.write(one, review, comment="Well done", done=True)
    listed = await found.listed()
    assert not any(student in str(listed) for student in found.room.students)
    labels = {item["label"] for item in listed}
    assert len(labels) == 3
    assert {item["reviewer"] for item in listed} == labels
    assert not any(item["label"] == item["reviewer"] for item in listed)
    await found.grade_all()
    await found.release()
    assert {item["reviewer_id"] for item in await found.listed()} == {*found.room.students}


async def test_where_nobody_reviews(caller: Caller) -> None:
    found = await peers(caller, 1, peer_reviews=0)
    refused(await found.room.teacher.post(f"{found.path}/give-out"), 409, "assignments.not_peer_reviewed")
    draft = await found.room.draft(peer_reviews=2)
    path = f"{ASSIGNMENTS}/{draft['id']}/peer-reviews/give-out"
    refused(await found.room.teacher.post(path), 409, "assignments.not_peer_reviewed")


async def test_what_is_reviewed_is_not_taken_back(caller: Caller) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    one, two = found.room.students
    await found.hand_in(one, two)
    await found.give_out()
    work = Work(caller, two, found.assignment)
    (review,) = await found.mine(one)
    # Nothing is written yet: it can be taken back, and what replaces it is reviewed.
    assert (await work.step("reclaim")).status_code == 200
    assert (await found.read(one, review))["work"] is None
    await work.hand_in("another work")
    await eventually(lambda: _reads(found, one, review, "another work"), "the review is of what was turned in last")
    await found.write(one, review, comment="Begun")
    refused(await work.rest.post(f"{work.path}/reclaim"), 409, "assignments.grading_begun")


async def test_reviewers_read_files_under_neutral_names_while_it_is_open(caller: Caller, node: Running) -> None:
    room = await classroom(caller, students=3)
    assignment = await room.assignment(accepts=["files"], peer_reviews=1, release="together")
    found = Peers(room, assignment["id"])
    files: dict[str, str] = {}
    for student in room.students:
        work = Work(caller, student, found.assignment)
        file = await work.upload(PDF, name=f"{student}.pdf")
        await node.module(FilesModule).lifecycle.clear(file)
        files[file] = student
        await work.save(files=[file])
        await work.turn_in()
    await found.give_out()
    one = room.students[0]
    (review,) = await found.mine(one)
    work_read = (await found.read(one, review))["work"]
    (shown,) = work_read["files"]
    author = files[shown["id"]]
    (other,) = [file for file, student in files.items() if student not in {one, author}]
    assert shown["name"] == "file-1.pdf"
    for path in (f"{FILES}/{shown['id']}", f"{FILES}/{shown['id']}/url"):
        assert author not in str(done(await caller(one).get(path)))
    refused(await caller(one).get(f"{FILES}/{other}/url"), 404, "not_found")
    await found.grade_all()
    await found.release()
    refused(await caller(one).get(f"{FILES}/{shown['id']}/url"), 404, "not_found")


async def test_nobody_reviews_the_work_of_their_group(caller: Caller) -> None:
    room = await classroom(caller, students=4)
    path = await group_set(room)
    groups = done(await room.teacher.post(f"{path}/split", json={"size": 2}, headers=ANY))["groups"]
    members = [[one["id"] for one in group["members"]] for group in groups]
    assignment = await room.assignment(accepts=["text"], peer_reviews=2, group_set_id=id_of(path), release="together")
    found = Peers(room, assignment["id"])
    await found.hand_in(*(group[0] for group in members))
    summary = await found.give_out()
    assert (summary["submissions"], summary["reviewers"], summary["fewest"], summary["most"]) == (2, 4, 2, 2)
    for mine, others in (members, members[::-1]):
        for student in mine:
            assert await found.authors(student) == [others[0]]


async def test_what_a_chat_may_not_say_is_refused_in_a_review(caller: Caller) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    await found.hand_in(*found.room.students)
    await found.give_out()
    one = found.room.students[0]
    (review,) = await found.mine(one)
    answer = await caller(one).put(
        f"{ASSIGNMENTS}/peer-reviews/{review['id']}", json={"comment": "what the fuck"}, headers=ANY
    )
    refused(answer, 400, "chat.refused")
    assert [error["field"] for error in answer.json()["errors"]] == ["comment"]


async def _reads(found: Peers, student: str, review: dict[str, Any], text: str) -> bool:
    work = (await found.read(student, review))["work"]
    return work is not None and work["text"] == text


async def test_a_review_and_a_reclaim_at_once_come_one_after_the_other(caller: Caller, database: asyncpg.Pool) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    one, two = found.room.students
    await found.hand_in(one, two)
    await found.give_out()
    (review,) = await found.mine(one)
    async with database.acquire() as connection, connection.transaction():
        # As who reclaims does.
        query = "SELECT FROM assignments_submission WHERE assignment_id = $1 AND user_id = $2 FOR NO KEY UPDATE"
        await connection.execute(query, found.assignment, two)
        writing = asyncio.create_task(found.write(one, review, comment="Begun"))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

        async def waiting() -> bool:
            return writing.done() or bool(await database.fetchval(waits))

        await eventually(waiting, "the review waits for who reclaims")
        assert not writing.done()
    await writing
    reclaim = await caller(two).post(f"{ASSIGNMENTS}/{found.assignment}/submission/reclaim")
    refused(reclaim, 409, "assignments.grading_begun")


async def test_who_has_read_the_work_of_others_takes_back_none_of_their_own(caller: Caller) -> None:
    found = await peers(caller, 2, peer_reviews=1)
    one, two = found.room.students
    await found.hand_in(one, two)
    await found.give_out()
    (review,) = await found.mine(one)
    assert (await found.read(one, review))["work"] is not None
    path = f"{ASSIGNMENTS}/{found.assignment}/submission/reclaim"
    refused(await caller(one).post(path), 409, "assignments.grading_begun")
    # The other one has read nothing.
    done(await caller(two).post(path))
