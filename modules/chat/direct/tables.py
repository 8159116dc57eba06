"""The tables of direct rooms that Piccolo reads, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table


class DirectRow(Table, tablename="chat_direct"):
    """A conversation; `pair` is null for a group."""

    id = Text(primary_key=True)
    pair = Text(null=True)
    title = Text()
    created_by = Text()
    created_at = Timestamptz()
    rev = BigInt()


class BlockRow(Table, tablename="chat_block"):
    """Whom a user has blocked, or had."""

    user_id = Text()
    blocked_id = Text(primary_key=True)
    blocked = Boolean()
    at = Timestamptz()
    rev = BigInt()
