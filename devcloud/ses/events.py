"""What SES tells of a mail: events of a configuration set, through a topic of SNS to a queue of SQS.

Source: "Contents of event data that Amazon SES publishes to Amazon SNS" in its developer guide.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from devcloud.clock import now, stamp
from devcloud.document import Document
from devcloud.names import Place
from devcloud.ses.mailbox import Fate, Mail

log = logging.getLogger(__name__)

BOUNCES: dict[str, tuple[str, str, str]] = {
    "bounced": ("Permanent", "General", "5.1.1"),
    "suppressed": ("Permanent", "OnAccountSuppressionList", "5.1.1"),
    "transient": ("Transient", "MailboxFull", "4.2.2"),
}


class MailEvents:
    """Sends what happens to a mail, in order. A mail without a configuration set tells nothing."""

    def __init__(self, place: Place, deliver: Callable[[str], Awaitable[None]]) -> None:
        self._place = place
        self._deliver = deliver
        self._waiting: asyncio.Queue[Document] = asyncio.Queue()

    def emit(self, mail: Mail, fates: dict[str, Fate]) -> None:
        """Tell what becomes of a mail that was taken; `fates` are those of its recipients."""
        for address, fate in fates.items():
            for event in _events(fate, address):
                self.tell(mail, event)

    def tell(self, mail: Mail, event: Document) -> None:
        if mail.configuration_set:
            self._waiting.put_nowait(self._envelope({**event, "mail": self._mail(mail)}))

    def complain(self, mail: Mail, address: str) -> None:
        """A reader marks a mail as spam, whenever they do."""
        self.tell(mail, _complaint(address))

    async def run(self) -> None:
        """Send what happens, until cancelled."""
        while True:
            envelope = await self._waiting.get()
            try:
                await self._deliver(msgspec.json.encode(envelope).decode())
            except Exception:
                log.exception("an event of SES could not be sent")
            finally:
                self._waiting.task_done()

    async def settled(self) -> None:
        """Wait until everything that happened is on the queue."""
        await self._waiting.join()

    def _mail(self, mail: Mail) -> Document:
        headers = [{"name": name, "value": str(value)} for name, value in mail.message().items()]
        return {
            "timestamp": mail.at,
            "source": mail.sender,
            "sendingAccountId": self._place.account,
            "messageId": mail.id,
            "destination": list(mail.recipients),
            "headersTruncated": False,
            "headers": headers,
            "tags": {
                "ses:configuration-set": [mail.configuration_set],
                **{name: [value] for name, value in mail.tags.items()},
            },
        }

    def _envelope(self, event: Document) -> Document:
        return {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": f"arn:aws:sns:{self._place.region}:{self._place.account}:ksmp-ses-events",
            "Subject": "Amazon SES Email Event Notification",
            "Message": msgspec.json.encode(event).decode(),
            "Timestamp": stamp(now()),
            "SignatureVersion": "1",
            "Signature": "devcloud",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/devcloud.pem",
        }


def _events(fate: Fate, address: str) -> Iterator[Document]:
    if fate == "lost":
        return
    if fate == "rejected":
        yield {"eventType": "Reject", "reject": {"reason": "Bad content"}}
        return
    yield {"eventType": "Send", "send": {}}
    if fate in BOUNCES:
        kind, subtype, status = BOUNCES[fate]
        recipient = {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": "smtp; no"}
        yield {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": subtype,
                "bouncedRecipients": [recipient],
                "timestamp": stamp(now()),
                "feedbackId": str(uuid.uuid4()),
            },
        }
        return
    yield {
        "eventType": "Delivery",
        "delivery": {
            "timestamp": stamp(now()),
            "processingTimeMillis": 400,
            "recipients": [address],
            "smtpResponse": "250 2.0.0 OK",
        },
    }
    if fate == "complained":
        yield _complaint(address)


def _complaint(address: str) -> Document:
    return {
        "eventType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": address}],
            "timestamp": stamp(now()),
            "feedbackId": str(uuid.uuid4()),
            "complaintFeedbackType": "abuse",
        },
    }
