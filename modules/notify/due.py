"""Due: a delivery whose time has come, with all that its decision and its words need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from modules.notify.facade import Kind
from modules.notify.states import SkipReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """One delivery that a worker has claimed: its row, its notification and its notice as they are now.

    `data` is of the kind's struct, and one object for all deliveries of a notice in a batch. `attempt` counts from 1.
    With `unknown` an earlier try may have arrived. `taken_back` says why nobody is to hear of the notice any more.
    """

    id: str
    notification_id: str
    notice_id: str
    kind: Kind
    subject: str
    user_id: str
    channel: str
    data: msgspec.Struct
    # The moment of the notice, and when the notification was written.
    at: datetime
    created_at: datetime
    expires_at: datetime
    seen_at: datetime | None = None
    read_at: datetime | None = None
    attempt: int = 1
    unknown: bool = False
    taken_back: SkipReason | None = None
