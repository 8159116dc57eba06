"""Attendance as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.http.spreadsheet import written
from modules.live.attendance.report import Attendance

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


def csv_of(rows: Iterable[Attendance]) -> str:
    """A heading and the rows. No cell is a formula."""
    values = ({name: getattr(row, name, None) for name in COLUMNS} | {"minutes": _minutes(row)} for row in rows)
    return written(COLUMNS, (list(row.values()) for row in values))


def _minutes(row: Attendance) -> str:
    return f"{row.seconds / 60:.1f}"
