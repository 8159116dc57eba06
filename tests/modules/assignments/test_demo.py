"""What `ksmp dev` shows of assignments, and what siblings may ask."""

from __future__ import annotations

from datetime import UTC, datetime

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.assignments import demo
from modules.assignments.facade import assignment, deadlines_of, published_in
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.programs.programs import ANY


async def test_the_demo_is_seeded_once(node: Running) -> None:
    database = node.gateway.database
    for _ in range(2):
        assert await demo.seed(database, "mentor") == "demo"
    found = await assignment(database, "demo")
    assert found is not None
    assert found.published
    assert found.due_at is not None
    assert found.due_at > datetime.now(UTC)


async def test_siblings_learn_of_assignments_and_deadlines(caller: Caller, node: Running) -> None:
    database = node.gateway.database
    room = await classroom(caller, students=2)
    sam, tara = room.students
    draft = await room.draft()
    made = await room.assignment(due=later(days=1), points="7.5")
    path = f"{ASSIGNMENTS}/{made['id']}/extensions/{sam}"
    granted = done(await room.teacher.put(path, json={"due": later(days=2)}, headers=ANY))
    (found,) = await published_in(database, room.program)
    assert (found.id, str(found.points)) == (made["id"], "7.50")
    hidden = await assignment(database, draft["id"])
    assert hidden is not None
    assert not hidden.published
    assert await assignment(database, "none") is None
    (own,) = await deadlines_of(database, sam, [room.program])
    assert own.due_at == datetime.fromisoformat(granted["due"]["moment"])
    assert own.rule == "extension"
    (other,) = await deadlines_of(database, tara, [room.program])
    assert (other.due_at, other.rule) == (found.due_at, "assignment")
