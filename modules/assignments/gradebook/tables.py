"""A table for the order of the grade book's pages."""

from __future__ import annotations

from piccolo.columns import Text
from piccolo.table import Table


class StudentRow(Table, tablename="assignments_submission"):
    """Only what the book is sorted by."""

    user_id = Text()
