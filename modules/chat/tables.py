"""The tables of chat that Piccolo reads, for pages."""

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


class MessageRow(Table, tablename="chat_message"):
    """A message of the index, as far as its threads are read."""

    seq = BigInt(primary_key=True)
    version = BigInt()
    room = Text()
    thread = BigInt(null=True)


class ThreadRow(Table, tablename="chat_thread"):
    """A thread of a room, counted."""

    room = Text()
    # With the room: Piccolo knows no key of two columns.
    seq = BigInt(primary_key=True)
    replies = BigInt()
    last_at = Timestamptz(null=True)
    rev = BigInt()
