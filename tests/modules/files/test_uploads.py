"""Uploads: begun, sent straight to the bucket, and checked."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from modules.files.facade import Allowance
from modules.files.module import FilesModule
from modules.files.states import FileState
from modules.files.storage.s3 import NotThere
from tests.modules.files.conftest import MODULES
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, PDF, begun, completed, new, parts_sent, sent, sha256, uploaded
from tests.modules.programs.programs import user

MIB = 1024**2


async def test_a_file_is_uploaded_and_checked(caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    made = await begun(ann, name="C:\\fakepath\\my pages.pdf")
    file, upload = made["file"], made["upload"]
    assert (file["state"], file["name"], file["type"]) == ("pending", "my pages.pdf", "application/pdf")
    assert (upload["method"], upload["fields"]["key"].split("/")[:2]) == ("form", ["files", file["id"]])
    refused(await ann.post(f"{FILES}/{file['id']}/complete"), 409, "files.not_uploaded")

    done(await sent(upload), 204)
    stored = await completed(ann, file["id"])
    assert stored["state"] in ("quarantined", "clean")
    assert stored["own"]["sha256"] == sha256(PDF)
    assert stored["own"]["stored_at"] is not None
    kept = await files.rows.find(file["id"])
    assert kept is not None
    assert await files.bucket.read(kept.object_key) == PDF
    assert [one["id"] for one in done(await ann.get(FILES))["items"]] == [file["id"]]
    assert done(await ann.get(f"{FILES}?purpose=shelf.other"))["items"] == []


async def test_a_completion_may_be_repeated_also_at_once(caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    for content in (PDF, PDF + bytes(17 * MIB)):
        made = await begun(ann, content)
        id = made["file"]["id"]
        if made["upload"]["method"] == "form":
            done(await sent(made["upload"], content), 204)
        else:
            await parts_sent(ann, made, content, *range(1, made["upload"]["parts"] + 1))
        answers = await asyncio.gather(*(ann.post(f"{FILES}/{id}/complete") for _ in range(5)))
        assert [answer.status_code for answer in answers] == [200] * 5, [answer.text for answer in answers]
        assert (await completed(ann, id))["state"] in ("quarantined", "clean")


async def test_two_gateways_complete_one_upload(
    node: Running, gateway: MakeGateway, token: MakeToken, caller: Caller, devcloud: str
) -> None:
    who, content = user(), PDF + bytes(16 * MIB)
    ann = caller(who)
    async with (
        gateway(modules=MODULES, more=[ShelfModule], aws_endpoint=devcloud) as second,
        clients_of(second, token) as clients,
    ):
        other = clients.rest(who)
        for _ in range(3):
            made = await begun(ann, content)
            await parts_sent(ann, made, content, 1, 2, 3)
            path = f"{FILES}/{made['file']['id']}/complete"

            async def complete(one: httpx.AsyncClient, path: str = path) -> None:
                async def done_at_last() -> bool:
                    answer = await one.post(path)
                    # The other one is at it.
                    assert answer.status_code == 200 or answer.json()["temporary"], answer.text
                    return answer.status_code == 200

                await eventually(done_at_last, "the upload is complete")

            await asyncio.gather(complete(ann), complete(other))
            file = done(await ann.get(f"{FILES}/{made['file']['id']}"))
            assert file["state"] in ("quarantined", "clean")


async def test_an_upload_in_parts_goes_on_after_a_break(caller: Caller, files: FilesModule) -> None:
    ann, content = caller(user()), PDF + bytes(range(256)) * 4096 * 17
    made = await begun(ann, content)
    path, upload = f"{FILES}/{made['file']['id']}", made["upload"]
    assert (upload["method"], upload["part_bytes"], upload["parts"]) == ("parts", 8 * MIB, 3)
    assert done(await ann.get(f"{path}/parts"))["stored"] == []
    refused(await ann.post(f"{path}/complete"), 409, "files.not_uploaded")
    await parts_sent(ann, made, content, 3, 1)
    left = done(await ann.get(f"{path}/parts"))
    assert [part["number"] for part in left["stored"]] == [1, 3]
    assert [part["size"] for part in left["stored"]] == [8 * MIB, len(content) - 16 * MIB]
    answer = await ann.post(f"{path}/complete")
    refused(answer, 409, "files.not_uploaded")
    assert "1 parts are missing: 2" in answer.json()["detail"]

    # A URL takes a part that is as long as it must be, and no other one. If one is there, it counts as missing.
    kept = await files.rows.find(made["file"]["id"])
    assert kept is not None
    assert kept.upload_id is not None
    for piece in (content[: 6 * MIB], content[: 9 * MIB]):
        asked = {"parts": [{"number": 2, "sha256": sha256(piece)}]}
        (part,) = done(await ann.post(f"{path}/parts", json=asked))["parts"]
        assert await put(piece, part["url"], part["headers"]) == 403
    ((url, headers),) = await files.bucket.part_urls(
        kept.object_key, kept.upload_id, [(2, 6 * MIB, sha256(content[: 6 * MIB]))], 60
    )
    assert await put(content[: 6 * MIB], url, headers) == 200
    refused(await ann.post(f"{path}/complete"), 409, "files.not_uploaded")
    await parts_sent(ann, made, content, 2)
    assert (await completed(ann, made["file"]["id"]))["size"] == len(content)
    assert sha256(await files.bucket.read(kept.object_key)) == sha256(content)
    refused(await ann.post(f"{path}/parts", json={"parts": [{"number": 1, "sha256": sha256(b"")}]}), 409, "conflict")
    refused(await ann.get(f"{path}/parts"), 409, "conflict")


async def put(content: bytes, url: str, headers: dict[str, str]) -> int:
    """What S3 answers to a part."""
    async with httpx.AsyncClient(trust_env=False) as s3:
        return (await s3.put(url, content=content, headers=headers)).status_code


async def test_a_completion_whose_answer_of_s3_was_lost_is_repeated(caller: Caller, files: FilesModule) -> None:
    """The gateway ended between the two: S3 has put the parts together, and the row knows nothing of it."""
    ann, content = caller(user()), PDF + bytes(16 * MIB)
    made = await begun(ann, content)
    id = made["file"]["id"]
    await parts_sent(ann, made, content, 1, 2, 3)
    kept = await files.rows.find(id)
    assert kept is not None
    assert kept.upload_id is not None
    parts = await files.bucket.parts(kept.object_key, kept.upload_id)
    await files.bucket.complete_parts(kept.object_key, kept.upload_id, parts)
    assert len(done(await ann.get(f"{FILES}/{id}/parts"))["stored"]) == 3
    assert (await completed(ann, id))["state"] in ("quarantined", "clean")


async def test_parts_that_another_gateway_puts_together_are_waited_for(caller: Caller, files: FilesModule) -> None:
    """S3 has no such upload any more, and no object yet."""
    ann, content = caller(user()), PDF + bytes(16 * MIB)
    made = await begun(ann, content)
    await parts_sent(ann, made, content, 1, 2, 3)
    kept = await files.rows.find(made["file"]["id"])
    assert kept is not None
    assert kept.upload_id is not None
    await files.bucket.abort_parts(kept.object_key, kept.upload_id)
    answer = await ann.post(f"{FILES}/{kept.id}/complete")
    refused(answer, 409, "files.not_uploaded")
    assert answer.json()["temporary"]
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"purpose": "shelf.unknown"}, 400, "invalid"),
        ({"target": "elsewhere"}, 404, "not_found"),
        ({"type": "image/png"}, 400, "files.type_refused"),
        ({"type": "application/x-unknown"}, 400, "files.type_refused"),
        ({"type": "", "name": "pages.exe"}, 400, "files.type_refused"),
        ({"size": 1024**3 + 1}, 413, "too_large"),
        ({"size": 0}, 400, "invalid"),
        ({"name": "../.."}, 400, "invalid"),
        ({"name": "a\nb.pdf"}, 400, "invalid"),
        ({"name": "I SHOUT.pdf"}, 400, "invalid"),
        ({"sha256": "A" * 64}, 400, "invalid"),
        ({"sha256": "a" * 64 + "\n"}, 400, "invalid"),
        ({"key": "files/of/another"}, 400, "invalid"),
    ],
)
async def test_what_is_refused_at_the_beginning(caller: Caller, values: dict[str, Any], status: int, code: str) -> None:
    refused(await caller(user()).post(FILES, json=new() | values), status, code)


async def test_a_purpose_may_take_any_name(caller: Caller) -> None:
    """Homework is not refused for a word."""
    made = await begun(caller(user()), purpose="shelf.other", name="I SHOUT.pdf")
    assert made["file"]["name"] == "I SHOUT.pdf"


async def test_what_is_not_what_it_says_is_rejected_and_deleted(caller: Caller, files: FilesModule) -> None:
    who = user()
    ann, content = caller(who), b"MZ an executable, and no PDF"
    made = await begun(ann, content)
    done(await sent(made["upload"], content), 204)
    path = f"{FILES}/{made['file']['id']}"
    for _ in range(2):
        refused(await ann.post(f"{path}/complete"), 409, "files.rejected")
    file = done(await ann.get(path))
    assert (file["state"], file["own"]["reason"]) == ("rejected", "signature")
    kept = await files.rows.find(file["id"])
    assert kept is not None
    assert kept.removed_at is not None
    with pytest.raises(NotThere):
        await files.bucket.head(kept.object_key)
    # It uses nothing of the quota, and goes when its owner has read why.
    assert await files.rows.used_by(who) == 0
    assert (await ann.delete(path)).status_code == 204
    refused(await ann.get(path), 404, "not_found")


async def test_other_bytes_than_announced_are_rejected(caller: Caller, files: FilesModule) -> None:
    """Whatever the bucket has taken: the row is compared with the object."""
    ann = caller(user())
    for content, reason in ((PDF[:-1] + b"!", "checksum"), (PDF + b"more", "size")):
        made = await begun(ann)
        await files.bucket.put(made["upload"]["fields"]["key"], content, "application/pdf")
        refused(await ann.post(f"{FILES}/{made['file']['id']}/complete"), 409, "files.rejected")
        assert done(await ann.get(f"{FILES}/{made['file']['id']}"))["own"]["reason"] == reason


async def test_a_file_is_deleted_by_its_owner_while_nothing_holds_it(
    caller: Caller, files: FilesModule, shelf: ShelfModule
) -> None:
    who = user()
    ann = caller(who)
    one, two = (await uploaded(ann))["id"], (await uploaded(ann))["id"]
    await shelf.put("deletion", one, owner=who)
    refused(await ann.delete(f"{FILES}/{one}"), 409, "conflict")
    kept = await files.rows.find(two)
    assert kept is not None
    assert (await ann.delete(f"{FILES}/{two}")).status_code == 204
    refused(await ann.delete(f"{FILES}/{two}"), 404, "not_found")
    refused(await ann.post(f"{FILES}/{two}/complete"), 404, "not_found")
    with pytest.raises(NotThere):
        await files.bucket.head(kept.object_key)
    gone = await files.rows.find(two)
    assert gone is not None
    assert gone.state is FileState.DELETED
    assert [one["id"] for one in done(await ann.get(FILES))["items"]] == [one]

    content = PDF + bytes(16 * MIB)
    made = await begun(ann, content)
    await parts_sent(ann, made, content, 1)
    assert (await ann.delete(f"{FILES}/{made['file']['id']}")).status_code == 204
    broken = await files.rows.find(made["file"]["id"])
    assert broken is not None
    assert broken.upload_id is not None
    with pytest.raises(NotThere):
        await files.bucket.parts(broken.object_key, broken.upload_id)


async def test_quotas_hold_also_for_many_at_once(
    node: Any, caller: Caller, files: FilesModule, shelf: ShelfModule
) -> None:
    """The quota of a user here is 2 GiB, so these 1 GiB files are two."""
    who = user()
    ann = caller(who)
    answers: list[httpx.Response] = await asyncio.gather(
        *(ann.post(FILES, json=new(size=1024**3, sha256=sha256(bytes([number])))) for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    refused(max(answers, key=lambda answer: answer.status_code), 409, "files.quota_exceeded")
    assert await files.rows.used_by(who) == 2 * 1024**3
    first = next(answer for answer in answers if answer.status_code == 201).json()["file"]["id"]
    assert (await ann.delete(f"{FILES}/{first}")).status_code == 204
    done(await ann.post(FILES, json=new(size=1024**3)), 201)


async def test_strangers_learn_nothing(caller: Caller, shelf: ShelfModule) -> None:
    ann, bob, admin = caller(user()), caller(user()), caller(user(), "admin")
    id = (await uploaded(ann))["id"]
    path = f"{FILES}/{id}"
    for who in (bob, admin):
        refused(await who.get(path), 404, "not_found")
        refused(await who.get(f"{path}/url"), 404, "not_found")
        refused(await who.get(f"{path}/parts"), 404, "not_found")
        refused(await who.post(f"{path}/complete"), 404, "not_found")
        refused(await who.delete(path), 404, "not_found")
        refused(
            await who.post(f"{path}/parts", json={"parts": [{"number": 1, "sha256": sha256(b"")}]}), 404, "not_found"
        )
        assert done(await who.get(FILES))["items"] == []
    refused(await caller().get(path), 401, "unauthenticated")


async def test_a_repeated_beginning_is_one(caller: Caller) -> None:
    ann, key = caller(user()), {"Idempotency-Key": "the-same"}
    one, two = [await ann.post(FILES, json=new(), headers=key) for _ in range(2)]
    assert done(one, 201) == done(two, 201)
    assert len(done(await ann.get(FILES))["items"]) == 1


@pytest.fixture(autouse=True)
def allowance(shelf: ShelfModule) -> None:
    shelf.allowance = Allowance(("application/pdf",), 1024**3)
