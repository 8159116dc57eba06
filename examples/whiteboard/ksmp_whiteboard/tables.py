"""The table of whiteboard."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table


class BoardRow(Table, tablename="whiteboard_board"):
    """The board of one session; `strokes` is JSON."""

    session_id = Text(primary_key=True)
    rev = BigInt()
    strokes = Text()
    wipes = BigInt()
