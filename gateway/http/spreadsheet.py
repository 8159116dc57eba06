"""CSV (RFC 4180) for spreadsheets, and the OpenAPI description of a route that also answers CSV.

Every cell is quoted, no cell is a formula, and times are in UTC. The text begins with a byte order mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from litestar import Response
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema

from gateway.unicode.invisible import INVISIBLE

CSV: Final = "text/csv"
# Tells Excel that the file is UTF-8. Without it Hindi, and everything else beyond ASCII, is garbled.
BOM: Final = "\ufeff"

Cell = str | float | Decimal | datetime | None
# A cell that begins with one of these is a formula to a spreadsheet, also in full width. Names may begin so.
FORMULA: Final = frozenset("=+-@＝＋－＠")


@dataclass
class SpreadsheetOperation(Operation):
    """An operation that also answers CSV."""

    sample: ClassVar[str] = ""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["200"]
        schema = Schema(type=OpenAPIType.STRING, description="The rows, with a first one of names.")
        response.content[CSV] = OpenAPIMediaType(schema=schema, example=self.sample)


def spreadsheet(name: str, text: str, headers: dict[str, str] | None = None) -> Response[Any]:
    """An answer that a browser saves as `<name>.csv`, and that spreadsheets read as UTF-8."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(BOM + text, media_type=CSV, headers={**(headers or {}), **disposition})


def written(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The rows as CSV, under a first row of names."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow([cell(name) for name in head])
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: Cell) -> str:
    """The text of a cell. A formula gets an apostrophe in front, which spreadsheets do not show."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds")
        case str():
            # Some spreadsheets skip blanks and what is not seen before a formula. For some, a tab or a line break alone
            # begins one.
            begins = INVISIBLE.sub("", value).lstrip()[:1]
            return f"'{value}" if begins in FORMULA or value[:1] in {"\t", "\r", "\n"} else value
        case _:
            return str(value)
