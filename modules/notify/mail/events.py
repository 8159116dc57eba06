"""What SES tells of a mail, and what that means for its delivery and its address.

Source: "Contents of event data that Amazon SES publishes to Amazon SNS", and "Amazon SNS message formats".
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

# The tag of a mail that names its delivery.
TAG: Final = "delivery"

Word = Annotated[str, msgspec.Meta(max_length=2000)]


class Recipient(msgspec.Struct, frozen=True):
    address: Word = msgspec.field(name="emailAddress")
    status: Word = ""


class Bounce(msgspec.Struct, frozen=True, rename="camel"):
    bounce_type: Word
    bounce_sub_type: Word = ""
    bounced_recipients: tuple[Recipient, ...] = ()

    @property
    def is_permanent(self) -> bool:
        return self.bounce_type == "Permanent"

    @property
    def detail(self) -> str:
        statuses = dict.fromkeys(one.status for one in self.bounced_recipients if one.status)
        return " ".join((self.bounce_type, self.bounce_sub_type, *statuses))


class Complaint(msgspec.Struct, frozen=True, rename="camel"):
    complained_recipients: tuple[Recipient, ...] = ()
    complaint_feedback_type: Word = ""


class SentMail(msgspec.Struct, frozen=True, rename="camel"):
    message_id: Word
    timestamp: datetime
    tags: dict[str, tuple[Word, ...]] = {}

    @property
    def delivery_id(self) -> str:
        return next(iter(self.tags.get(TAG, ())), "")


class MailEvent(msgspec.Struct, frozen=True, rename="camel"):
    """`event_type` is one of SES's; those that are unknown here matter to nobody."""

    event_type: str
    mail: SentMail
    bounce: Bounce | None = None
    complaint: Complaint | None = None


class Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    """A notification of SNS, as a queue gets it without raw delivery."""

    type: Literal["Notification"]
    message: str


def read_event(body: str) -> MailEvent:
    """An event in an envelope of SNS, or as it is. Raises msgspec.DecodeError for what is neither."""
    with contextlib.suppress(msgspec.ValidationError):
        body = msgspec.json.decode(body, type=Envelope).message
    return msgspec.json.decode(body, type=MailEvent)
