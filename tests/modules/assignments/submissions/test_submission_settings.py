"""The limits and graces of submissions, each set to something else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import refused
from tests.modules.assignments.classroom import classroom
from tests.modules.assignments.submissions.work import Work, set_dates
from tests.modules.files.bucket import S3
from tests.modules.files.uploads import PDF, completed, sent

ENVIRON = {
    "KSMP_ASSIGNMENTS_DRAFT_TEXT": "10",
    "KSMP_ASSIGNMENTS_UPLOAD_GRACE": "0",
    "KSMP_ASSIGNMENTS_AFTER_UPLOAD": "0",
    "KSMP_ASSIGNMENTS_TURN_IN_GRACE": "0",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    async with gateway(aws_endpoint=devcloud, environ=ENVIRON, request_burst=10_000) as running:
        yield running


async def test_a_text_has_a_greatest_length(caller: Caller) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment())["id"])
    await work.save(text="x" * 10)
    refused(await work.try_save(text="x" * 11), 413, "too_large")


async def test_without_a_grace_an_upload_counts_from_its_end(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["files"]))["id"])
    begun = await work.begin_upload(PDF)
    await set_dates(database, work.id, due=clock.now(), closes=None)
    assert (await sent(begun["upload"])).status_code == 204
    await completed(work.rest, begun["file"]["id"])
    await work.save(files=[begun["file"]["id"]])
    receipt = await work.turn_in()
    assert receipt["counted_at"] == receipt["turned_in_at"]
    assert receipt["days_late"] == 1


async def test_without_a_grace_the_stamp_is_of_the_last_try(caller: Caller, s3: S3, database: asyncpg.Pool) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["files"]))["id"])
    await work.save(files=[await work.upload(PDF)])
    await s3.fails(HeadObject={"error": "ServiceUnavailable"})
    refused(await work.try_turn_in(), 503, "unavailable")
    await set_dates(database, work.id, due=clock.now(), closes=None)
    await s3.works()
    assert (await work.turn_in())["days_late"] == 1
