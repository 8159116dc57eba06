"""CSV (RFC 4180) for spreadsheets: every cell quoted and none of them a formula, moments in UTC; and how a route that
also answers CSV is described."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from litestar import Response
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema

CSV: Final = "text/csv"

Cell = str | float | datetime | None
# What makes a cell a formula, in any width; a name may begin so.
FORMULA: Final = frozenset("=+-@＝＋－＠")


@dataclass
class SpreadsheetOperation(Operation):
    """Which also answers CSV."""

    sample: ClassVar[str] = ""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["200"]
        schema = Schema(type=OpenAPIType.STRING, description="The rows, with a first one of names.")
        response.content[CSV] = OpenAPIMediaType(schema=schema, example=self.sample)


def spreadsheet(name: str, text: str, headers: dict[str, str] | None = None) -> Response[Any]:
    """The text as a file of this name."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, media_type=CSV, headers={**(headers or {}), **disposition})


def written(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


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
