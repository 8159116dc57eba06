"""The grade book as a table for spreadsheets: the numbers of the page, a column an assignment."""

from __future__ import annotations

from gateway.http.sheet_file import Row
from gateway.http.spreadsheet import Cell
from modules.assignments.gradebook.book import ScoreState
from modules.assignments.gradebook.book_reader import BookHead
from modules.assignments.gradebook.messages import BookRow, MarkView


def head_of(head: BookHead) -> list[str]:
    """`user_id`, `name`, each assignment with its points, each category in percent, the total in percent."""
    assignments = [f"{one.title} ({one.points})" for one in head.columns]
    categories = [f"{one.name} (%)" for one in head.categories]
    return ["user_id", "name", *assignments, *categories, "total (%)"]


def row_of(head: BookHead, row: BookRow) -> Row:
    marks = [_cell(row.marks.get(one.id)) for one in head.columns]
    return [row.user_id, row.name, *marks, *(one.percent for one in row.total.categories), row.total.percent]


def _cell(mark: MarkView | None) -> Cell:
    if mark is None:
        return None
    # Missing work counts as 0, and says that it is missing.
    return "missing" if mark.state is ScoreState.MISSING else mark.score
