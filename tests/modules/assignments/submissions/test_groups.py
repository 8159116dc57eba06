"""Work of a group: any member hands in, and those who come later or leave see what is theirs."""

from __future__ import annotations

import asyncio

import asyncpg

from ksmp_testkit import Caller, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later
from tests.modules.assignments.submissions.work import Work
from tests.modules.files.uploads import FILES, PDF
from tests.modules.programs.programs import user

MEMBER = """
    INSERT INTO assignments_group_member (set_id, group_id, user_id, joined_at) VALUES ($1, $2, $3, now())
"""
LEAVE = "UPDATE assignments_group_member SET left_at = now() WHERE group_id = $1 AND user_id = $2"


class Groups:
    """A set of one group, of the first two students of a classroom."""

    def __init__(self, database: asyncpg.Pool, room: Classroom) -> None:
        self._database = database
        self._room = room
        self.set, self.group = user(), user()

    async def write(self) -> None:
        insert = "INSERT INTO assignments_group_set (id, program_id, name) VALUES ($1, $2, 'Teams')"
        await self._database.execute(insert, self.set, self._room.program)
        insert = "INSERT INTO assignments_group (id, set_id, name) VALUES ($1, $2, 'Team A')"
        await self._database.execute(insert, self.group, self.set)
        for one in self._room.students[:2]:
            await self.join(one)

    async def join(self, student: str) -> None:
        await self._database.execute(MEMBER, self.set, self.group, student)

    async def leave(self, student: str) -> None:
        await self._database.execute(LEAVE, self.group, student)


async def group_work(
    caller: Caller, database: asyncpg.Pool, students: int = 2, **values: object
) -> tuple[Classroom, Groups, list[Work]]:
    room = await classroom(caller, students=students)
    groups = Groups(database, room)
    await groups.write()
    id = (await room.assignment(group_set_id=groups.set, **values))["id"]
    return room, groups, [Work(caller, student, id) for student in room.students]


async def test_members_have_one_draft_and_one_submission(
    caller: Caller, database: asyncpg.Pool, node: Running, token: MakeToken
) -> None:
    room, _, (ann, bob) = await group_work(caller, database, accepts=["files", "text"])
    file = await ann.upload(PDF)
    await ann.save(text="We say:", files=[file])
    refused(await bob.try_save(text="I say:"), 409, "assignments.draft_changed")
    assert (await bob.draft())["text"] == "We say:"
    # What another member has uploaded stays in the draft.
    await bob.save(text="We both say:", files=[file])
    async with connected(node.ws_url, token(ann.user)) as tab:
        receipt = await bob.turn_in()
        assert receipt["members"] == sorted(room.students)
        pushed = (await tab.expect_push("assignments.submission"))["data"]
    assert pushed == await ann.read() == await bob.read()
    assert await ann.receipt(1) == receipt
    (line,) = done(await room.teacher.get(f"{ASSIGNMENTS}/{ann.id}/submissions"))["items"]
    assert (line["name"], line["user_ids"], line["number"]) == ("Team A", sorted(room.students), 1)


async def test_of_members_who_turn_in_at_once_one_attempt_comes(caller: Caller, database: asyncpg.Pool) -> None:
    _, _, (ann, bob) = await group_work(caller, database)
    await ann.save(text="We say:")
    await bob.draft()
    receipts = [done(one) for one in await asyncio.gather(*(who.try_turn_in() for who in (ann, bob) * 5))]
    assert len({one["hash"] for one in receipts}) == 1
    assert receipts[0]["number"] == 1


async def test_who_joins_later_has_the_work_and_who_leaves_keeps_it(
    caller: Caller, database: asyncpg.Pool, node: Running
) -> None:
    _, groups, (ann, bob, late) = await group_work(caller, database, students=3, accepts=["files", "text"])
    await ann.save(text="We say:", files=[await ann.upload(PDF)])
    receipt = await ann.turn_in()
    assert (await late.read())["attempts"] == []
    await groups.join(late.user)
    await groups.leave(bob.user)
    for one in (ann, bob, late):
        seen = await one.read()
        assert (seen["attempt_id"], seen["state"]) == (receipt["attempt_id"], "turned_in")
        assert (await one.attempt(1))["text"] == "We say:"
        done(await one.rest.get(f"{FILES}/{receipt['files'][0]['id']}"))
    # Of what the others do then, who has left sees nothing.
    done(await ann.step("reclaim"))
    await ann.save(text="We say more:")
    second = await ann.turn_in()
    assert (await late.read())["attempt_id"] == second["attempt_id"]
    assert [one["number"] for one in (await bob.read())["attempts"]] == []
    refused(await bob.rest.get(f"{bob.path}/attempts/2"), 404, "not_found")
    refused(await bob.rest.get(f"{bob.path}/attempts/2/receipt"), 404, "not_found")


async def test_who_is_in_no_group_hands_in_alone(caller: Caller, database: asyncpg.Pool) -> None:
    room, _, works = await group_work(caller, database, students=3)
    receipt = await works[2].hand_in()
    assert receipt["members"] == [works[2].user]
    assert (await works[0].read())["attempts"] == []
    lines = done(await room.teacher.get(f"{ASSIGNMENTS}/{works[0].id}/submissions"))["items"]
    assert sorted(one["user_ids"] for one in lines) == sorted([sorted(room.students[:2]), [works[2].user]])


async def test_what_one_is_granted_opens_the_door_for_all(caller: Caller, database: asyncpg.Pool) -> None:
    """The dates of a member hold for the whole group."""
    room, _, (ann, bob) = await group_work(caller, database, due=later(hours=-1), late={"kind": "none"})
    refused(await bob.try_save(text="x"), 409, "assignments.closed")
    await database.execute(
        """
        INSERT INTO assignments_extension
            (assignment_id, user_id, due_wall, due_zone, due_at, granted_by, granted_at)
        VALUES ($1, $2, (now() + interval '1 day') AT TIME ZONE 'UTC', 'UTC', now() + interval '1 day', $3, now())
        """,
        ann.id,
        ann.user,
        room.mentor,
    )
    assert (await bob.read())["dates"]["rule"] == "group"
    assert (await bob.hand_in())["days_late"] == 0
    assert (await ann.receipt(1))["rule"] == "extension"
