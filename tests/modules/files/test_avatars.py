"""Pictures of profiles: uploaded, chosen, seen by every user at an address of ours, and taken away."""

from __future__ import annotations

import httpx
import pytest

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from modules.files.module import FilesModule
from tests.modules.files.renditions.images import image, opened, photograph
from tests.modules.files.shelf import THING, ShelfModule
from tests.modules.files.uploads import FILES, new, uploaded
from tests.modules.programs.programs import user

ME = "/api/v1/users/me"
ANY = {"If-Match": "*"}


async def of(who: httpx.AsyncClient, name: str, content: bytes, kind: str = "image/png") -> str:
    """The id of a picture that somebody uploaded for their profile."""
    given = {"purpose": "files.avatar", "target": name, "name": "me.png", "type": kind}
    id: str = (await uploaded(who, content, **given))["id"]
    return id


async def test_a_picture_is_seen_by_every_user(node: Running, files: FilesModule, caller: Caller) -> None:
    name = user()
    ann, bob = caller(name), caller(user())
    rev = done(await ann.get(ME))["rev"]
    id = await of(ann, name, photograph(1200, 900), "image/jpeg")
    url = done(await ann.put(f"{FILES}/avatar", json={"file_id": id}))["avatar_url"]
    assert url == f"/api/v1/files/avatars/{id}"
    profile = done(await ann.get(ME))
    assert (profile["avatar_url"], profile["rev"]) == (url, rev + 1)
    await files.lifecycle.clear(id)
    await node.events_handled("files.render")
    answer = await bob.get(url)
    assert answer.status_code == 302
    async with httpx.AsyncClient(trust_env=False) as s3:
        picture = await s3.get(answer.headers["location"])
    assert (picture.headers["content-type"], opened(picture.content).size) == ("image/webp", (256, 256))
    refused(await caller().get(url), 401, "unauthenticated")
    # The photograph itself, with all that the phone wrote into it, is its owner's.
    refused(await bob.get(f"{FILES}/{id}/url"), 404, "not_found")
    assert done(await ann.get(f"{FILES}/{id}/url"))["url"]

    # Another picture has another address, and the one of before is seen no more.
    second = await of(ann, name, image(300, 300))
    await files.lifecycle.clear(second)
    await node.events_handled("files.render")
    other = done(await ann.put(f"{FILES}/avatar", json={"file_id": second}))["avatar_url"]
    assert (await bob.get(other)).status_code == 302
    refused(await bob.get(url), 404, "not_found")
    # The profile is sent back as it is; an address of ours that is not its own is none.
    done(await ann.patch(ME, json={"avatar_url": other}, headers=ANY))
    refused(await ann.patch(ME, json={"avatar_url": url}, headers=ANY), 400, "invalid")
    refused(await bob.patch(ME, json={"avatar_url": other}, headers=ANY), 400, "invalid")
    done(await ann.delete(f"{FILES}/avatar"), 204)
    assert done(await ann.get(ME))["avatar_url"] is None
    refused(await bob.get(other), 404, "not_found")
    # A picture elsewhere is as it was, and stays when there is none of ours to take away.
    elsewhere = "https://images.example.org/a.png"
    done(await ann.patch(ME, json={"avatar_url": elsewhere}, headers=ANY))
    done(await ann.delete(f"{FILES}/avatar"), 204)
    assert done(await ann.get(ME))["avatar_url"] == elsewhere


async def test_what_is_no_picture_of_a_profile(shelf: ShelfModule, files: FilesModule, caller: Caller) -> None:
    name, other = user(), user()
    ann, bob = caller(name), caller(other)
    await ann.get(ME)
    picture = {"purpose": "files.avatar", "name": "me.png", "type": "image/png"}
    refused(await ann.post(FILES, json=new(target=other, **picture)), 403, "forbidden")
    for kind in ("application/pdf", "image/svg+xml", "image/gif"):
        wrong = new(target=name, **{**picture, "type": kind})
        refused(await ann.post(FILES, json=wrong), 400, "files.type_refused")
    refused(await ann.post(FILES, json=new(target=name, **picture) | {"size": 6 * 1024**2}), 413, "too_large")
    theirs = await of(bob, other, image(100, 100))
    thing = (await uploaded(ann, purpose=THING))["id"]
    for id in (theirs, thing, user()):
        refused(await ann.put(f"{FILES}/avatar", json={"file_id": id}), 400, "invalid")
    assert done(await ann.get(ME))["avatar_url"] is None
    # A picture that nobody has chosen is seen by nobody.
    await files.lifecycle.clear(theirs)
    refused(await ann.get(f"{FILES}/avatars/{theirs}"), 404, "not_found")


@pytest.mark.parametrize("url", ["/api/v1/files/avatars/../x", "/api/v1/users/me", "//evil.example/a", "/x"])
async def test_a_path_of_ours_is_no_picture(caller: Caller, url: str) -> None:
    refused(await caller(user()).patch(ME, json={"avatar_url": url}, headers=ANY), 400, "invalid")
