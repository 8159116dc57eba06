"""S3 is away, slow, or loses answers: callers are told so, and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from ksmp_testkit import Caller, eventually
from ksmp_testkit.answers import done, refused
from modules.files.facade import Allowance
from modules.files.module import FilesModule
from tests.modules.files.bucket import S3
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, PDF, begun, completed, new, parts_sent, sent, uploaded
from tests.modules.programs.programs import user

LARGE = PDF + bytes(16 * 1024**2)


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    return {
        "KSMP_FILES_S3_TIMEOUT": "0.5",
        "KSMP_FILES_S3_FAILURES": "3",
        "KSMP_FILES_S3_PAUSE": "0.3",
    }


@pytest.fixture(autouse=True)
def allowance(shelf: ShelfModule) -> None:
    shelf.allowance = Allowance(("application/pdf",), 1024**3)


def told_to_wait(answer: httpx.Response) -> None:
    refused(answer, 503, "unavailable")
    assert answer.json()["temporary"]
    assert float(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("operation", ["HeadObject", "GetObject", "*"])
@pytest.mark.parametrize("fault", [{"error": "ServiceUnavailable"}, {"error": "cut"}, {"hang": 2.0}])
async def test_a_completion_that_fails_by_s3_is_repeated(
    caller: Caller, s3: S3, operation: str, fault: dict[str, Any]
) -> None:
    ann = caller(user())
    made = await begun(ann)
    done(await sent(made["upload"]), 204)
    path = f"{FILES}/{made['file']['id']}"
    await s3.fails(**{operation: fault})
    told_to_wait(await ann.post(f"{path}/complete"))
    assert done(await ann.get(path))["state"] == "pending"
    await s3.works()

    async def succeeds() -> bool:
        return (await ann.post(f"{path}/complete")).status_code == 200

    await eventually(succeeds, "the completion succeeds")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["CompleteMultipartUpload", "ListParts"])
async def test_an_upload_in_parts_is_completed_whatever_answer_is_lost(
    caller: Caller, s3: S3, operation: str, when: str
) -> None:
    ann = caller(user())
    made = await begun(ann, LARGE)
    await parts_sent(ann, made, LARGE, 1, 2, 3)
    path = f"{FILES}/{made['file']['id']}"
    await s3.fails(**{operation: {"error": "cut", "when": when}})
    told = await ann.post(f"{path}/complete")
    assert told.status_code in (200, 503), "the second try of the SDK may have found it done"
    await s3.works()

    async def succeeds() -> bool:
        return (await ann.post(f"{path}/complete")).status_code == 200

    await eventually(succeeds, "the completion succeeds")


async def test_beginnings_and_deletions_while_s3_is_away(caller: Caller, s3: S3, files: FilesModule) -> None:
    ann = caller(user())
    id = (await uploaded(ann))["id"]
    await s3.fails(**{"*": {"error": "InternalError"}})
    told_to_wait(await ann.post(FILES, json=new(LARGE)))
    # A form is signed without S3, and nothing is promised by it.
    done(await ann.post(FILES, json=new()), 201)
    # Nobody reads it any more. The sweep deletes the object.
    assert (await ann.delete(f"{FILES}/{id}")).status_code == 204
    refused(await ann.get(f"{FILES}/{id}"), 404, "not_found")
    await s3.works()
    kept = await files.rows.find(id)
    assert kept is not None
    assert kept.deleting_at is not None


async def test_the_gateway_asks_no_more_for_a_while(caller: Caller, s3: S3, shelf: ShelfModule) -> None:
    who = user()
    ann = caller(who)
    id = (await uploaded(ann))["id"]
    facts = list((await shelf.files.facts([id])).values())
    await s3.fails(HeadObject={"hang": 2.0})
    loop = asyncio.get_running_loop()

    async def fails_at_once() -> bool:
        begun_at = loop.time()
        with pytest.raises(Exception, match="the storage of files"):
            await shelf.files.verify(facts)
        return loop.time() - begun_at < 0.1

    await eventually(fails_at_once, "calls fail at once")
    await s3.works()

    async def works() -> bool:
        try:
            await shelf.files.verify(facts)
        except Exception:
            return False
        return True

    await eventually(works, "calls are made again")
    await completed(ann, id)
