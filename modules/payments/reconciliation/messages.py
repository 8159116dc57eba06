"""What the routes of differences take and answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.text import TEXT, Texts

LONGEST_NOTE: Final = 2000
Note = Annotated[str, Meta(min_length=1, max_length=LONGEST_NOTE), TEXT]

DIFFERENCE: Final = "01a2130d-48bf-7174-b972-596a06fb2360"
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class DifferenceView(msgspec.Struct, frozen=True):
    """What our rows and Razorpay do not agree on. `subject` is Razorpay's id of what it is about.

    `resolved_by` is a user, or `the reconciliation` when both agree by now.
    """

    id: str
    kind: str
    subject: str
    detail: str
    ours: str
    theirs: str
    order_id: str | None
    found_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str
    rev: int

    @classmethod
    def example(cls) -> DifferenceView:
        detail = "Razorpay settled another fee than it told of"
        return cls(DIFFERENCE, "settled_fee", "pay_29QQoUBi66xm2f", detail, "2360", "2832", None, AT, None, None, "", 1)


class Resolution(Texts, frozen=True):
    """What was found out, and done."""

    note: Note

    @classmethod
    def example(cls) -> Resolution:
        return cls("International card: the higher fee is right. The books were corrected.")
