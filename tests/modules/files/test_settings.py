"""The settings of files, and what they change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from gateway import clock
from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from modules.files.facade import Allowance
from modules.files.module import FilesModule
from tests.modules.files.checks.samples import GOOD, png
from tests.modules.files.conftest import MODULES
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, begun, new, sent, uploaded
from tests.modules.programs.programs import user


@asynccontextmanager
async def served(
    gateway: MakeGateway, token: MakeToken, environ: Mapping[str, str], **overrides: Any
) -> AsyncIterator[tuple[Running, Caller]]:
    async with (
        gateway(modules=MODULES, more=[ShelfModule], environ=environ, **overrides) as running,
        clients_of(running, token) as clients,
    ):
        yield running, clients.rest


async def test_limits_are_settings(gateway: MakeGateway, token: MakeToken, devcloud: str) -> None:
    environ = {
        "KSMP_FILES_BUCKET": "ksmp-uploads",
        "KSMP_FILES_USER_QUOTA": "1000",
        "KSMP_FILES_PROGRAM_QUOTA": "1500",
        "KSMP_FILES_UPLOAD_LIFE": "60",
        "KSMP_FILES_URL_LIFE": "30",
        "KSMP_FILES_MULTIPART_BYTES": "800",
        "KSMP_FILES_PART_BYTES": "500",
        "KSMP_FILES_IMAGE_PIXELS": "599",
        "KSMP_FILES_BEGIN_RATE_COUNT": "5",
        "KSMP_FILES_BEGIN_RATE_SECONDS": "600",
        "KSMP_FILES_ORIGIN": "https://files.example.net",
        "KSMP_FILES_ORIGIN_KEY": "k" * 32,
    }
    async with served(gateway, token, environ, aws_endpoint=devcloud) as (node, caller):
        quota = f"program:{user()}"
        node.module(ShelfModule).allowance = Allowance(("application/pdf", "image/png", "image/svg+xml"), 10_000, quota)
        ann, bob = caller(who := user()), caller(user())
        made = done(await ann.post(FILES, json=new(size=800)), 201)
        assert (made["upload"]["method"], made["upload"]["parts"]) == ("parts", 2)
        expires_at = datetime.fromisoformat(made["upload"]["expires_at"])
        assert timedelta(seconds=50) < expires_at - clock.now() < timedelta(seconds=60)
        refused(await ann.post(FILES, json=new(size=201)), 409, "files.quota_exceeded")
        answer = await bob.post(FILES, json=new(size=701))
        refused(answer, 409, "files.quota_exceeded")
        assert "of program" in answer.json()["detail"]

        picture = png(30, 20)
        small = await begun(bob, picture, name="a.png", type="image/png")
        done(await sent(small["upload"], picture), 204)
        refused(await bob.post(f"{FILES}/{small['file']['id']}/complete"), 409, "files.rejected")

        drawing = GOOD["image/svg+xml"][1]
        stored = await uploaded(ann, drawing, name="a.svg", type="")
        await node.module(FilesModule).lifecycle.clear(stored["id"])
        url = done(await ann.get(f"{FILES}/{stored['id']}/url"))["url"]
        assert url.startswith("https://files.example.net/api/v1/files/content/")
        assert who not in url
        for _ in range(2):
            await ann.post(FILES, json=new(size=5000))
        refused(await ann.post(FILES, json=new()), 429, "rate_limited")


async def test_without_a_bucket_all_else_works(gateway: MakeGateway, token: MakeToken) -> None:
    async with served(gateway, token, {"KSMP_FILES_BUCKET": ""}) as (_, caller):
        ann = caller(user())
        refused(await ann.post(FILES, json=new()), 503, "unavailable")
        assert done(await ann.get(FILES))["items"] == []
        refused(await ann.get(f"{FILES}/unknown"), 404, "not_found")
