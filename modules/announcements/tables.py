"""The table of announcements."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Text, Timestamptz
from piccolo.table import Table


class AnnouncementRow(Table, tablename="announcement"):
    """An announcement, kept after it is over."""

    id = UUID(primary_key=True)
    audience = Text()
    title = Text()
    text = Text()
    status = Text()
    publish_at = Timestamptz()
    expires_at = Timestamptz()
    created_by = Text()
    created_at = Timestamptz()
    rev = BigInt()
