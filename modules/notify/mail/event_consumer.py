"""Consumes the events of SES from their queue. Any number of gateways may; each event is handled by one of them.

The queue's policy says who writes there, so nothing proves an event besides. It is deleted after what it caused is
committed: an event in the hands of a gateway that dies comes again.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import structlog
from botocore.exceptions import BotoCoreError, ClientError

from gateway.aws.service import AwsConfig, ServiceClient
from gateway.errors import Unavailable
from modules.notify.mail.events import read_event
from modules.notify.mail.feedback import Feedback

log = structlog.get_logger(__name__)

# The longest that SQS holds a request back for a message to come, and how many it gives at once.
LONG_POLL: Final = 20
MOST: Final = 10
# In seconds, while SQS or PostgreSQL does not answer.
PAUSE: Final = 5.0


class MailEventConsumer:
    """`queue` is the name of the queue, or its URL."""

    def __init__(self, aws: AwsConfig, queue: str, feedback: Feedback) -> None:
        self._sqs = ServiceClient(aws, "sqs", wait=LONG_POLL)
        self._queue = queue
        self._feedback = feedback

    async def run(self) -> None:
        """Handle what comes, until cancelled."""
        try:
            while True:
                try:
                    url = await self._url()
                    while True:
                        await self._receive(url)
                except Unavailable as error:
                    log.info("mail.events_wait", reason=error.message)
                except (ClientError, BotoCoreError, OSError, TimeoutError) as error:
                    log.warning("mail.no_events", reason=str(error))
                except Exception:
                    log.exception("mail.events_failed")
                await asyncio.sleep(PAUSE)
        finally:
            await self._sqs.close()

    async def _url(self) -> str:
        if "/" in self._queue:
            return self._queue
        return str((await self._sqs.get_queue_url(QueueName=self._queue))["QueueUrl"])

    async def _receive(self, url: str) -> None:
        answer = await self._sqs.receive_message(QueueUrl=url, WaitTimeSeconds=LONG_POLL, MaxNumberOfMessages=MOST)
        done: list[dict[str, Any]] = []
        try:
            for message in answer.get("Messages", ()):
                await self._consume(message)
                done.append({"Id": str(len(done)), "ReceiptHandle": message["ReceiptHandle"]})
        finally:
            if done:
                # One call for all: each costs more than what the event does here.
                await self._sqs.delete_message_batch(QueueUrl=url, Entries=done)

    async def _consume(self, message: dict[str, Any]) -> None:
        """Raises Unavailable; then the message comes again."""
        try:
            await self._feedback.handle(read_event(message["Body"]))
        except msgspec.DecodeError as error:
            log.warning("mail.event_unreadable", reason=str(error))
        except Unavailable:
            raise
        except Exception:
            # It must not hold up those behind it, now or when it comes again.
            log.exception("mail.event_failed")
