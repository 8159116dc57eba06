"""The life of an announcement.

It is `scheduled` until its time comes, `published` while it is shown, and then over: `expired` by itself or `withdrawn`
by an admin. Nothing leads back, and only a scheduled one may be changed. One whose end came before it was published,
because the platform was down, expires unseen. Timers fire whether or not they still have something to do: what the
table does not know changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What happens to an announcement."""

    CHANGE = "change"
    PUBLISH = "publish"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"


NEXT: Final = {
    (Status.SCHEDULED, Step.CHANGE): Status.SCHEDULED,
    (Status.SCHEDULED, Step.PUBLISH): Status.PUBLISHED,
    (Status.SCHEDULED, Step.EXPIRE): Status.EXPIRED,
    (Status.SCHEDULED, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.PUBLISHED, Step.EXPIRE): Status.EXPIRED,
    (Status.PUBLISHED, Step.WITHDRAW): Status.WITHDRAWN,
}


def after(status: Status, step: Step) -> Status | None:
    """The status after a step; None when the step is not possible then."""
    return NEXT.get((status, step))
