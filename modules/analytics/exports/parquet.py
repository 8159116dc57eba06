"""Tables as Parquet: with `sinks/parquet.py` the only file that imports pyarrow, an extra that may be absent.

Texts are as they are, since no program takes a cell of Parquet for a formula. The same rows give the same bytes.
Memory stays the same however many rows there are. All of it blocks, so it is called in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import IO, Any, Final, Literal

from gateway.http.sheet_file import Row, SheetKind
from modules.analytics import errors

PARQUET: Final = "application/vnd.apache.parquet"
# Rows of a row group. Fewer make a larger file, which readers skip less well.
GROUP: Final = 20_000

ColumnType = Literal["text", "whole", "number", "time", "truth"]


class ParquetSheet:
    """A table with a type for each column, in the order of `head`; cells may be None.

    Raises Conflict `analytics.no_parquet` where pyarrow is not installed.
    """

    def __init__(self, types: Sequence[ColumnType], file: IO[bytes], head: Sequence[str]) -> None:
        # Only here: it takes 165 MB on the disk and half a second, and most processes write no such file.
        try:
            import pyarrow as pa  # noqa: PLC0415
            import pyarrow.parquet as pq  # noqa: PLC0415
        except ImportError:
            raise errors.no_parquet() from None

        kinds = {
            "text": pa.string(),
            "whole": pa.int64(),
            "number": pa.float64(),
            "time": pa.timestamp("us", "UTC"),
            "truth": pa.bool_(),
        }
        self._schema = pa.schema([(name, kinds[type]) for name, type in zip(head, types, strict=True)])
        self._batch_of: Any = pa.record_batch
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._waiting: list[Row] = []

    def write(self, rows: Iterable[Row]) -> None:
        self._waiting.extend(rows)
        if len(self._waiting) >= GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def discard(self) -> None:
        self._waiting.clear()
        self._writer.close()

    def _flush(self) -> None:
        if not self._waiting:
            return
        columns = [list(column) for column in zip(*self._waiting, strict=True)]
        self._waiting.clear()
        self._writer.write_batch(self._batch_of(columns, schema=self._schema))


def parquet(types: Sequence[ColumnType]) -> SheetKind:
    """Parquet for a table whose columns have these types."""
    return SheetKind("parquet", PARQUET, partial(ParquetSheet, types))
