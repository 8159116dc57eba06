"""The formats of files, and the columns that they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Schema

from gateway.http.sheet_file import SHEETS, Row, SheetKind, SheetOperation
from gateway.http.spreadsheet import Cell
from modules.analytics.exports.parquet import PARQUET, ColumnType, parquet

FileFormat = Literal["csv", "xlsx", "parquet"]
T = TypeVar("T")


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column of a table: its name, its type, and its cell in the row of an item."""

    name: str
    type: ColumnType
    cell: Callable[[T], Cell]


@dataclass(frozen=True)
class Table(Generic[T]):
    """The columns of a file, the same in every format."""

    columns: Sequence[Column[T]]

    @property
    def head(self) -> list[str]:
        return [column.name for column in self.columns]

    def kind(self, format: FileFormat) -> SheetKind:
        return parquet([column.type for column in self.columns]) if format == "parquet" else SHEETS[format]

    def row(self, item: T) -> Row:
        return [column.cell(item) for column in self.columns]


@dataclass
class FileOperation(SheetOperation):
    """An operation that answers a file alone: CSV, XLSX or Parquet."""

    def __post_init__(self) -> None:
        super().__post_init__()
        response: Any = (self.responses or {})["200"]
        of_files = {kind.media_type for kind in SHEETS.values()}
        response.content = {type: media for type, media in response.content.items() if type in of_files}
        response.content[PARQUET] = OpenAPIMediaType(
            schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        )
