"""What admins get of sinks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from gateway import clock


class SinkView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sink has come. `behind` of the stored events it has not looked at.

    `failures` are those in a row, `fault` is the last one, and until `due_at` the sink is left alone.
    """

    name: str
    seq: int
    behind: int
    sent: int
    refused: int
    sent_at: datetime | None
    failures: int
    fault: str
    due_at: datetime | None

    @classmethod
    def example(cls) -> SinkView:
        return cls(
            name="mixpanel",
            seq=120_000,
            behind=12,
            sent=80_000,
            refused=3,
            sent_at=clock.example_day(),
            failures=0,
            fault="",
            due_at=None,
        )


class SinkList(msgspec.Struct, frozen=True):
    items: list[SinkView]

    @classmethod
    def example(cls) -> SinkList:
        return cls([SinkView.example()])


class RefusedView(msgspec.Struct, frozen=True):
    """An event that a sink refused. It is not sent again."""

    event_id: UUID
    name: str
    reason: str
    refused_at: datetime

    @classmethod
    def example(cls) -> RefusedView:
        event = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
        return cls(event, "live.attended", "properties.time: must not be in the future", clock.example_day())
