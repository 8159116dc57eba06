"""The table of notifications, for lists in pages."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table


class NotificationRow(Table, tablename="notify_notification"):
    """A notice for one user."""

    id = UUID(primary_key=True)
    notice_id = UUID()
    kind = Text()
    subject = Text()
    user_id = Text()
    in_app = Boolean()
    created_at = Timestamptz()
    seen_at = Timestamptz(null=True, default=None)
    read_at = Timestamptz(null=True, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)
    rev = BigInt()
