"""S3 is away, slow, or loses answers: callers are told so, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, Running, eventually
from ksmp_testkit.answers import done, refused
from modules.files.facade import Allowance
from modules.files.module import FilesModule
from tests.modules.files.conftest import MODULES
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, PDF, begun, completed, new, parts_sent, sent, uploaded
from tests.modules.programs.programs import user

LARGE = PDF + bytes(16 * 1024**2)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = {
        "KSMP_FILES_S3_TIMEOUT": "0.5",
        "KSMP_FILES_S3_FAILURES": "3",
        "KSMP_FILES_S3_PAUSE": "0.3",
    }
    async with gateway(modules=MODULES, more=[ShelfModule], aws_endpoint=devcloud, environ=environ) as running:
        yield running


class S3:
    """The stand-in, as it is told to fail."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = f"{url}/_devcloud/faults"
        self._http = http

    async def fails(self, **operations: dict[str, Any]) -> None:
        faults = {f"s3.{name}": fault for name, fault in operations.items()}
        assert (await self._http.put(self._url, json={"operations": faults})).status_code == 200

    async def works(self) -> None:
        assert (await self._http.delete(self._url)).status_code == 200


@pytest.fixture
async def s3(devcloud: str) -> AsyncIterator[S3]:
    async with httpx.AsyncClient(trust_env=False) as http:
        one = S3(devcloud, http)
        yield one
        await one.works()


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
