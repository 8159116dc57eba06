"""The table of deletions, for lists in pages."""

from __future__ import annotations

from piccolo.columns import UUID, Integer, Text, Timestamptz
from piccolo.table import Table


class DeletionRow(Table, tablename="analytics_deletion"):
    """What is to be deleted at one place."""

    id = UUID(primary_key=True)
    place = Text()
    pseudonym = UUID()
    reason = Text()
    state = Text()
    task = Text()
    attempts = Integer()
    fault = Text()
    due_at = Timestamptz()
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True)
