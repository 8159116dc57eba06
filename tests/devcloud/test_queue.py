"""SQS behind the one address: long polls that end with their client, and rules of EventBridge that lead there."""

from __future__ import annotations

import asyncio
import json

from .aws import QUEUE, Aws


async def test_a_long_poll(aws: Aws) -> None:
    await aws.received("")
    url = (await aws.sqs.get_queue_url(QueueName=QUEUE))["QueueUrl"]
    arn = await aws.channel()
    # Who goes away while waiting takes no message along.
    for _ in range(3):
        gone = asyncio.create_task(aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20))
        await asyncio.sleep(0.2)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    waiting = asyncio.create_task(aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=15, MaxNumberOfMessages=1))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await aws.stream("start", arn)
    [message] = (await waiting)["Messages"]
    assert json.loads(message["Body"])["detail"]["event_name"] == "Session Created"
    await aws.stream("stop", arn)
    # Sent by anyone, not by the stand-in alone.
    await aws.received("")
    other = (await aws.sqs.create_queue(QueueName="other"))["QueueUrl"]
    waiting = asyncio.create_task(aws.sqs.receive_message(QueueUrl=other, WaitTimeSeconds=15))
    await asyncio.sleep(0.1)
    await aws.sqs.send_message(QueueUrl=other, MessageBody="hello")
    assert [message["Body"] for message in (await waiting)["Messages"]] == ["hello"]
    assert "Messages" not in await aws.sqs.receive_message(QueueUrl=other, WaitTimeSeconds=1)


async def test_a_rule_of_eventbridge_leads_to_a_queue(aws: Aws) -> None:
    url = (await aws.sqs.create_queue(QueueName="ruled"))["QueueUrl"]
    attributes = (await aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]))["Attributes"]
    events = await aws.client("events")
    await events.put_rule(Name="ours", EventPattern='{"source": ["ksmp"]}')
    await events.put_targets(Rule="ours", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
    for source in ("other", "ksmp"):
        await events.put_events(Entries=[{"Source": source, "DetailType": "Told", "Detail": '{"n": 1}'}])
    [message] = (await aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=15))["Messages"]
    envelope = json.loads(message["Body"])
    assert (envelope["source"], envelope["detail-type"], envelope["detail"]) == ("ksmp", "Told", {"n": 1})
