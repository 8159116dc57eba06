"""The stamp of a try to turn in, which holds when the try fails by our fault.

It is a row, written before S3 is asked. While PostgreSQL is away, the try is noted in the log of the student's own
room instead. A note holds only for a draft that was saved before it, so nobody can have one for what they write later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from gateway.contract import Kernel
from gateway.errors import Unavailable
from gateway.principal import Principal
from modules.accounts.facade import user_room
from modules.assignments.submissions.messages import NOTED, TurnInNoted
from modules.assignments.submissions.records import Submission
from modules.assignments.submissions.repository import SubmissionRepository

log = structlog.get_logger(__name__)

# Notes of a room that are looked at. One is written for each try that failed.
NOTES: Final = 100


class FirstTries:
    """The stamps of tries, for `grace` seconds."""

    pushes = (NOTED,)

    def __init__(self, kernel: Kernel, rows: SubmissionRepository, grace: float) -> None:
        self._kernel = kernel
        self._rows = rows
        self._grace = grace

    async def stamp(self, submission: Submission, draft_rev: int, user_id: str, at: datetime) -> datetime | None:
        """The stamp of the first try with this revision of the draft; None when the draft is at another.

        Raises Unavailable.
        """
        return await self._rows.stamp(submission.id, draft_rev, user_id, at, self._grace)

    async def earliest(
        self, submission: Submission, draft_rev: int, user_id: str, at: datetime, stamp: datetime
    ) -> datetime:
        """The stamp, or the earliest note of a try with this revision of the draft. Raises Unavailable."""
        since = at - timedelta(seconds=self._grace)
        if submission.draft_saved_at is not None:
            since = max(since, submission.draft_saved_at)
        pushes = await self._kernel.rooms.recent(user_room(user_id), NOTES, [NOTED.name])
        notes = [msgspec.json.decode(one.data, type=TurnInNoted) for one in pushes]
        found = [
            one.stamped_at
            for one in notes
            if (one.assignment_id, one.draft_rev) == (submission.assignment_id, draft_rev) and since <= one.stamped_at
        ]
        return min([stamp, *found])

    async def note(self, principal: Principal, assignment_id: str, draft_rev: int, at: datetime) -> None:
        """Keep a stamp without PostgreSQL. When NATS is away too, there is none."""
        try:
            await self._kernel.rooms.publish(user_room(principal.id), NOTED, TurnInNoted(assignment_id, draft_rev, at))
        except Unavailable:
            log.warning("turn_in.not_noted", user=principal.id, assignment=assignment_id)
