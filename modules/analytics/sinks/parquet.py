"""Events as Parquet, by pyarrow: an extra that may be absent, and takes half a second to import. All of it blocks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from io import BytesIO
from typing import Any, Final

from modules.analytics.facade import OutgoingEvent

COLUMNS: Final = ("id", "seq", "at", "name", "person", "program_id", "session_id", "label", "value", "client")


def written(events: Sequence[OutgoingEvent]) -> bytes:
    """A file of these events, with `at` in microseconds of UTC."""
    import pyarrow as pa  # noqa: PLC0415

    text, whole = pa.string(), pa.int64()
    kinds = (text, whole, pa.timestamp("us", "UTC"), text, text, text, text, text, whole, pa.bool_())
    columns: list[list[Any]] = [[getattr(event, name) for event in events] for name in COLUMNS]
    for index, name in enumerate(COLUMNS):
        if name in ("id", "person"):
            columns[index] = [None if value is None else str(value) for value in columns[index]]
    return _stored(pa.table(columns, schema=pa.schema(list(zip(COLUMNS, kinds, strict=True)))))


def without(content: bytes, people: Collection[str]) -> bytes:
    """The file without the events of these people; empty when nothing is left of it."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.read_table(BytesIO(content))
    theirs = pc.is_in(table["person"], value_set=pa.array(sorted(people), pa.string()))
    left = table.filter(pc.invert(theirs))
    return _stored(left) if left.num_rows else b""


def _stored(table: Any) -> bytes:
    import pyarrow.parquet as pq  # noqa: PLC0415

    file = BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
