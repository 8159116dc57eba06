"""A channel goes live and ends, as an encoder, the API and EventBridge see it; its recording is in S3."""

from __future__ import annotations

import asyncio
import json
import uuid

from .aws import Aws, eventually, refused


async def recorded_channel(aws: Aws, bucket: str, *, window: int = 0) -> str:
    created = await aws.ivs.create_recording_configuration(
        destinationConfiguration={"s3": {"bucketName": bucket}}, recordingReconnectWindowSeconds=window
    )
    return await aws.channel(recordingConfigurationArn=created["recordingConfiguration"]["arn"])


async def test_a_stream_from_start_to_stop(aws: Aws) -> None:
    arn = await aws.channel()
    await refused(aws.ivs.get_stream(channelArn=arn), "ChannelNotBroadcasting", 404)
    await refused(aws.ivs.stop_stream(channelArn=arn), "ChannelNotBroadcasting", 404)
    stream_id = await aws.stream("start", arn)
    stream = (await aws.ivs.get_stream(channelArn=arn))["stream"]
    assert (stream["streamId"], stream["state"], stream["health"]) == (stream_id, "LIVE", "HEALTHY")
    assert arn in [item["channelArn"] for item in (await aws.ivs.list_streams())["streams"]]
    assert arn not in [
        item["channelArn"] for item in (await aws.ivs.list_streams(filterBy={"health": "STARVING"}))["streams"]
    ]
    await refused(aws.ivs.update_channel(arn=arn, latencyMode="NORMAL"), "ConflictException", 409)
    await refused(aws.ivs.delete_channel(arn=arn), "ConflictException", 409)
    await aws.drive("POST", "streams/start", status=400, json={"arn": arn})
    await aws.ivs.stop_stream(channelArn=arn)
    await refused(aws.ivs.get_stream(channelArn=arn), "ChannelNotBroadcasting", 404)
    second = await aws.stream("start", arn)
    await aws.stream("stop", arn)
    sessions = (await aws.ivs.list_stream_sessions(channelArn=arn))["streamSessions"]
    assert [(item["streamId"], "endTime" in item) for item in sessions] == [(second, True), (stream_id, True)]
    session = (await aws.ivs.get_stream_session(channelArn=arn, streamId=stream_id))["streamSession"]
    names = ["Session Created", "Stream Start", "Session Ended", "Stream End"]
    assert [event["name"] for event in session["truncatedEvents"]] == names
    assert (await aws.ivs.get_stream_session(channelArn=arn))["streamSession"]["streamId"] == second

    events = await aws.received(arn)
    assert [(event["detail"]["event_name"], event["detail"]["stream_id"]) for event in events] == [
        *((name, stream_id) for name in names),
        *((name, second) for name in names),
    ]
    assert {name: events[0][name] for name in ("version", "source", "detail-type", "account", "region")} == {
        "version": "0",
        "source": "aws.ivs",
        "detail-type": "IVS Stream State Change",
        "account": "123456789012",
        "region": "us-east-1",
    }
    assert len({event["id"] for event in events}) == 8


async def test_an_encoder_finds_its_session(aws: Aws) -> None:
    session = uuid.uuid4().hex
    await aws.drive("POST", "streams/start", status=400, json={"session": session})
    old = await aws.channel(tags={"session": session})
    new = await aws.channel(tags={"ksmp:session": session})
    started = await aws.drive("POST", "streams/start", json={"session": session})
    assert started["channelArn"] == new != old
    for bad in ({}, {"arn": new, "session": session}, {"arn": "x"}, {"other": 1}):
        await aws.drive("POST", "streams/stop", status=400, json=bad)
    assert await aws.drive("POST", "streams/stop", json={"session": session}) == started
    # Who takes the stream key away lets no encoder in any more.
    keys = (await aws.ivs.list_stream_keys(channelArn=new))["streamKeys"]
    await aws.ivs.delete_stream_key(arn=keys[0]["arn"])
    answer = await aws.drive("POST", "streams/start", status=400, json={"session": session})
    assert answer["code"] == "AccessDeniedException"


async def test_an_encoder_comes_back_until_its_key_is_gone(aws: Aws) -> None:
    arn = await aws.channel()
    first = await aws.drive("POST", "streams/start", json={"arn": arn, "reconnect": True})
    await aws.ivs.stop_stream(channelArn=arn)

    async def streams() -> list[str]:
        sessions = (await aws.ivs.list_stream_sessions(channelArn=arn))["streamSessions"]
        return [item["streamId"] for item in sessions if "endTime" not in item]

    [second] = await eventually(streams)
    assert second != first["streamId"]
    keys = (await aws.ivs.list_stream_keys(channelArn=arn))["streamKeys"]
    await aws.ivs.delete_stream_key(arn=keys[0]["arn"])
    await aws.ivs.stop_stream(channelArn=arn)
    # Longer than an encoder takes to come back.
    await asyncio.sleep(1.5)
    assert await streams() == []


async def test_a_stream_starves_and_recovers(aws: Aws) -> None:
    arn = await aws.channel()
    await aws.drive("POST", "streams/health", status=400, json={"arn": arn, "health": "STARVING"})
    await aws.stream("start", arn)
    for health in ("STARVING", "STARVING", "HEALTHY"):
        await aws.drive("POST", "streams/health", json={"arn": arn, "health": health})
        assert (await aws.ivs.get_stream(channelArn=arn))["stream"]["health"] == health
    await aws.drive("POST", "streams/health", json={"arn": arn, "viewers": 12})
    assert (await aws.ivs.get_stream(channelArn=arn))["stream"]["viewerCount"] == 12
    events = [event["detail"]["event_name"] for event in await aws.happened(arn)]
    assert events[2:] == ["Starvation Start", "Starvation End"]
    await aws.stream("stop", arn)


async def test_metadata_five_times_a_second_and_small(aws: Aws) -> None:
    arn, other = await aws.channel(), await aws.channel()
    await refused(aws.ivs.put_metadata(channelArn=arn, metadata="x"), "ChannelNotBroadcasting", 404)
    for channel in (arn, other):
        await aws.stream("start", channel)
    await refused(aws.ivs.put_metadata(channelArn=other, metadata="ä" * 513), "ValidationException", 400, "1024")

    async def sixth_of_a_second() -> bool:
        """Whether six calls fell into one second; on a slow machine they may not have."""
        try:
            for number in range(6):
                await aws.ivs.put_metadata(channelArn=arn, metadata=f"{number}")
        except aws.ivs.exceptions.ThrottlingException:
            return True
        return False

    await eventually(sixth_of_a_second)
    # Each channel has a rate of its own.
    await aws.ivs.put_metadata(channelArn=other, metadata="ä" * 512)
    kept = (await aws.drive("GET", "metadata", params={"arn": other}))["metadata"]
    assert [item["metadata"] for item in kept] == ["ä" * 512]


async def test_a_recording_can_be_found_from_the_bucket_alone(aws: Aws) -> None:
    bucket = await aws.bucket()
    arn = await recorded_channel(aws, bucket)
    stream_id = await aws.stream("start", arn)
    await aws.settle()
    [started] = await aws.keys(bucket)
    assert started.endswith("/events/recording-started.json")
    await aws.stream("stop", arn)
    events = [event for event in await aws.received(arn) if event["detail-type"] == "IVS Recording State Change"]
    assert [event["detail"]["recording_status"] for event in events] == ["Recording Start", "Recording End"]
    detail = events[1]["detail"]
    assert (detail["stream_id"], detail["recording_session_stream_ids"]) == (stream_id, [stream_id])
    prefix = detail["recording_s3_key_prefix"]
    assert (detail["recording_s3_bucket_name"], prefix.split("/")[:4]) == (
        bucket,
        ["ivs", "v1", "123456789012", arn.rpartition("/")[2]],
    )
    body = (await aws.s3.get_object(Bucket=bucket, Key=f"{prefix}/events/recording-ended.json"))["Body"]
    ended = json.loads(await body.read())
    assert (ended["recording_status"], ended["channel_arn"]) == ("RECORDING_ENDED", arn)
    hls = ended["media"]["hls"]
    keys = await aws.keys(bucket)
    assert f"{prefix}/{hls['path']}/{hls['playlist']}" in keys
    for rendition in hls["renditions"]:
        assert f"{prefix}/{hls['path']}/{rendition['path']}/{rendition['playlist']}" in keys


async def test_a_recording_goes_on_when_the_encoder_is_back_in_time(aws: Aws) -> None:
    bucket = await aws.bucket()
    arn = await recorded_channel(aws, bucket, window=1)
    streams = []
    for _ in range(2):
        streams.append(await aws.stream("start", arn))
        await aws.stream("stop", arn)

    async def ended() -> list[dict[str, object]]:
        events = [event["detail"] for event in await aws.happened(arn)]
        return [detail for detail in events if detail.get("recording_status") == "Recording End"]

    details = await eventually(ended)
    assert [detail["recording_session_stream_ids"] for detail in details] == [streams]


async def test_a_recording_waits_for_nobody_when_its_channel_is_gone(aws: Aws) -> None:
    arn = await recorded_channel(aws, await aws.bucket(), window=300)
    await aws.stream("start", arn)
    await aws.stream("stop", arn)
    await aws.settle()
    assert (await aws.happened(arn))[-1]["detail"]["recording_status"] == "Recording Start"
    await aws.ivs.delete_channel(arn=arn)
    await aws.settle()
    assert (await aws.happened(arn))[-1]["detail"]["recording_status"] == "Recording End"


async def test_a_recording_without_a_bucket_fails(aws: Aws) -> None:
    arn = await recorded_channel(aws, f"missing-{uuid.uuid4().hex}")
    await aws.stream("start", arn)
    await aws.stream("stop", arn)
    statuses = [event["detail"].get("recording_status") for event in await aws.received(arn)]
    assert [status for status in statuses if status] == ["Recording Start Failure"]
