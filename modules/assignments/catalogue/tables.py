"""The tables of assignments, for lists in pages."""

from __future__ import annotations

from piccolo.columns import Text
from piccolo.table import Table


class AssignmentRow(Table, tablename="assignments_assignment"):
    """Only what lists filter and sort by."""

    id = Text(primary_key=True)
    program_id = Text()
    lesson_id = Text(null=True, default=None)
    state = Text()
