"""The table of chat that Piccolo reads, for the pages of reports."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Text, Timestamptz
from piccolo.table import Table


class ReportRow(Table, tablename="chat_report"):
    """A message that a user reported; one user reports a message once."""

    id = UUID(primary_key=True)
    room = Text()
    seq = BigInt()
    author_id = Text()
    text = Text()
    reason = Text()
    reporter_id = Text()
    status = Text()
    note = Text()
    resolved_by = Text(null=True)
    resolved_at = Timestamptz(null=True)
    created_at = Timestamptz()
    rev = BigInt()
