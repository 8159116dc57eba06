"""The table of campaigns, for lists in pages."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table


class CampaignRow(Table, tablename="notify_campaign"):
    """A message that an admin sends."""

    id = UUID(primary_key=True)
    title = Text()
    body = Text()
    link = Text()
    urgent = Boolean()
    audience = Text()
    state = Text()
    at = Timestamptz()
    created_by = Text()
    created_at = Timestamptz()
    ended_at = Timestamptz(null=True)
    notice_id = UUID()
    counted_next_at = Timestamptz()
    rev = BigInt()
