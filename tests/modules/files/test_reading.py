"""Reading: who may, when, under which name, and that nothing runs where users are signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway import clock
from gateway.errors import BadInput, Unavailable
from gateway.identifier import new_id
from gateway.settings import SettingsError
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from modules.files.facade import KNOWN_TYPES, Allowance
from modules.files.module import FilesModule
from modules.files.origin import ContentOrigin, check_origin
from modules.files.settings import FilesSettings
from modules.files.storage.s3 import CONNECTIONS
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, PDF, uploaded
from tests.modules.programs.programs import user

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def allowance(shelf: ShelfModule) -> None:
    shelf.allowance = Allowance(KNOWN_TYPES, 1024**3)
    shelf.readers.clear()
    shelf.names.clear()


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody is signed in with."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def cleared(files: FilesModule, id: str) -> None:
    """The file, after the scanner has answered."""
    await files.lifecycle.clear(id)


async def url_of(who: httpx.AsyncClient, id: str, **query: str) -> str:
    url: str = done(await who.get(f"{FILES}/{id}/url", params=query))["url"]
    return url


def disposition(url: str) -> str:
    return parse_qs(urlsplit(url).query)["response-content-disposition"][0]


async def test_a_clean_file_is_read_by_those_who_may_and_each_time_asked_anew(
    caller: Caller, files: FilesModule, shelf: ShelfModule, web: httpx.AsyncClient
) -> None:
    owner, reader, other = user(), user(), user()
    ann, bob, eve = caller(owner), caller(reader), caller(other)
    id = (await uploaded(ann))["id"]
    await cleared(files, id)
    # What nothing holds is its owner's.
    url = await url_of(ann, id)
    assert (await web.get(url)).content == PDF
    shelf.readers = {reader}
    refused(await bob.get(f"{FILES}/{id}/url"), 404, "not_found")

    await shelf.put(new_id(), id, owner=owner)
    assert (await web.get(await url_of(bob, id))).content == PDF
    refused(await eve.get(f"{FILES}/{id}/url"), 404, "not_found")
    refused(await eve.get(f"{FILES}/{id}"), 404, "not_found")
    # Of a held file the purpose decides, also about its owner; what they uploaded they see all the same.
    refused(await ann.get(f"{FILES}/{id}/url"), 404, "not_found")
    assert done(await ann.get(f"{FILES}/{id}"))["own"]["target"] == "shelf:1"
    shelf.readers = {owner}
    await url_of(ann, id)
    refused(await bob.get(f"{FILES}/{id}/url"), 404, "not_found")


async def test_a_reader_sees_nothing_of_the_owner(caller: Caller, files: FilesModule, shelf: ShelfModule) -> None:
    owner, reader = user(), user()
    id = (await uploaded(caller(owner), name="ann's essay.pdf"))["id"]
    await cleared(files, id)
    await shelf.put(new_id(), id, owner=owner)
    shelf.readers, shelf.names = {reader}, {reader: "submission 7.pdf"}
    bob = caller(reader)
    seen = done(await bob.get(f"{FILES}/{id}"))
    assert (seen["name"], seen["own"]) == ("submission 7.pdf", None)
    url = await url_of(bob, id)
    assert disposition(url) == "inline; filename=\"submission 7.pdf\"; filename*=UTF-8''submission%207.pdf"
    assert owner not in url
    assert "essay" not in url
    # What is hidden until grades are released is seen then, also by who has read it before.
    before = {"If-None-Match": (await bob.get(f"{FILES}/{id}")).headers["etag"]}
    assert (await bob.get(f"{FILES}/{id}", headers=before)).status_code == 304
    shelf.names.clear()
    assert done(await bob.get(f"{FILES}/{id}", headers=before))["name"] == "ann's essay.pdf"


async def test_only_what_was_checked_is_read(caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    id = (await uploaded(ann))["id"]
    if (await ann.get(f"{FILES}/{id}")).json()["state"] == "quarantined":
        refused(await ann.get(f"{FILES}/{id}/url"), 409, "files.not_ready")
    bad = (await uploaded(ann))["id"]
    if await files.lifecycle.reject(bad, "infected") is not None:
        refused(await ann.get(f"{FILES}/{bad}/url"), 409, "files.rejected")
    await cleared(files, id)
    refused(await ann.get(f"{FILES}/{id}/url?rendition=thumbnail"), 404, "not_found")
    refused(await ann.get(f"{FILES}/{id}/url?rendition=poster"), 400, "invalid")


@pytest.mark.parametrize(
    ("name", "content", "shown", "kind"),
    [
        ('résumé "x".pdf', PDF, "inline", "application/pdf"),
        ("notes.txt", b"plain text", "attachment", "application/octet-stream"),
        ("data.csv", b"a,b\n1,2\n", "attachment", "application/octet-stream"),
    ],
)
async def test_how_a_browser_gets_it(
    caller: Caller,
    files: FilesModule,
    web: httpx.AsyncClient,
    name: str,
    content: bytes,
    shown: str,
    kind: str,
) -> None:
    ann = caller(user())
    id = (await uploaded(ann, content, name=name, type=""))["id"]
    await cleared(files, id)
    answer = await web.get(await url_of(ann, id))
    assert answer.content == content
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["content-disposition"].startswith(f"{shown}; filename=")


@pytest.mark.parametrize(
    ("name", "content"), [("picture.svg", SVG), ("page.html", b"<script>alert(1)</script>"), ("x.js", b"alert(1)")]
)
async def test_what_a_browser_would_run_comes_as_a_download_from_another_origin(
    node: Running, caller: Caller, files: FilesModule, web: httpx.AsyncClient, name: str, content: bytes
) -> None:
    ann = caller(user())
    id = (await uploaded(ann, content, name=name, type=""))["id"]
    await cleared(files, id)
    url = await url_of(ann, id)
    there, here = urlsplit(url), urlsplit(node.url)
    assert (there.hostname, there.port) == ("localhost", here.port)
    assert there.netloc != here.netloc

    answer = await web.get(url)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    # At the platform's own origin, changed, or when it is gone, there is nothing.
    refused(await web.get(url.replace("localhost", "127.0.0.1")), 404, "not_found")
    refused(await web.get(url[:-4] + "AAAA"), 404, "not_found")
    refused(await web.get(f"{node.url}{FILES}/content/short"), 404, "not_found")
    assert (await ann.delete(f"{FILES}/{id}")).status_code == 204
    refused(await web.get(url), 404, "not_found")


async def test_clients_that_do_not_read_hold_up_nobody(
    caller: Caller, files: FilesModule, web: httpx.AsyncClient
) -> None:
    ann, large = caller(user()), b"<p>" + b"long " * 800_000
    id = (await uploaded(ann, large, name="page.html", type=""))["id"]
    await cleared(files, id)
    url = await url_of(ann, id)
    host, token = urlsplit(url).netloc, url.rsplit("/", 1)[1]
    # Without a connection nothing is asked of S3 until it ends one of theirs.
    async with asyncio.timeout(12):
        waiting = [(await files.content.open(token, host))[2] for _ in range(CONNECTIONS + 2)]
        await uploaded(ann)
    for pieces in waiting:
        await pieces.aclose()
    assert (await web.get(url)).content == large


def test_a_url_of_the_origin_ends() -> None:
    settings = FilesSettings(origin="https://files.example.net/", origin_key="k" * 32)
    one, same = (ContentOrigin(settings, production=True) for _ in range(2))
    url = one.url("f", "a.svg", clock.now() + timedelta(minutes=1), "https://api.example.net/")
    prefix, token = url.rsplit("/", 1)
    assert prefix == "https://files.example.net/api/v1/files/content"
    assert same.read(token, "files.example.net") == ("f", "a.svg")
    over = one.url("f", "a.svg", clock.now() - timedelta(seconds=1), "").rsplit("/", 1)[1]
    other = ContentOrigin(FilesSettings(origin_key="l" * 32), production=False)
    for wrong in (lambda: same.read(over, "files.example.net"), lambda: same.read(token, "api.example.net")):
        with pytest.raises(BadInput):
            wrong()
    with pytest.raises(BadInput):
        other.read(token, "files.example.net")
    nowhere = ContentOrigin(FilesSettings(), production=True)
    assert not nowhere.is_there
    with pytest.raises(Unavailable):
        nowhere.url("f", "a.svg", clock.now(), "https://api.example.net/")


def test_an_origin_needs_a_key() -> None:
    check_origin(FilesSettings(), production=True)
    with pytest.raises(SettingsError, match="KSMP_FILES_ORIGIN_KEY"):
        check_origin(FilesSettings(origin="https://files.example.net"), production=True)
    with pytest.raises(SettingsError, match="KSMP_FILES_ORIGIN_KEY") as short:
        check_origin(FilesSettings(origin_key="short"), production=False)
    assert "short'" not in str(short.value)
    for wrong in ("https://Files.example.net", "https://files.example.net:443", "https://files.example.net/files"):
        with pytest.raises(SettingsError, match="in lower case, without a path"):
            check_origin(FilesSettings(origin=wrong, origin_key="k" * 32), production=True)
    examined: Any = FilesModule.examine(FilesSettings(bucket="uploads"), production=True)
    assert "uploads" in examined
    for settings in (FilesSettings(bucket=""), FilesSettings()):
        assert "KSMP_FILES_BUCKET" in FilesModule.examine(settings, production=True)
    assert "nothing scans them" in FilesModule.examine(FilesSettings(bucket="uploads"), production=True)
    scanned = FilesSettings(bucket="uploads", scanner="clamd:3310", scan_fail_closed=False)
    assert "clamd:3310 scans them, and they pass unscanned" in FilesModule.examine(scanned, production=True)
