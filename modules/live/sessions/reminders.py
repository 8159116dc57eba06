"""When a session's reminders are sent. Without IO.

A session has a reminder for each of `KSMP_LIVE_REMIND_BEFORE`, and one moment up to which its reminders are done with.
A reminder is sent when its moment has come, and is then done with. So a session that is planned again, while a reminder
is due or after it was sent, loses none and repeats none. A session that moves has other moments, and those after the
one that is done with are sent.

A reminder may be late, because the platform was away. It is sent until the session begins. Of several that are late
the last one is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


class Reminders:
    """The reminders of a session, by how many seconds before its beginning each is sent."""

    def __init__(self, ahead: Iterable[int]) -> None:
        """Raises ValueError for a reminder that would not be before the beginning."""
        self.ahead = sorted({*ahead}, reverse=True)
        if self.ahead and self.ahead[-1] < 1:
            raise ValueError("a reminder is sent at least a second before the beginning")

    def waiting(self, starts_at: datetime, done_until: datetime) -> dict[int, datetime]:
        """The moments of the reminders that are still to be sent. A moment may have passed: it is due at once."""
        moments = {ahead: moment(starts_at, ahead) for ahead in self.ahead}
        return {ahead: at for ahead, at in moments.items() if at > done_until}

    def due(self, ahead: int, starts_at: datetime, done_until: datetime, now: datetime) -> bool:
        """Whether this reminder is sent now. The session has not begun, or its state says so."""
        if starts_at <= now or ahead not in (waiting := self.waiting(starts_at, done_until)):
            return False
        return not any(other < ahead and at <= now for other, at in waiting.items())


def moment(starts_at: datetime, ahead: int) -> datetime:
    """When the reminder is due, and up to when reminders are done with once it is sent."""
    return starts_at - timedelta(seconds=ahead)
