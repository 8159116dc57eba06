"""What admins send and get of deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from modules.notify.states import DeliveryState

Word = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_.-]{1,100}$")]


class Delivery(msgspec.Struct, frozen=True):
    """A notification on one channel. `due_at` is when it is tried next, `vendor_id` the vendor's name for it."""

    id: UUID
    notification_id: UUID
    notice_id: UUID
    kind: str
    user_id: str
    channel: str
    state: DeliveryState
    reason: str
    due_at: datetime
    attempts: int
    vendor_id: str

    @classmethod
    def example(cls) -> Delivery:
        id = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
        at = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
        return cls(id, id, id, "live.now", "c1f7…", "push", DeliveryState.FAILED, "unregistered", at, 6, "")


class RetryFailed(msgspec.Struct, frozen=True):
    """Which failed deliveries are tried again: of a channel, and of one reason or one notice if these are given."""

    channel: Word
    reason: Word | None = None
    notice_id: UUID | None = None

    @classmethod
    def example(cls) -> RetryFailed:
        return cls("push", "server_error")


class Retried(msgspec.Struct, frozen=True):
    """How many are tried again. One that has expired is not."""

    count: int

    @classmethod
    def example(cls) -> Retried:
        return cls(12)
