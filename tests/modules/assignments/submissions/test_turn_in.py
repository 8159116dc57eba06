"""Turning in: once, stamped by the server, acknowledged with a receipt."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from gateway import clock
from ksmp_testkit import Caller, MakeToken, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.assignments.grading.marking import Marker
from tests.modules.assignments.submissions.work import Work, set_dates
from tests.modules.programs.programs import user


def hash_of(receipt: dict[str, Any]) -> str:
    """The hash, made from what the receipt says alone."""
    derived = {"hash", "days_late", "due_at", "rule", "reclaimed_at"}
    content = {name: value for name, value in receipt.items() if name not in derived}
    for name in ("turned_in_at", "counted_at"):
        content[name] = f"{datetime.fromisoformat(content[name]):%Y-%m-%dT%H:%M:%S.%fZ}"
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


async def test_a_receipt_says_what_was_turned_in_and_when(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment(due=later(days=1)))["id"]
    work = Work(caller, room.students[0], id)
    receipt = await work.hand_in("नमस्ते")
    assert (receipt["number"], receipt["draft_rev"], receipt["members"]) == (1, 1, [work.user])
    assert receipt["text_sha256"] == hashlib.sha256("नमस्ते".encode()).hexdigest()
    assert (receipt["days_late"], receipt["rule"], receipt["counted_at"]) == (0, "assignment", receipt["turned_in_at"])
    assert receipt["hash"] == hash_of(receipt)
    # It is the same ever after, and a repeat gives it too.
    assert await work.receipt(1) == receipt
    assert await work.turn_in() == receipt
    seen = await work.read()
    assert (seen["state"], seen["attempt_id"], seen["attempts_left"]) == ("turned_in", receipt["attempt_id"], None)
    assert [one["number"] for one in seen["attempts"]] == [1]
    whole = await work.attempt(1)
    assert (whole["text"], whole["grade"], whole["results"]) == ("नमस्ते", None, None)


async def test_of_twenty_at_once_one_attempt_comes(caller: Caller, node: Running, database: asyncpg.Pool) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    work = Work(caller, room.students[0], id)
    await work.save(text="x")
    answers = await asyncio.gather(*(work.try_turn_in() for _ in range(20)))
    receipts = [done(answer) for answer in answers]
    assert all(receipt == receipts[0] for receipt in receipts)
    assert await database.fetchval("SELECT count(*) FROM assignments_attempt WHERE assignment_id = $1", id) == 1
    await node.events_handled("assignments.count_turned_in")
    assert done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/counter"))["turned_in"] == 1


async def test_another_draft_than_the_one_shown_is_not_turned_in(caller: Caller) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment())["id"])
    refused(await work.try_turn_in(1), 409, "assignments.empty")
    await work.save(text="first")
    other = Work(caller, work.user, work.path.split("/")[-2])
    await other.draft()
    await other.save(text="second")
    answer = await work.try_turn_in()
    refused(answer, 409, "assignments.draft_changed")
    assert answer.json()["current"]["text"] == "second"
    # Nor one that is not written yet: its stamp would be too early.
    refused(await work.try_turn_in(3), 409, "assignments.draft_changed")
    await other.save(text="")
    refused(await other.try_turn_in(), 409, "assignments.empty")


async def test_late_work_is_late_by_days_and_none_is_taken_after_the_closing(
    caller: Caller, database: asyncpg.Pool
) -> None:
    room = await classroom(caller)
    student = room.students[0]
    late = Work(caller, student, (await room.assignment(due=later(hours=-25)))["id"])
    assert (await late.hand_in())["days_late"] == 2
    gone = await room.assignment(due=later(hours=1), closes=later(hours=2))
    work = Work(caller, student, gone["id"])
    await work.save(text="x")
    await _close(database, gone)
    refused(await work.try_turn_in(), 409, "assignments.closed")
    assert (await work.read())["attempts"] == []


async def test_attempts_are_counted(caller: Caller) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(attempts=1))["id"])
    receipt = await work.hand_in("first")
    assert (await work.read())["attempts_left"] == 0
    # Reclaimed, it is not used any more, and stays in the history.
    assert done(await work.step("reclaim"))["attempts_left"] == 1
    second = await work.turn_in()
    assert second["number"] == 2
    assert second["turned_in_at"] > receipt["turned_in_at"]
    history = (await work.read())["attempts"]
    assert [(one["number"], one["reclaimed_at"] is None) for one in history] == [(1, False), (2, True)]
    assert (await work.receipt(1))["hash"] == receipt["hash"]


async def test_what_is_turned_in_is_not_written_any_more(caller: Caller) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment())["id"])
    refused(await work.step("reclaim"), 404, "not_found")
    await work.hand_in("first")
    refused(await work.try_save(text="second"), 409, "assignments.bad_transition")
    refused(await work.step("resubmit"), 409, "assignments.bad_transition")
    done(await work.step("reclaim"))
    refused(await work.step("reclaim"), 409, "assignments.bad_transition")
    await work.save(text="second")
    await work.turn_in()
    assert [(await work.attempt(number))["text"] for number in (1, 2)] == ["first", "second"]


async def test_nothing_is_reclaimed_that_could_not_be_turned_in_again(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller)
    assignment = await room.assignment(closes=later(hours=1))
    work = Work(caller, room.students[0], assignment["id"])
    await work.hand_in()
    await _close(database, assignment)
    refused(await work.step("reclaim"), 409, "assignments.closed")


async def test_what_is_being_graded_is_not_reclaimed(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    work = Work(caller, room.students[0], id)
    receipt = await work.hand_in()
    before = await work.read()
    await Marker(room.teacher, id).save(receipt, "5")
    refused(await work.step("reclaim"), 409, "assignments.grading_begun")
    # A draft of a grade changes nothing that the student sees.
    assert await work.read() == before


async def test_students_and_mentors_hear_of_it(caller: Caller, node: Running, token: MakeToken) -> None:
    room = await classroom(caller, students=2)
    id = (await room.assignment())["id"]
    works = [Work(caller, student, id) for student in room.students]
    async with (
        connected(node.ws_url, token(room.mentor, "mentor")) as mentor,
        connected(node.ws_url, token(works[0].user)) as tab,
    ):
        await works[0].hand_in()
        push = await tab.expect_push("assignments.submission")
        assert push["data"] == await works[0].read()
        assert (await mentor.expect_push("assignments.counter"))["data"]["turned_in"] == 1
        await works[1].hand_in()
        assert (await mentor.expect_push("assignments.counter"))["data"]["turned_in"] == 2
        done(await works[1].step("reclaim"))
        await node.events_handled("assignments.count_reclaimed")
        counted = (await mentor.expect_push("assignments.counter"))["data"]
        assert counted["turned_in"] == 1
        assert done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/counter")) == counted


@pytest.mark.parametrize("path", ["turn-in", "reclaim", "resubmit"])
async def test_only_students_of_the_program_hand_in(caller: Caller, path: str) -> None:
    room = await classroom(caller)
    where = f"{ASSIGNMENTS}/{(await room.assignment())['id']}/submission/{path}"
    for who, status, code in (
        (room.teacher, 403, "forbidden"),
        (caller("boss", "admin"), 403, "forbidden"),
        (caller(user()), 404, "not_found"),
    ):
        refused(await who.post(where, json={"draft_rev": 1}), status, code)


async def _close(database: asyncpg.Pool, assignment: dict[str, Any]) -> None:
    """Have the assignment closed since an hour."""
    await set_dates(database, assignment["id"], due=None, closes=clock.now() - timedelta(hours=1))


async def test_a_turn_in_and_a_change_at_once_come_one_after_the_other(caller: Caller, database: asyncpg.Pool) -> None:
    """What may not change once something is turned in does not change while it is."""
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment())["id"])
    await work.save(text="The answer is 42.")
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    async def during(change: str) -> httpx.Response:
        async with database.acquire() as connection, connection.transaction():
            await connection.execute("SELECT FROM assignments_assignment WHERE id = $1 FOR NO KEY UPDATE", work.id)
            turning_in = asyncio.create_task(work.try_turn_in())

            async def waiting() -> bool:
                return turning_in.done() or bool(await database.fetchval(waits))

            await eventually(waiting, "the turn-in waits for the change")
            await connection.execute(f"UPDATE assignments_assignment SET {change} WHERE id = $1", work.id)
        return await turning_in

    refused(await during("state = 'draft'"), 404, "not_found")
    await database.execute("UPDATE assignments_assignment SET state = 'published' WHERE id = $1", work.id)
    refused(await during("anonymous = true"), 503, "unavailable")
    assert (await work.read())["attempts"] == []
    # What has its revision alone changed is turned in.
    assert done(await during("rev = rev + 1"))["number"] == 1


async def test_the_head_of_a_request_is_no_stamp_for_what_follows(caller: Caller, database: asyncpg.Pool) -> None:
    """Nobody sends a head in time, and behind it what they have written later."""
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(late={"kind": "accept"}))["id"])
    await work.save(text="In time")

    async def slowly(method: str, path: str, over: str, **body: Any) -> httpx.Response:
        """A request whose body ends after the assignment was due, or has closed."""

        async def pieces() -> AsyncIterator[bytes]:
            written = json.dumps(body).encode()
            yield written[:5]
            # By another connection: the gateway has the head by now.
            await work.read()
            await set_dates(database, work.id, **({"due": None, "closes": None} | {over: clock.now()}))
            yield written[5:]

        headers = {"Content-Type": "application/json"}
        return await work.rest.request(method, f"{work.path}/{path}", content=pieces(), headers=headers)

    refused(await slowly("PUT", "draft", "closes", draft_rev=1, text="Later"), 409, "assignments.closed")
    assert (await work.draft())["text"] == "In time"
    await set_dates(database, work.id, due=None, closes=None)
    assert done(await slowly("POST", "turn-in", "due", draft_rev=1))["days_late"] == 1
