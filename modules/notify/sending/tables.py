"""The table of deliveries, for lists in pages."""

from __future__ import annotations

from piccolo.columns import UUID, Integer, Text, Timestamptz
from piccolo.table import Table


class DeliveryRow(Table, tablename="notify_delivery"):
    """A notification on one channel."""

    id = UUID(primary_key=True)
    notification_id = UUID()
    notice_id = UUID()
    kind = Text()
    user_id = Text()
    channel = Text()
    state = Text()
    reason = Text()
    due_at = Timestamptz()
    attempts = Integer()
    vendor_id = Text()
