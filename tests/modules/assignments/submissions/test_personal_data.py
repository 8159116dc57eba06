"""What submissions hold on a user, and what is left when they are deleted."""

from __future__ import annotations

from typing import Any

import asyncpg

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.assignments.module import AssignmentsModule
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom
from tests.modules.assignments.submissions.work import Work
from tests.modules.files.uploads import PDF


async def test_a_user_gets_all_they_have_written(caller: Caller) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["files", "text"]))["id"])
    await work.save(text="my words", files=[await work.upload(PDF)])
    await work.turn_in()
    held: dict[str, Any] = done(await work.rest.get("/api/v1/users/me/export"))["modules"]["assignments"]
    assert [one["text"] for one in held["drafts"]] == ["my words"]
    (attempt,) = held["attempts"]
    assert (attempt["text"], attempt["number"]) == ("my words", 1)
    assert "pages.pdf" in attempt["files"]


async def test_what_a_deleted_user_wrote_is_gone_and_that_there_was_work_stays(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    room = await classroom(caller)
    id = (await room.assignment(accepts=["files", "text"]))["id"]
    work = Work(caller, room.students[0], id)
    file = await work.upload(PDF)
    await work.save(text="my words", files=[file])
    receipt = await work.turn_in()
    module = node.module(AssignmentsModule)
    # Twice, as the platform does it.
    for _ in range(2):
        async with node.gateway.database.transaction():
            await module.forget(work.user)
    whole = done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions/{receipt['submission_id']}"))
    assert [(one["text"], one["files"]) for one in whole["history"]] == [("", [])]
    assert await database.fetchval("SELECT count(*) FROM file_reference WHERE file_id = $1", file) == 0
    assert await database.fetchval("SELECT draft_text FROM assignments_submission WHERE assignment_id = $1", id) == ""
