"""What is not released is in nothing that a student reads or is pushed: fault 9, by every route that there is."""

from __future__ import annotations

from ksmp_testkit import Caller, Clients, Running
from ksmp_testkit.socket_client import Message, WireClient
from tests.modules.assignments.classroom import later
from tests.modules.assignments.grading.marking import Class, class_of
from tests.modules.assignments.student_reads import Answer, read_all, student_gets
from tests.modules.assignments.submissions.work import Work

SECRET = "Look at the second step again"
POINTS = "7.77"
A = "/api/v1/assignments"


async def read_by(node: Running, work: Work, lesson: Class) -> dict[str, Answer]:
    receipt = lesson.receipts[0]
    ids = (lesson.id, lesson.room.program, receipt["submission_id"], receipt["attempt_id"])
    return await read_all(node, work.rest, ids)


def changed(before: dict[str, Answer], after: dict[str, Answer]) -> set[str]:
    return {path for path, answer in before.items() if after[path] != answer}


async def pushes(socket: WireClient) -> list[Message]:
    """All that assignments pushed the user so far; notifications come when they come, and without secrets."""
    await socket.settle()
    pushed = [message for message in socket.received if "push" in message]
    notified = [message for message in pushed if message["push"].startswith("notify.")]
    assert not [message for message in notified if SECRET in str(message) or POINTS in str(message)]
    return [message for message in pushed if message not in notified]


def test_the_routes_of_students_are_found(node: Running) -> None:
    found = student_gets(node)
    assert {f"{A}/{{id}}", f"{A}/{{id}}/submission/attempts/{{number}}", f"{A}/{{id}}/regrades"} <= {*found}
    # These are for those who teach.
    assert not [path for path in found if re_grade(path)]


def re_grade(path: str) -> bool:
    return path.startswith(A) and path.endswith(("/grade", "/versions", "/markings", "/submissions", "/counter"))


async def test_nothing_that_students_read_or_are_pushed_changes_before_the_release(
    node: Running, caller: Caller, clients: Clients
) -> None:
    lesson = await class_of(caller, students=2, release="at_time", release_at=later(hours=1), due=later(hours=1))
    ann, bob = lesson.works
    sockets = [await clients.socket(work.user) for work in lesson.works]
    await node.events_handled()
    # Some answers change by themselves, such as the time of a last visit.
    twice = [[await read_by(node, work, lesson) for work in lesson.works] for _ in range(2)]
    moving = changed(twice[0][0], twice[1][0]) | changed(twice[0][1], twice[1][1])
    assert not [path for path in moving if path.startswith(A)]
    before = twice[1]
    pushed = [await pushes(socket) for socket in sockets]

    split = f"{lesson.marker.path}/markers/split"
    assert (await lesson.marker.rest.post(split, json={})).status_code == 200
    await lesson.marker.next()
    await lesson.marker.save(lesson.receipts[0], POINTS, comment=SECRET)
    await lesson.marker.final(lesson.receipts[0], POINTS, comment=SECRET)
    await node.events_handled()

    after = [await read_by(node, work, lesson) for work in lesson.works]
    for one, other in zip(before, after, strict=True):
        assert changed(one, other) - moving == set()
        assert not [path for path, answer in other.items() if SECRET in answer.body or POINTS in answer.body]
    assert [await pushes(socket) for socket in sockets] == pushed

    await lesson.marker.release()
    await node.events_handled()
    theirs, others = [await read_by(node, work, lesson) for work in (ann, bob)]
    assert {path.removeprefix(f"{A}/{lesson.id}") for path, answer in theirs.items() if SECRET in answer.body} >= {
        "/submission/attempts/1"
    }
    # The grade of one is not the other's to read.
    assert not [path for path, answer in others.items() if SECRET in answer.body or POINTS in answer.body]
    await sockets[0].expect_push("assignments.submission")
    assert len(await pushes(sockets[0])) == len(pushed[0]) + 1
    assert await pushes(sockets[1]) == pushed[1]
