"""What admins get of deletions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from gateway import clock
from modules.analytics.deletions.states import EVENTS, DeletionState, Reason


class DeletionView(msgspec.Struct, frozen=True, kw_only=True):
    """A deletion at one place: `events`, or a sink. `pseudonym` is whose events they are there.

    `task` is the vendor's name of it, and `fault` why the last try came to nothing.
    """

    id: UUID
    place: str
    pseudonym: UUID
    reason: Reason
    state: DeletionState
    task: str
    attempts: int
    fault: str
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def example(cls) -> DeletionView:
        return cls(
            id=UUID("01a2130d-48bf-7174-b972-596a06fb2346"),
            place=EVENTS,
            pseudonym=UUID("0f5d1c1e-6f0a-4f4e-9d5b-0d6a2c3f4b5a"),
            reason=Reason.WITHDRAWN,
            state=DeletionState.DONE,
            task="",
            attempts=1,
            fault="",
            due_at=clock.example_day(),
            created_at=clock.example_day(),
            finished_at=clock.example_day(),
        )
