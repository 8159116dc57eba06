"""The table of events that a sink refused, for lists in pages."""

from __future__ import annotations

from piccolo.columns import UUID, Text, Timestamptz
from piccolo.table import Table


class RefusedRow(Table, tablename="analytics_refused_event"):
    """An event that a sink refused for good."""

    sink = Text()
    event_id = UUID(primary_key=True)
    name = Text()
    reason = Text()
    refused_at = Timestamptz()
