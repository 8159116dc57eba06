"""A workbook of one sheet (XLSX), written row by row: the only file that imports xlsxwriter.

No text is a formula, a link or a number: all of them are written as texts. Memory stays the same however many rows
there are, because rows go to a temporary file. All of it blocks, so it is called in a thread.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any, Final

from gateway.http.spreadsheet import Cell

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel reads no more rows in a sheet, and no longer text in a cell.
MOST_ROWS: Final = 1_048_575
MOST_CHARACTERS: Final = 32_767
TIME: Final = "yyyy-mm-dd hh:mm:ss"


class WorkbookSheet:
    """A sheet under a first row of names. `close` writes the workbook; `discard` leaves nothing behind."""

    def __init__(self, file: IO[bytes], head: Sequence[str]) -> None:
        # Only here: it takes a quarter of a second, and most processes write no workbook.
        import xlsxwriter  # noqa: PLC0415

        self._folder = tempfile.TemporaryDirectory(prefix="ksmp-report-")
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": self._folder.name,
        }
        self._book = xlsxwriter.Workbook(file, options)
        # The same rows give the same bytes: the date of creation is fixed.
        self._book.set_properties({"created": datetime(2000, 1, 1)})
        self._sheet = self._book.add_worksheet()
        self._formats: dict[str, Any] = {}
        self._row = 0
        bold = self._book.add_format({"bold": True})
        for column, name in enumerate(head):
            self._sheet.write_string(0, column, name, bold)
        self._sheet.freeze_panes(1, 0)

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            self._row += 1
            for column, value in enumerate(row):
                self._cell(column, value)

    def close(self) -> None:
        try:
            self._book.close()
        finally:
            self._folder.cleanup()

    def discard(self) -> None:
        self._folder.cleanup()

    def _cell(self, column: int, value: Cell) -> None:
        match value:
            case None:
                pass
            case bool():
                self._sheet.write_string(self._row, column, "yes" if value else "no")
            case datetime():
                # Excel knows no zones.
                moment = value.astimezone(UTC).replace(tzinfo=None)
                self._sheet.write_datetime(self._row, column, moment, self._format(TIME))
            case Decimal():
                digits = max(0, -int(value.as_tuple().exponent))
                pattern = "#,##0" + ("." + "0" * digits if digits else "")
                self._sheet.write_number(self._row, column, float(value), self._format(pattern))
            case int() | float():
                self._sheet.write_number(self._row, column, value)
            case str():
                self._sheet.write_string(self._row, column, value[:MOST_CHARACTERS])

    def _format(self, pattern: str) -> Any:
        if pattern not in self._formats:
            self._formats[pattern] = self._book.add_format({"num_format": pattern})
        return self._formats[pattern]
