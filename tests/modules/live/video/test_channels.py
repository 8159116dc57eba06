"""A channel that a mentor keeps from session to session."""

from __future__ import annotations

import uuid

import asyncpg
import httpx
import pytest

from ksmp_testkit import MakeGateway, MakeToken
from tests.devcloud.aws import Aws
from tests.modules.live.video.test_video import CREDENTIALS, ENVIRON, eventually, id_of, started, waiting


async def test_a_mentor_may_keep_a_channel(
    gateway: MakeGateway, devcloud: str, token: MakeToken, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    mentor_id, environ = f"m-{uuid.uuid4().hex}", ENVIRON | {"KSMP_LIVE_CHANNELS": "mentor"}
    aws = Aws(devcloud)
    await aws.open()
    headers = {"Authorization": f"Bearer {token('root', 'admin')}"}
    async with (
        gateway(environ=environ, aws_endpoint=devcloud) as node,
        httpx.AsyncClient(base_url=node.url, headers=headers, timeout=30) as admin,
    ):
        mentor = {"Authorization": f"Bearer {token(mentor_id, 'mentor')}"}
        assert (await admin.get("/api/v1/auth/me", headers=mentor)).status_code == 200
        arns, keys = [], []
        for recording in (False, True):
            path = await waiting(admin, database, mentor_id=mentor_id, recording=recording)
            await started(admin, path)
            of_session = "SELECT channel_arn FROM live_video WHERE session_id = $1"
            arns.append(await database.fetchval(of_session, id_of(path)))
            channel = (await aws.ivs.get_channel(arn=arns[-1]))["channel"]
            assert bool(channel["recordingConfigurationArn"]) == recording
            keys += [one["arn"] for one in (await aws.ivs.list_stream_keys(channelArn=arns[-1]))["streamKeys"]]
            assert (await admin.post(f"{path}/end")).status_code == 200
            phase = "SELECT phase FROM live_video WHERE session_id = $1"
            await eventually(lambda: database.fetchval(phase, id_of(path)), lambda found: found == "kept")
    assert arns[0] == arns[1]
    # A key does not outlive its session.
    assert len(set(keys)) == 2
    await aws.close()
