"""Clients of AWS' own SDK that talk to the stand-in, and the ways beside AWS' API to drive it."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aioboto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

QUEUE = "ksmp-ivs-events"
# The key pair that the stand-in knows from the start.
CREDENTIALS = {"aws_access_key_id": "devcloud", "aws_secret_access_key": "devcloud"}


class Aws:
    """`ivs`, `realtime`, `chat`, `s3` and `sqs` are aioboto3 clients that try each call once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=url, timeout=20.0, trust_env=False)
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        self.ivs = await self.client("ivs")
        self.realtime = await self.client("ivs-realtime")
        self.chat = await self.client("ivschat")
        self.s3 = await self.client("s3")
        self.sqs = await self.client("sqs")

    async def close(self) -> None:
        await self._stack.aclose()
        await self.http.aclose()

    async def client(
        self,
        service: str,
        *,
        region: str = "us-east-1",
        attempts: int = 1,
        timeout: float = 20.0,
        credentials: dict[str, str] | None = None,
    ) -> Any:
        config = Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            read_timeout=timeout,
            # By default URLs for the first region are signed with a version that new buckets refuse.
            **({"signature_version": "s3v4"} if service == "s3" else {}),
        )
        session = aioboto3.Session(region_name=region, **(credentials or CREDENTIALS))
        return await self._stack.enter_async_context(session.client(service, endpoint_url=self.url, config=config))

    async def channel(self, **options: Any) -> str:
        """The ARN of a new channel."""
        created = await self.ivs.create_channel(name=f"c-{uuid.uuid4().hex[:12]}", **options)
        return str(created["channel"]["arn"])

    async def bucket(self) -> str:
        """A new bucket."""
        name = f"b-{uuid.uuid4().hex}"
        await self.s3.create_bucket(Bucket=name)
        return name

    async def keys(self, bucket: str) -> list[str]:
        return [item["Key"] for item in (await self.s3.list_objects_v2(Bucket=bucket)).get("Contents", [])]

    async def drive(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Ask one of the endpoints beside AWS' API."""
        answer = await self.http.request(method, f"/_devcloud/{path}", **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def stream(self, step: str, arn: str) -> str:
        """Let the stream of a channel begin or end; gives its id."""
        return str((await self.drive("POST", f"streams/{step}", json={"arn": arn}))["streamId"])

    async def faults(self, **faults: Any) -> None:
        await self.drive("PUT", "faults", json=faults)

    async def settle(self) -> None:
        """Wait until all that happened is on the queue and in the buckets."""
        await self.drive("POST", "events/settle")

    async def happened(self, arn: str) -> list[dict[str, Any]]:
        """The events about a resource, as they happened."""
        return [event for event in (await self.drive("GET", "events"))["events"] if event["resources"] == [arn]]

    async def received(self, arn: str) -> list[dict[str, Any]]:
        """The events about a resource that are on the queue, in its order; the queue is empty then."""
        await self.settle()
        url = (await self.sqs.get_queue_url(QueueName=QUEUE))["QueueUrl"]
        events: list[dict[str, Any]] = []
        while messages := (await self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)).get("Messages"):
            for message in messages:
                events.append(json.loads(message["Body"]))
                await self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in events if event["resources"] == [arn]]


async def refused(call: Awaitable[Any], code: str, status: int, text: str = "") -> dict[str, Any]:
    """That the call is answered with this error; gives the whole answer."""
    try:
        await call
    except ClientError as error:
        answer: dict[str, Any] = error.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), answer
        assert text in answer["Error"]["Message"]
        return answer
    raise AssertionError(f"{code} was expected")


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 15.0) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (result := await condition()):
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.05)
    return result
