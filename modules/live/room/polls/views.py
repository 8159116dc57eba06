"""What the room, and what hosts, may know of a poll."""

from __future__ import annotations

from collections.abc import Iterable

from gateway import clock
from modules.live.room.polls.messages import Poll
from modules.live.room.polls.repository import PollRow


def view(row: PollRow, *, staff: bool = False) -> Poll:
    """The poll for the room, or for hosts with `staff`: they always see the votes and the right options."""
    closed = row.state == "closed"
    counted = closed or staff or row.shown
    return Poll(
        row.id,
        row.question,
        row.options,
        row.state,
        clock.to_ms(row.opened_at),
        multiple=row.multiple,
        quiz=row.correct is not None,
        anonymous=row.anonymous,
        revote=row.revote,
        shown=row.shown,
        closes_at=None if row.closes_at is None else clock.to_ms(row.closes_at),
        closed_at=None if row.closed_at is None else clock.to_ms(row.closed_at),
        correct=row.correct if closed or staff else None,
        counts=row.counts if counted else None,
        voters=row.voters if counted else None,
    )


def views(rows: Iterable[PollRow], *, staff: bool = False) -> list[Poll]:
    """The polls in the order of their opening."""
    return sorted((view(row, staff=staff) for row in rows), key=lambda poll: (poll.opened_at, poll.id))
