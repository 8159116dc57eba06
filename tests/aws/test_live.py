"""A class on AWS, with a key of its own: made, streamed, watched, ended, and away.

It always runs against the stand-in. With `KSMP_AWS_LIVE_TEST=1`, credentials as every AWS SDK takes them and
`KSMP_AWS_REGION` it runs on AWS as well; docs/aws.md says what that needs, costs and leaves.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ksmp_testkit import MakeGateway, MakeToken, Running
from modules.live.access.playback_tokens import PlaybackKey
from tests.aws.cloud import REGION, Cloud
from tests.modules.live.video.test_video import CREDENTIALS, id_of, waiting

ON_AWS = pytest.mark.skipif(
    os.environ.get("KSMP_AWS_LIVE_TEST") != "1", reason="costs money: KSMP_AWS_LIVE_TEST=1 runs it on AWS (docs/aws.md)"
)


@pytest.fixture(scope="module", params=["stand-in", pytest.param("aws", marks=ON_AWS)])
async def cloud(request: pytest.FixtureRequest, devcloud: str) -> AsyncIterator[Cloud]:
    real = request.param == "aws"
    with pytest.MonkeyPatch.context() as patch:
        if not real:
            for name, value in CREDENTIALS.items():
                patch.setenv(name, value)
        cloud = Cloud("" if real else devcloud)
        await cloud.open()
        yield cloud
        await cloud.close()


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, cloud: Cloud) -> AsyncIterator[Running]:
    """A gateway with a playback key that nobody else knows, which is taken out of the account at the end."""
    key = ec.generate_private_key(ec.SECP384R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    environ = {
        "KSMP_LIVE_VIDEO": "ivs",
        "KSMP_LIVE_PLAYBACK_KEY": pem,
        "KSMP_LIVE_VIDEO_RECONCILE": "1",
        "KSMP_LIVE_RECORDING_BUCKET": bucket_of(cloud),
    }
    name = PlaybackKey(key, life=60.0, origins=()).name
    async with gateway(environ=environ, aws_endpoint=cloud.endpoint, aws_region=REGION) as running:
        yield running
    for known, delete in await cloud.playback_keys():
        if known.get("name") == name:
            await delete(arn=known["arn"])


def bucket_of(cloud: Cloud) -> str:
    """Where the stream is recorded; nowhere unless it is said so."""
    return "" if cloud.endpoint else os.environ.get("KSMP_LIVE_RECORDING_BUCKET", "")


class Class:
    """A session, and what its mentor asks."""

    def __init__(self, cloud: Cloud, mentor: httpx.AsyncClient, path: str) -> None:
        self.cloud, self.mentor, self.path = cloud, mentor, path

    async def until(self, read: Callable[[], Awaitable[Any]], wanted: Callable[[Any], Any]) -> Any:
        async with asyncio.timeout(self.cloud.patience):
            while not wanted(found := await read()):
                await asyncio.sleep(0.2)
        return found

    async def shows(self, video: str) -> None:
        async def read() -> Any:
            return (await self.mentor.get(self.path)).json()

        await self.until(read, lambda session: session["video"] == video)

    async def channels(self) -> list[str]:
        found = await self.cloud.all(self.cloud.ivs.list_channels, filterByName=f"ksmp-{id_of(self.path)}")
        return [one["arn"] for one in found]

    async def stages(self) -> list[str]:
        stages = await self.cloud.all(self.cloud.realtime.list_stages)
        return [one["arn"] for one in stages if id_of(self.path) in one.get("name", "")]

    async def end(self) -> None:
        """End it; nothing of it is left that costs money."""
        await self.mentor.post(f"{self.path}/end")
        await self.until(self.channels, lambda found: found == [])
        await self.until(self.stages, lambda found: found == [])


@pytest.fixture
async def planned(
    cloud: Cloud, node: Running, token: MakeToken, database: asyncpg.Pool, request: pytest.FixtureRequest
) -> AsyncIterator[Class]:
    """A class in its lobby, which ends whatever happens."""
    headers = {"Authorization": f"Bearer {token('meera', 'mentor')}"}
    async with httpx.AsyncClient(base_url=node.url, headers=headers, timeout=60) as mentor:
        recording = bool(bucket_of(cloud)) and request.param == "broadcast"
        taught = Class(cloud, mentor, await waiting(mentor, database, mode=request.param, recording=recording))
        yield taught
        await taught.end()


@pytest.mark.parametrize("planned", ["broadcast"], indirect=True)
async def test_a_class_is_streamed_watched_and_ended(planned: Class, cloud: Cloud) -> None:
    assert (await planned.mentor.post(f"{planned.path}/start")).status_code == 200
    await planned.shows("ready")
    [channel] = await planned.channels()
    playback = (await planned.mentor.post(f"{planned.path}/join")).json()["playback"]
    if not cloud.can_stream:
        pytest.skip("there is no ffmpeg to stream with; the channel was made, and is deleted")
    ingest = (await planned.mentor.get(f"{planned.path}/ingest")).json()
    await cloud.stream(channel, ingest)
    await planned.shows("streaming")

    async def watched() -> int:
        return (await cloud.http.get(playback["url"], params={"token": playback["token"]})).status_code

    await planned.until(watched, lambda status: status == 200)
    assert (await cloud.http.get(playback["url"])).status_code == 403, "nobody watches without a token"
    stream = (await planned.mentor.get(f"{planned.path}/stream")).json()
    assert (stream["video"], stream["stream_id"] != "") == ("streaming", True)
    await cloud.hang_up(channel)
    await planned.shows("lost")
    await planned.end()


@pytest.mark.parametrize("planned", ["interactive"], indirect=True)
async def test_a_class_has_a_stage_until_it_ends(planned: Class, cloud: Cloud) -> None:
    assert (await planned.mentor.post(f"{planned.path}/start")).status_code == 200
    await planned.shows("ready")
    [stage] = await planned.stages()
    ticket = (await planned.mentor.post(f"{planned.path}/join")).json()["stage"]
    assert ticket["publishes"]
    assert (await planned.mentor.post(f"{planned.path}/screen")).status_code == 200
    assert (await planned.mentor.get(f"{planned.path}/stage/participants")).json() == {"items": []}
    # AWS knows the key by which it lets its participants in.
    names = [known.get("name", "") for known, _ in await cloud.playback_keys() if ":public-key/" in known["arn"]]
    assert any(name.startswith("ksmp-") for name in names)
    assert (await cloud.realtime.get_stage(arn=stage))["stage"]["name"] == f"ksmp-{id_of(planned.path)}"
    await planned.end()
