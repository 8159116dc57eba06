"""What admins get of suppressions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

Reason = Literal["bounced", "complained"]


class Suppression(msgspec.Struct, frozen=True):
    """An address that some mail does not go to. An empty `scope` is all mail; else it is a category or a kind."""

    id: UUID
    address: str
    scope: str
    reason: Reason
    user_id: str
    detail: str
    at: datetime

    @classmethod
    def example(cls) -> Suppression:
        id = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
        at = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
        return cls(id, "asha@example.org", "", "bounced", "c1f7…", "Permanent General 5.1.1", at)
