"""What was signed for an upload is good for exactly these bytes, before its completion and after."""

from __future__ import annotations

import httpx
import pytest

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from modules.files.facade import Allowance
from modules.files.module import FilesModule
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, PDF, begun, checksum, completed, parts_sent, sent, sha256
from tests.modules.programs.programs import user

OTHER = PDF[:-1] + b"!"
LARGE = PDF + bytes(16 * 1024**2)


@pytest.fixture(autouse=True)
def allowance(shelf: ShelfModule) -> None:
    shelf.allowance = Allowance(("application/pdf",), 1024**3)


async def test_a_form_takes_the_announced_bytes_and_no_others(caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    made = await begun(ann)
    upload, key = made["upload"], made["upload"]["fields"]["key"]
    forged: dict[str, str]
    for content, forged in (
        (OTHER, {}),
        (PDF + b"more", {}),
        (PDF[:-1], {}),
        (OTHER, {"x-amz-checksum-sha256": checksum(OTHER)}),
        (PDF, {"key": "files/of/another"}),
        (PDF, {"Content-Type": "text/html"}),
        (PDF, {"x-amz-meta-more": "than signed"}),
        (PDF, {"success_action_redirect": "https://elsewhere.example"}),
    ):
        answer = await sent(upload, content, **forged)
        assert answer.status_code in (400, 403), (forged, answer.text)
    done(await sent(upload), 204)
    await completed(ann, made["file"]["id"])

    # The form is good for some time, and changes nothing any more.
    assert (await sent(upload, OTHER)).status_code in (400, 403)
    assert (await sent(upload, OTHER, **{"x-amz-checksum-sha256": checksum(OTHER)})).status_code in (400, 403)
    assert (await sent(upload)).status_code == 204
    assert await files.bucket.read(key) == PDF


async def test_a_url_of_a_part_takes_its_bytes_and_none_after_the_completion(
    caller: Caller, files: FilesModule
) -> None:
    ann = caller(user())
    made = await begun(ann, LARGE)
    id, size = made["file"]["id"], made["upload"]["part_bytes"]
    piece = LARGE[:size]
    answer = done(await ann.post(f"{FILES}/{id}/parts", json={"parts": [{"number": 1, "sha256": sha256(piece)}]}))
    (part,) = answer["parts"]
    async with httpx.AsyncClient(trust_env=False) as s3:
        wrong = await s3.put(part["url"], content=b"x" * size, headers=part["headers"])
        assert wrong.status_code == 400
        forged = {"x-amz-checksum-sha256": checksum(b"x" * size)}
        assert (await s3.put(part["url"], content=b"x" * size, headers=forged)).status_code == 403
        assert (await s3.put(part["url"], content=piece)).status_code == 403, "the checksum must be sent"
        await parts_sent(ann, made, LARGE, 1, 2, 3)
        await completed(ann, id)
        assert (await s3.put(part["url"], content=piece, headers=part["headers"])).status_code == 404
    kept = await files.rows.find(id)
    assert kept is not None
    assert sha256(await files.bucket.read(kept.object_key)) == sha256(LARGE)
