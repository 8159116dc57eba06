"""Tables as Parquet: types, empty cells, texts as they are, row groups of a fixed size, and what is missing."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import Conflict
from gateway.http.sheet_file import Row, SheetFiles
from modules.analytics.exports.parquet import GROUP, ColumnType, parquet

MOMENT = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
HEAD = ("what", "count", "ratio", "at", "complete")
TYPES: tuple[ColumnType, ...] = ("text", "whole", "number", "time", "truth")


async def batches(*some: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    for rows in some:
        yield rows


async def body_of(*some: Sequence[Row], most: int = 100_000) -> bytes:
    answer = await SheetFiles(most=most, at_once=1).answer("table", parquet(TYPES), HEAD, batches(*some), tuple)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="table.parquet"'
    return b"".join([piece async for piece in answer.iterator if isinstance(piece, bytes)])


def read(body: bytes) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(io.BytesIO(body))


async def test_columns_have_types_and_cells_may_be_empty() -> None:
    rows: list[Row] = [("=1+1", 7, 0.5, MOMENT, True), (None, None, None, None, None)]
    file = await asyncio.to_thread(read, await body_of(rows))
    table = file.read()
    assert [str(field.type) for field in table.schema] == ["string", "int64", "double", "timestamp[us, tz=UTC]", "bool"]
    assert [tuple(row.values()) for row in table.to_pylist()] == rows


async def test_the_same_rows_give_the_same_bytes_and_so_the_same_tag() -> None:
    rows: list[Row] = [("a", 1, 0.1, MOMENT, False)]
    assert await body_of(rows) == await body_of(rows) != await body_of([])
    assert (await asyncio.to_thread(read, await body_of())).metadata.num_rows == 0


async def test_many_rows_are_written_in_groups() -> None:
    batch: list[Row] = [(f"text {number}", number, 0.5, MOMENT, True) for number in range(GROUP // 4)]
    file = await asyncio.to_thread(read, await body_of(*[batch] * 10))
    groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    assert groups == [GROUP, GROUP, GROUP // 2]


async def test_without_pyarrow_the_code_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Conflict, match="pyarrow") as refused:
        await body_of([])
    assert (refused.value.code, refused.value.temporary) == ("analytics.no_parquet", False)
