"""Mails as the SDK sends them: kept as they came, told of on the queue, and refused as SES refuses."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.devcloud.aws import Aws

QUEUE = "ksmp-ses-events"


def raw(to: str, extra: str = "") -> bytes:
    head = f"From: KSMP <no-reply@example.com>\r\nTo: {to}\r\nSubject: =?utf-8?b?4KSG4KSq?=\r\n{extra}"
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\nHello".encode()


async def send(aws: Aws, to: str, *, body: bytes | None = None, **more: Any) -> str:
    ses = await aws.client("sesv2")
    content = {"Raw": {"Data": raw(to, "X-Own: 1\r\n") if body is None else body}}
    answer = await ses.send_email(Content=content, Destination={"ToAddresses": [to]}, **more)
    return str(answer["MessageId"])


async def events_of(aws: Aws, id: str, count: int) -> list[Any]:
    url = (await aws.sqs.get_queue_url(QueueName=QUEUE))["QueueUrl"]
    found: list[Any] = []
    async with asyncio.timeout(15):
        while len(found) < count:
            answer = await aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                await aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                event = json.loads(json.loads(message["Body"])["Message"])
                if event["mail"]["messageId"] == id:
                    found.append(event)
    return found


async def test_a_mail_is_kept_as_it_came_and_its_delivery_is_told(aws: Aws) -> None:
    to = f"{uuid.uuid4().hex}@example.com"
    id = await send(aws, to, ConfigurationSetName="ksmp", EmailTags=[{"Name": "delivery", "Value": "d-1"}])
    [mail] = (await aws.drive("GET", f"ses/mails?to={to}"))["mails"]
    assert (mail["id"], mail["subject"], mail["text"].strip()) == (id, "आप", "Hello")
    assert ["X-Own", "1"] in mail["headers"]
    told = await events_of(aws, id, 2)
    assert [event["eventType"] for event in told] == ["Send", "Delivery"]
    assert told[1]["mail"]["tags"]["delivery"] == ["d-1"]


@pytest.mark.parametrize(
    ("to", "kinds"),
    [
        ("bounce+1@simulator.amazonses.com", ["Send", "Bounce"]),
        ("complaint@simulator.amazonses.com", ["Send", "Delivery", "Complaint"]),
    ],
)
async def test_the_mailbox_simulator(aws: Aws, to: str, kinds: list[str]) -> None:
    told = await events_of(aws, await send(aws, to, ConfigurationSetName="ksmp"), len(kinds))
    assert [event["eventType"] for event in told] == kinds


async def test_what_was_taken_and_not_answered_is_there(aws: Aws) -> None:
    to = f"{uuid.uuid4().hex}@example.com"
    fault = {"error": "InternalServerException", "when": "after", "times": 1}
    await aws.faults(operations={"ses.SendEmail": fault})
    with pytest.raises(ClientError, match="InternalServerException"):
        await send(aws, to)
    assert len((await aws.drive("GET", f"ses/mails?to={to}"))["mails"]) == 1


BAD = [("nobody", None, "a"), ("आशा@b.org", None, "a"), ("a@b.org", b"no headers", "a"), ("a@b.org", None, "x y")]


@pytest.mark.parametrize(("to", "body", "tag"), BAD)
async def test_what_ses_refuses(aws: Aws, to: str, body: bytes | None, tag: str) -> None:
    with pytest.raises(ClientError, match="BadRequestException"):
        await send(aws, to, body=body, EmailTags=[{"Name": "delivery", "Value": tag}])
