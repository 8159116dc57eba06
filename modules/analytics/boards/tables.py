"""The table of boards."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Array, BigInt, Text, Timestamptz
from piccolo.table import Table


class BoardRow(Table, tablename="analytics_board"):
    """A board: its widgets, as JSON, and with whom it is shared."""

    id = UUID(primary_key=True)
    owner_id = Text()
    title = Text()
    widgets = JSONB()
    roles = Array(base_column=Text())
    programs = Array(base_column=Text())
    users = Array(base_column=Text())
    created_at = Timestamptz()
    changed_at = Timestamptz()
    rev = BigInt()
