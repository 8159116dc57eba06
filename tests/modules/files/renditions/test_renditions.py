"""Pictures of uploaded images: made once they are clean, read by those who read the image, deleted with it."""

from __future__ import annotations

from typing import Any

import httpx

from ksmp_testkit import Caller, Running, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from ksmp_testkit.tokens import MakeToken
from modules.files import metrics
from modules.files.events import FileCleared
from modules.files.facade import Allowance
from modules.files.module import FilesModule
from modules.files.storage.s3 import NotThere
from tests.modules.files.renditions.images import bomb, image, opened, photograph
from tests.modules.files.shelf import OTHER, ShelfModule
from tests.modules.files.uploads import FILES, uploaded
from tests.modules.programs.programs import user

PICTURES = Allowance(("image/png", "image/jpeg", "image/heic"), 10**8)


def counted(outcome: str) -> float:
    return metrics.renditions.labels(outcome)._value.get()


async def stored(files: FilesModule, who: httpx.AsyncClient, content: bytes, **values: Any) -> str:
    """The id of an image that was uploaded and is clean."""
    id: str = (await uploaded(who, content, **{"name": "a.png", "type": "image/png", **values}))["id"]
    await files.lifecycle.clear(id)
    return id


async def picture(who: httpx.AsyncClient, id: str, name: str) -> httpx.Response:
    url = done(await who.get(f"{FILES}/{id}/url?rendition={name}"))["url"]
    async with httpx.AsyncClient(trust_env=False) as s3:
        return await s3.get(url)


async def test_a_clean_photograph_has_pictures(
    node: Running, files: FilesModule, shelf: ShelfModule, caller: Caller, token: MakeToken
) -> None:
    shelf.allowance = PICTURES
    name = user()
    ann = caller(name)
    async with connected(node.ws_url, token(name)) as client:
        id = await stored(files, ann, photograph(), name="page.jpg", type="image/jpeg")
        await node.events_handled("files.render")
        told = await client.expect(
            lambda one: one.get("push") == "files.file" and one["data"]["id"] == id and one["data"]["thumbnail"]
        )
    view = done(await ann.get(f"{FILES}/{id}"))
    assert told["data"] == view
    assert view["thumbnail"]
    small, page = await picture(ann, id, "thumbnail"), await picture(ann, id, "page")
    assert (small.headers["content-type"], opened(small.content).size) == ("image/webp", (240, 320))
    assert (page.headers["content-type"], opened(page.content).size) == ("image/jpeg", (1500, 2000))
    # They are read by those who may read the image.
    await shelf.put("s", id, owner=name)
    refused(await caller(user()).get(f"{FILES}/{id}/url?rendition=thumbnail"), 404, "not_found")
    # What comes twice changes nothing.
    await node.publish_event(await _cleared(files, id))
    await node.events_handled("files.render")
    assert done(await ann.get(f"{FILES}/{id}"))["rev"] == view["rev"]
    # With the image they go.
    await shelf.clear("s")
    done(await ann.delete(f"{FILES}/{id}"), 204)

    async def gone() -> bool:
        return not await files.bucket.objects(f"files/{id}/", "", 10)

    await eventually(gone, "the pictures are deleted")


async def test_for_other_purposes_none_are_made(
    node: Running, files: FilesModule, shelf: ShelfModule, caller: Caller
) -> None:
    shelf.allowance = PICTURES
    ann = caller(user())
    id = await stored(files, ann, image(640, 480), purpose=OTHER)
    await node.events_handled("files.render")
    assert not done(await ann.get(f"{FILES}/{id}"))["thumbnail"]
    assert len(await files.bucket.objects(f"files/{id}/", "", 10)) == 1


async def test_an_image_that_cannot_be_drawn_stays_readable(
    node: Running, files: FilesModule, shelf: ShelfModule, caller: Caller
) -> None:
    shelf.allowance = PICTURES
    ann, before = caller(user()), [counted(outcome) for outcome in ("not_drawable", "too_large")]
    broken, large = await stored(files, ann, image(64, 64)[:-40]), await stored(files, ann, bomb(9_000))
    heavy = await stored(files, ann, image(640, 480) + b"\0" * 200_000)
    await node.events_handled("files.render")
    after = [counted(outcome) for outcome in ("not_drawable", "too_large")]
    assert after == [before[0] + 2, before[1] + 1]
    for id in (broken, large, heavy):
        assert done(await ann.get(f"{FILES}/{id}/url"))["url"]
        refused(await ann.get(f"{FILES}/{id}/url?rendition=thumbnail"), 404, "not_found")


async def test_a_file_that_is_deleted_meanwhile_leaves_nothing(
    node: Running, files: FilesModule, shelf: ShelfModule, caller: Caller
) -> None:
    shelf.allowance = PICTURES
    ann = caller(user())
    id = (await uploaded(ann, image(640, 480), name="a.png", type="image/png"))["id"]
    cleared = await _cleared(files, id)
    await files.lifecycle.clear(id)
    record = await files.lifecycle.begin_deletion(id)
    assert record is not None
    await node.events_handled("files.render")
    await files.removal.remove(record)
    await node.publish_event(cleared)
    await node.events_handled("files.render")
    assert await files.bucket.objects(f"files/{id}/", "", 10) == []
    try:
        await files.bucket.head(record.rendition_key("thumbnail"))
    except NotThere:
        pass
    else:
        raise AssertionError("a picture of a deleted image is in the bucket")


async def _cleared(files: FilesModule, id: str) -> FileCleared:
    record = await files.rows.find(id)
    assert record is not None
    return FileCleared(record.id, record.purpose, record.owner_id)
