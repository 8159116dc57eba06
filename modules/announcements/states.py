"""The life of an announcement.

An announcement is `scheduled` until its time comes, `published` while it is shown, and then over: it has `expired`, or
an admin has `withdrawn` it. No step leads back, and only a scheduled announcement may be changed. An announcement may
expire without having been published, when the platform was down for all of its time. Timers fire whether or not there
is something left to do: a step that the table does not have changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class AnnouncementStatus(StrEnum):
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class AnnouncementStep(StrEnum):
    """What happens to an announcement."""

    CHANGE = "change"
    PUBLISH = "publish"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"


TRANSITIONS: Final = {
    (AnnouncementStatus.SCHEDULED, AnnouncementStep.CHANGE): AnnouncementStatus.SCHEDULED,
    (AnnouncementStatus.SCHEDULED, AnnouncementStep.PUBLISH): AnnouncementStatus.PUBLISHED,
    (AnnouncementStatus.SCHEDULED, AnnouncementStep.EXPIRE): AnnouncementStatus.EXPIRED,
    (AnnouncementStatus.SCHEDULED, AnnouncementStep.WITHDRAW): AnnouncementStatus.WITHDRAWN,
    (AnnouncementStatus.PUBLISHED, AnnouncementStep.EXPIRE): AnnouncementStatus.EXPIRED,
    (AnnouncementStatus.PUBLISHED, AnnouncementStep.WITHDRAW): AnnouncementStatus.WITHDRAWN,
}


def next_status(status: AnnouncementStatus, step: AnnouncementStep) -> AnnouncementStatus | None:
    """The status after a step; None when the step is not possible then."""
    return TRANSITIONS.get((status, step))
