"""Each fault does what it says, and no more of it than was asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from devcloud.events import STREAM, Events
from devcloud.faults import EventFaults, Faults, FaultSwitch
from devcloud.names import Place

from .aws import Aws, refused


async def test_an_operation_fails_as_often_as_it_is_told(aws: Aws) -> None:
    arn = await aws.channel()
    await aws.faults(operations={"ivs.GetChannel": {"error": "InternalServerException", "times": 2, "message": "no"}})
    for _ in range(2):
        await refused(aws.ivs.get_channel(arn=arn), "InternalServerException", 500, "no")
    assert (await aws.ivs.get_channel(arn=arn))["channel"]["arn"] == arn
    await aws.faults(operations={"ivs.*": {"error": "ThrottlingException"}})
    await refused(aws.ivs.get_channel(arn=arn), "ThrottlingException", 429)
    await refused(aws.ivs.list_channels(), "ThrottlingException", 429)
    await aws.realtime.list_stages()
    assert list((await aws.drive("GET", "faults"))["operations"]) == ["ivs.*"]
    await aws.drive("DELETE", "faults")
    await aws.ivs.list_channels()
    for bad in ({"operations": {"x": {"times": -1}}}, {"events": {"lose": 2}}, {"unknown": 1}):
        await aws.drive("PUT", "faults", status=400, json=bad)


async def test_the_sdk_gets_over_what_is_over(aws: Aws) -> None:
    patient = await aws.client("ivs", attempts=4)
    await aws.faults(operations={"ivs.ListChannels": {"error": "InternalServerException", "times": 2}})
    assert (await patient.list_channels())["ResponseMetadata"]["RetryAttempts"] == 2


async def test_an_answer_may_be_lost_after_the_deed(aws: Aws) -> None:
    arn = await aws.channel()
    await aws.stream("start", arn)
    lost = {"error": "InternalServerException", "when": "after", "times": 1}
    await aws.faults(operations={"ivs.StopStream": lost})
    await refused(aws.ivs.stop_stream(channelArn=arn), "InternalServerException", 500)
    await refused(aws.ivs.get_stream(channelArn=arn), "ChannelNotBroadcasting", 404)


async def test_an_operation_hangs_and_then_goes_on(aws: Aws) -> None:
    hasty = await aws.client("ivs", timeout=0.3)
    await aws.faults(operations={"ivs.ListStreams": {"hang": 1.0, "times": 2}})
    with pytest.raises(ReadTimeoutError):
        await hasty.list_streams()
    await aws.ivs.list_streams()


async def test_moto_fails_too(aws: Aws) -> None:
    bucket = await aws.bucket()
    url = (await aws.sqs.get_queue_url(QueueName="ksmp-ivs-events"))["QueueUrl"]
    await aws.faults(
        operations={
            "s3.PUT": {"error": "SlowDown", "times": 1},
            "sqs.ReceiveMessage": {"error": "ServiceUnavailable", "times": 1},
        }
    )
    await refused(aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x"), "SlowDown", 503)
    await aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    await refused(aws.sqs.receive_message(QueueUrl=url), "ServiceUnavailable", 503)
    await aws.sqs.receive_message(QueueUrl=url)


async def delivered(faults: EventFaults, count: int, pause: float = 0.0) -> list[int]:
    """What comes of events with these numbers when they happen one after the other."""
    switch = FaultSwitch()
    switch.set(Faults(events=faults))
    came: list[int] = []

    async def deliver(body: str) -> None:
        came.append(json.loads(body)["detail"]["number"])

    events = Events(Place("r", "1"), switch, deliver)
    running = asyncio.create_task(events.run())
    for number in range(count):
        events.emit(STREAM, ["arn"], {"number": number})
        await asyncio.sleep(pause)
    await events.settled()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert len(events.sent) == count
    return came


async def test_events_without_faults_are_in_order() -> None:
    assert await delivered(EventFaults(), 50) == list(range(50))


async def test_events_are_lost() -> None:
    came = await delivered(EventFaults(lose=0.5, seed=1), 100)
    assert 20 < len(came) < 80
    assert came == sorted(set(came))
    assert came == await delivered(EventFaults(lose=0.5, seed=1), 100)
    assert came != await delivered(EventFaults(lose=0.5, seed=2), 100)
    assert await delivered(EventFaults(lose=1.0), 5) == []


async def test_events_are_repeated() -> None:
    assert await delivered(EventFaults(repeat=1.0), 3) == [0, 0, 1, 1, 2, 2]


async def test_events_are_out_of_order() -> None:
    came = await delivered(EventFaults(reorder=1.0, hold_seconds=60.0), 6)
    assert came == [1, 0, 3, 2, 5, 4]
    came = await delivered(EventFaults(reorder=1.0, repeat=1.0, hold_seconds=60.0), 2)
    assert came == [1, 1, 0, 0]
    # Nobody waits for ever: what has nothing behind it comes when its time is over.
    assert await delivered(EventFaults(reorder=1.0, hold_seconds=0.05), 1) == [0]


async def test_events_are_late() -> None:
    came = await delivered(EventFaults(delay=0.5, delay_seconds=0.5, seed=3), 40)
    assert sorted(came) == list(range(40))
    assert came != sorted(came)


async def test_faults_reach_the_queue(aws: Aws) -> None:
    arn = await aws.channel()
    await aws.faults(events={"lose": 0.5, "repeat": 0.5, "seed": 7})
    for _ in range(4):
        await aws.stream("start", arn)
        await aws.stream("stop", arn)
    happened: list[Any] = [event["id"] for event in await aws.happened(arn)]
    came = [event["id"] for event in await aws.received(arn)]
    assert len(happened) == 16
    assert set(came) < set(happened)
    assert len(came) > len(set(came))
