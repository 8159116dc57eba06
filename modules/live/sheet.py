"""What a spreadsheet reads: CSV (RFC 4180) with every cell quoted and none of them a formula, moments in UTC."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from modules.live.report import Attendance

Cell = str | float | datetime | None

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
    """Attendance."""
    values = ({name: getattr(row, name, None) for name in COLUMNS} | {"minutes": _minutes(row)} for row in rows)
    return written(COLUMNS, (list(row.values()) for row in values))


def written(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def _minutes(row: Attendance) -> str:
    return f"{row.seconds / 60:.1f}"


def cell(value: Cell) -> str:
    """A cell's text. What a spreadsheet would take for a formula gets an apostrophe in front, which is not shown."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds")
        case str():
            # Also behind blanks, which are passed over by some; a tab or a line's end is a sign by itself.
            begins = value.lstrip()[:1]
            return f"'{value}" if begins in FORMULA or value[:1] in {"\t", "\r", "\n"} else value
        case _:
            return str(value)
