"""The table of suppressions, for its list."""

from __future__ import annotations

from piccolo.columns import UUID, Text, Timestamptz
from piccolo.table import Table


class SuppressionRow(Table, tablename="notify_suppression"):
    """An address that some mail does not go to."""

    id = UUID(primary_key=True)
    address = Text()
    scope = Text()
    reason = Text()
    user_id = Text()
    detail = Text()
    at = Timestamptz()
