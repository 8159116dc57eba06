"""What the stand-in knows survives it; what it answers is what its models promise."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from devcloud.model import Models
from devcloud.store import Store
from devstack.devcloud import DevCloud
from devstack.guard import Guard
from devstack.state import Pids, State
from gateway.cli import main

from .aws import Aws, eventually, refused


async def test_a_killed_stand_in_comes_back_with_what_it_knew(tmp_path: Path, servers_guard: Guard) -> None:
    said: list[str] = []
    cloud = DevCloud(tmp_path, region="us-east-1", guard=servers_guard, report=said.append)
    await cloud.prepare()
    await cloud.start()
    aws = Aws(cloud.url)
    await aws.open()
    try:
        arn = await aws.channel(tags={"session": "s1"})
        stream = await aws.stream("start", arn)
        recorded = await aws.ivs.create_recording_configuration(
            destinationConfiguration={"s3": {"bucketName": "ksmp-recordings"}}, recordingReconnectWindowSeconds=2
        )
        other = await aws.channel(recordingConfigurationArn=recorded["recordingConfiguration"]["arn"])
        await aws.stream("start", other)
        await aws.stream("stop", other)
        os.kill(cloud.pid or 0, signal.SIGKILL)

        async def back() -> bool:
            return len(said) == 2 and cloud.up

        await eventually(back)
        assert (await aws.ivs.get_stream(channelArn=arn))["stream"]["streamId"] == stream

        async def ended() -> bool:
            return any("recording_status" in event["detail"] for event in await aws.happened(other))

        # What waited for its encoder waits no longer than it would have.
        await eventually(ended)
        await aws.drive("DELETE", "state")
        await refused(aws.ivs.get_channel(arn=arn), "ResourceNotFoundException", 404)
    finally:
        await aws.close()
        await cloud.stop()
    again = DevCloud(tmp_path, region="us-east-1", guard=servers_guard)
    await again.prepare()
    assert again.url == cloud.url


def test_an_answer_against_its_model_is_no_answer() -> None:
    operation = next(one for one in Models().operations if one.key == "ivs.GetStream")
    assert json.loads(operation.write({"stream": {"state": "LIVE", "unknown": 1}})) == {"stream": {"state": "LIVE"}}
    for wrong in ({"stream": {"state": "DEAD"}}, {"other": 1}, {"stream": {"streamId": "st-short"}}):
        with pytest.raises(AssertionError):
            operation.write(wrong)


def test_a_store_without_a_folder_writes_nothing(tmp_path: Path) -> None:
    store = Store()
    store.add({"arn": "arn:aws:ivs:r:1:channel/a"})
    store.save()
    kept = Store(tmp_path)
    kept.add({"arn": "arn:aws:ivs:r:1:channel/a"})
    kept.save()
    assert [item["arn"] for item in Store(tmp_path).all("channel")] == ["arn:aws:ivs:r:1:channel/a"]
    assert Store(tmp_path).all("stage") == []


async def test_the_command_makes_a_session_live(aws: Aws, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["devcloud", "stream", *arguments, "--data", str(tmp_path)])
        return result.exit_code, result.output

    async def command(*arguments: str) -> tuple[int, str]:
        return await asyncio.to_thread(run, *arguments)

    code, said = await command("start", "s")
    assert (code, "No `ksmp dev` runs in" in said) == (1, True)
    arn = await aws.channel(tags={"session": f"session-of-{tmp_path.name}"})
    state = State(
        gateways=[],
        session=f"session-of-{tmp_path.name}",
        room="",
        tokens={},
        database_url="",
        nats_url="",
        metrics=[],
        pids=Pids(dev=1, gateways=[], nats=[], postgres=1),
    )
    state.write(tmp_path / "dev.json")
    code, said = await command("start")
    assert (code, "--no-cloud" in said) == (1, True)
    msgspec.structs.replace(state, aws_endpoint=aws.url).write(tmp_path / "dev.json")
    # Without a session it is the demo class.
    code, said = await command("start")
    assert (code, said.strip().endswith(f"on {arn} is live")) == (0, True), said
    assert (await aws.ivs.get_stream(channelArn=arn))["stream"]["state"] == "LIVE"
    code, said = await command("start", "--arn", arn)
    assert (code, said.strip()) == (1, "Error: The stream does not start: The channel is live already.")
    code, said = await command("stop", state.session)
    assert (code, "has ended" in said) == (0, True), said
    assert (await command("stop", "s", "--arn", arn))[0] == 2
