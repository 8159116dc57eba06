"""Attendance as a spreadsheet reads it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from modules.live.report import Attendance

COLUMNS: Final = (
    "user_id",
    "name",
    "role",
    "first_at",
    "last_at",
    "minutes",
    "seconds",
    "visits",
    "late_seconds",
    "early_seconds",
    "late",
    "early",
    "present",
)
# What makes a cell a formula, in any width; a name may begin so.
FORMULA: Final = frozenset("=+-@＝＋－＠")


def sheet(rows: Iterable[Attendance]) -> str:
    """The rows as CSV (RFC 4180), every cell quoted, and none of them a formula."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in rows:
        values = {name: getattr(row, name, None) for name in COLUMNS} | {"minutes": f"{row.seconds / 60:.1f}"}
        writer.writerow([cell(value) for value in values.values()])
    return text.getvalue()


def cell(value: str | float | datetime | None) -> str:
    """A cell's text. What a spreadsheet would take for a formula gets an apostrophe in front, which is not shown."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(timespec="seconds")
        case str():
            # Also behind blanks, which are passed over by some; a tab or a line's end is a sign by itself.
            begins = value.lstrip()[:1]
            return f"'{value}" if begins in FORMULA or value[:1] in {"\t", "\r", "\n"} else value
        case _:
            return str(value)
