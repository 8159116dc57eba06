"""What fails by our fault makes nobody late, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from gateway import clock, failpoint
from gateway.errors import Unavailable
from ksmp_testkit import Caller, MakeToken, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from tests.modules.assignments.classroom import Classroom, classroom
from tests.modules.assignments.submissions.work import Work, set_dates
from tests.modules.files.bucket import S3
from tests.modules.files.uploads import PDF

LATE = {"kind": "none"}


@pytest.fixture(autouse=True)
def no_failpoints() -> Iterator[None]:
    yield
    failpoint.clear()


@pytest.fixture
async def work(caller: Caller, database: asyncpg.Pool) -> Work:
    """A draft with a text and a file that was uploaded an hour ago, for an assignment that takes nothing late."""
    room: Classroom = await classroom(caller)
    one = Work(caller, room.students[0], (await room.assignment(accepts=["files", "text"], late=LATE))["id"])
    await one.save(text="All of it.", files=[await one.upload(PDF)])
    await database.execute(
        """
        UPDATE file SET begun_at = begun_at - interval '1 hour', stored_at = stored_at - interval '1 hour'
        WHERE target = $1
        """,
        one.id,
    )
    return one


def told_to_try_again(answer: httpx.Response) -> None:
    refused(answer, 503, "unavailable")
    assert answer.json()["temporary"]
    assert float(answer.headers["retry-after"]) > 0


async def turned_in_at_last(work: Work) -> dict[str, Any]:
    """What a client does: it tries again."""
    answers: list[httpx.Response] = []

    async def succeeds() -> bool:
        answers.append(await work.try_turn_in())
        return answers[-1].status_code != 503

    await eventually(succeeds, "it is turned in")
    return dict(done(answers[-1]))


async def due_now(database: asyncpg.Pool, work: Work) -> datetime:
    due = clock.now()
    await set_dates(database, work.id, due=due, closes=None)
    return due


@pytest.mark.parametrize("fault", [{"error": "ServiceUnavailable"}, {"hang": 2.0}])
async def test_s3_is_away_at_the_deadline(work: Work, s3: S3, database: asyncpg.Pool, fault: dict[str, Any]) -> None:
    await s3.fails(HeadObject=fault)
    told_to_try_again(await work.try_turn_in())
    due = await due_now(database, work)
    # What is written is safe meanwhile.
    assert (await work.draft())["text"] == "All of it."
    await s3.works()
    receipt = await turned_in_at_last(work)
    assert receipt["days_late"] == 0
    assert datetime.fromisoformat(receipt["turned_in_at"]) < due


async def test_drafts_are_saved_while_s3_is_away(work: Work, s3: S3) -> None:
    files = [one["id"] for one in (await work.draft())["files"]]
    await s3.fails(**{"*": {"error": "ServiceUnavailable"}})
    saved = await work.save(text="More of it.", files=files)
    assert (saved["text"], [one["id"] for one in saved["files"]]) == ("More of it.", files)


async def test_the_stamp_of_a_try_is_for_that_draft_alone(work: Work, s3: S3, database: asyncpg.Pool) -> None:
    """Nobody reserves a moment for what they write after it."""
    await s3.fails(HeadObject={"error": "ServiceUnavailable"})
    told_to_try_again(await work.try_turn_in())
    files = [one["id"] for one in (await work.draft())["files"]]
    await work.save(text="Something better.", files=files)
    await due_now(database, work)
    await s3.works()
    await eventually_refused(work, "assignments.closed")


async def test_the_stamp_of_a_try_holds_for_a_while(work: Work, s3: S3, database: asyncpg.Pool) -> None:
    await s3.fails(HeadObject={"error": "ServiceUnavailable"})
    told_to_try_again(await work.try_turn_in())
    await due_now(database, work)
    await database.execute(
        """
        UPDATE assignments_turn_in SET stamped_at = stamped_at - interval '16 minutes' WHERE submission_id = (
            SELECT id FROM assignments_submission WHERE assignment_id = $1
        )
        """,
        work.id,
    )
    await s3.works()
    await eventually_refused(work, "assignments.closed")


@pytest.mark.parametrize("step", ["kill.stamped", "kill.verified", "kill.turned_in", "kill.acknowledged"])
async def test_a_gateway_that_is_lost_at_any_step(work: Work, node: Running, database: asyncpg.Pool, step: str) -> None:
    def lost(_: object) -> bool:
        raise Unavailable("the gateway is lost here")

    failpoint.set(step, lost)
    told_to_try_again(await work.try_turn_in())
    due = await due_now(database, work)
    failpoint.clear()
    receipt = await work.turn_in()
    assert datetime.fromisoformat(receipt["turned_in_at"]) < due
    assert (receipt["number"], receipt["days_late"]) == (1, 0)
    assert await database.fetchval("SELECT count(*) FROM assignments_attempt WHERE assignment_id = $1", work.id) == 1
    held = "SELECT count(*) FROM file_reference WHERE holder = $1"
    assert await database.fetchval(held, f"assignments.attempt:{receipt['attempt_id']}") == 1


async def test_postgresql_is_away_at_the_deadline(
    work: Work, node: Running, database: asyncpg.Pool, token: MakeToken
) -> None:
    """The try is noted in the log, which needs no PostgreSQL."""
    async with connected(node.ws_url, token(work.user)) as tab:
        await node.gateway.database.stop()
        try:
            told_to_try_again(await work.try_turn_in())
        finally:
            await node.gateway.database.start()
        noted = (await tab.expect_push("assignments.turn_in_noted"))["data"]
    assert (noted["assignment_id"], noted["draft_rev"]) == (work.id, work.rev)
    due = await due_now(database, work)
    receipt = await work.turn_in()
    assert datetime.fromisoformat(receipt["turned_in_at"]) < due
    assert (receipt["turned_in_at"], receipt["days_late"]) == (noted["stamped_at"], 0)


async def test_a_note_holds_for_no_draft_that_was_saved_after_it(
    work: Work, node: Running, database: asyncpg.Pool
) -> None:
    work.rev += 1
    await node.gateway.database.stop()
    try:
        # For a draft that is not there yet.
        told_to_try_again(await work.try_turn_in())
    finally:
        await node.gateway.database.start()
    files = [one["id"] for one in (await work.draft())["files"]]
    await work.save(text="Something better.", files=files)
    await due_now(database, work)
    refused(await work.try_turn_in(), 409, "assignments.closed")


async def eventually_refused(work: Work, code: str) -> None:
    answers: list[httpx.Response] = []

    async def answered() -> bool:
        answers.append(await work.try_turn_in())
        return answers[-1].status_code != 503

    await eventually(answered, "S3 is asked again")
    refused(answers[-1], 409, code)
