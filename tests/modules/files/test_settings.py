"""The settings of files, and what they change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway import clock
from gateway.settings import SettingsError
from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from modules.files.facade import Allowance
from modules.files.module import FilesModule
from modules.files.settings import FilesSettings
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
        "KSMP_FILES_PART_BYTES": "5242880",
        "KSMP_FILES_SIGNER": "AKUPLOADER:s3cr3t",
        "KSMP_FILES_IMAGE_PIXELS": "599",
        "KSMP_FILES_BEGIN_RATE_COUNT": "5",
        "KSMP_FILES_BEGIN_RATE_SECONDS": "600",
        "KSMP_FILES_ORIGIN": "https://files.example.net",
        "KSMP_FILES_ORIGIN_KEY": "k" * 32,
    }
    async with httpx.AsyncClient(trust_env=False) as stand_in:
        key = {"id": "AKUPLOADER", "secret": "s3cr3t"}
        assert (await stand_in.put(f"{devcloud}/_devcloud/access-keys", json=key)).status_code == 200
    async with served(gateway, token, environ, aws_endpoint=devcloud) as (node, caller):
        quota = f"program:{user()}"
        node.module(ShelfModule).allowance = Allowance(("application/pdf", "image/png", "image/svg+xml"), 10_000, quota)
        ann, bob = caller(who := user()), caller(user())
        made = done(await ann.post(FILES, json=new(size=800)), 201)
        assert (made["upload"]["method"], made["upload"]["part_bytes"]) == ("parts", 5 * 1024**2)
        expires_at = datetime.fromisoformat(made["upload"]["expires_at"])
        assert timedelta(seconds=50) < expires_at - clock.now() < timedelta(seconds=60)
        refused(await ann.post(FILES, json=new(size=201)), 409, "files.quota_exceeded")
        answer = await bob.post(FILES, json=new(size=701))
        refused(answer, 409, "files.quota_exceeded")
        assert "of program" in answer.json()["detail"]

        picture = png(30, 20)
        small = await begun(bob, picture, name="a.png", type="image/png")
        assert small["upload"]["fields"]["x-amz-credential"].startswith("AKUPLOADER/")
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


@pytest.mark.parametrize(
    ("name", "value"), [("part_bytes", 5 * 1024**2 - 1), ("upload_life", 604_801.0), ("url_life", 0.5)]
)
def test_what_s3_would_refuse_stops_the_start(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"KSMP_FILES_{name.upper()}"):
        FilesSettings(**{name: value})  # type: ignore[arg-type]
