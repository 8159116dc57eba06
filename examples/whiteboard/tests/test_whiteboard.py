"""Whiteboard in a running gateway: who draws, who clears, and what happens by itself."""

from __future__ import annotations

from ksmp_whiteboard.messages import Stroke

from ksmp_testkit import Clients, CreateClass, Running

STROKE = Stroke([(1, 2), (3, 4)])


async def test_what_one_draws_all_see(create_class: CreateClass) -> None:
    lesson = await create_class(students=2)
    ann, bob = lesson.students
    assert await ann.command("whiteboard.draw", STROKE) == {"rev": 1}
    push = await bob.expect_push("whiteboard.board")
    assert push["data"]["strokes"] == [{"points": [[1, 2], [3, 4]], "colour": "#000000"}]
    assert (await lesson.snapshot(bob))["whiteboard.board"] == push["data"]


async def test_only_hosts_clear(create_class: CreateClass) -> None:
    lesson = await create_class()
    await lesson.student.command("whiteboard.draw", STROKE)
    assert await lesson.student.refusal("whiteboard.clear") == "forbidden"
    assert await lesson.mentor.command("whiteboard.clear") == {"rev": 2}
    assert await lesson.student.refusal("whiteboard.draw", {"points": []}) == "invalid"


async def test_a_board_that_nobody_draws_on_is_wiped(node: Running, create_class: CreateClass) -> None:
    lesson = await create_class()
    await lesson.student.command("whiteboard.draw", STROKE)
    # The timer runs now instead of in an hour; its event is counted by the listener.
    await node.fire_timer("whiteboard.idle", lesson.id)
    await node.events_handled("whiteboard.count_wipes")
    (row,) = await node.gateway.database.fetch("SELECT wipes FROM whiteboard_board WHERE session_id = $1", lesson.id)
    assert row["wipes"] == 1
    assert (await lesson.snapshot(lesson.student))["whiteboard.board"]["strokes"] == []


async def test_who_reads_the_board_by_rest(create_class: CreateClass, clients: Clients) -> None:
    lesson = await create_class()
    await lesson.student.command("whiteboard.draw", STROKE)
    path = f"/api/v1/whiteboards/{lesson.id}"
    assert (await lesson.mentor.rest.get(path)).json()["rev"] == 1
    assert (await clients.rest("boss", "admin").get(path)).status_code == 200
    assert (await clients.rest("another", "mentor").get(path)).status_code == 403
    assert (await lesson.student.rest.get(path)).status_code == 403
    assert (await clients.rest().get(path)).status_code == 401
