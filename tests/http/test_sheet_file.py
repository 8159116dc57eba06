"""Tables as files: the same cells in CSV and XLSX, no formulas, no half files, and the event loop goes on."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from gateway.errors import BadInput
from gateway.http.sheet_file import SHEETS, Row, SheetFiles, SheetFormat, SheetKind
from gateway.http.spreadsheet import BOM

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "\t=1", "http://example.com", "12", "आशा")
MOMENT = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)


async def batches(*some: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    for rows in some:
        yield rows


async def body_of(format: SheetFormat, *some: Sequence[Row], files: SheetFiles | None = None) -> bytes:
    writer = files or SheetFiles(most=100_000, at_once=1)
    answer = await writer.answer("table", format, ("a", "b", "c", "d", "e"), batches(*some), tuple)
    return b"".join([piece async for piece in answer.iterator if isinstance(piece, bytes)])


def sheet_of(body: bytes) -> list[tuple[Any, ...]]:
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    return [tuple(row) for row in sheet.iter_rows()]


async def test_texts_are_never_formulas_links_or_numbers_in_a_workbook() -> None:
    body = await body_of("xlsx", [(text, None, True, 7, Decimal("1.50")) for text in FORMULAS])
    rows = await asyncio.to_thread(sheet_of, body)
    assert [cell.value for cell in rows[0]] == ["a", "b", "c", "d", "e"]
    assert [(row[0].value, row[0].data_type, row[0].hyperlink) for row in rows[1:]] == [
        (text, "s", None) for text in FORMULAS
    ]
    assert [cell.value for cell in rows[1][1:]] == [None, "yes", 7, 1.5]
    assert rows[1][4].number_format == "#,##0.00"


async def test_times_and_currencies_without_and_with_three_digits_in_a_workbook() -> None:
    row = (MOMENT, Decimal("1234"), Decimal("1.234"), Decimal("-5.00"), "")
    (_, cells) = await asyncio.to_thread(sheet_of, await body_of("xlsx", [row]))
    assert [cell.value for cell in cells[:4]] == [datetime(2026, 4, 1, 6, 30), 1234, 1.234, -5]
    assert [cell.number_format for cell in cells[1:4]] == ["#,##0", "#,##0.000", "#,##0.00"]


async def test_csv_is_as_spreadsheets_read_it() -> None:
    body = await body_of("csv", [("=1+1", "आशा", Decimal("-5.00"), MOMENT, None)], [("b", 1, 2, 3, False)])
    text = body.decode()
    assert text.startswith(BOM)
    assert list(csv.reader(io.StringIO(text[1:]))) == [
        ["a", "b", "c", "d", "e"],
        ["'=1+1", "आशा", "-5.00", "2026-04-01T06:30:00+00:00", ""],
        ["b", "1", "2", "3", "no"],
    ]


async def test_a_head_is_no_formula_either() -> None:
    files = SheetFiles(most=10, at_once=1)

    async def head_of(format: SheetFormat) -> bytes:
        answer = await files.answer("table", format, FORMULAS, batches([]), tuple)
        return b"".join([piece async for piece in answer.iterator if isinstance(piece, bytes)])

    (head,) = csv.reader(io.StringIO((await head_of("csv")).decode()[1:]))
    assert head == [f"'{text}" if number < 6 else text for number, text in enumerate(FORMULAS)]
    ((*cells,),) = await asyncio.to_thread(sheet_of, await head_of("xlsx"))
    assert [(cell.value, cell.data_type) for cell in cells] == [(text, "s") for text in FORMULAS]


@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_too_many_rows_are_refused_and_others_get_their_turn(format: SheetFormat) -> None:
    files = SheetFiles(most=3, at_once=1)
    rows = [("x", 1, 2, 3, 4)] * 2
    with pytest.raises(BadInput, match="more than 3 rows"):
        await body_of(format, rows, rows, files=files)
    assert await body_of(format, rows, files=files)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_an_error_on_the_way_is_not_half_a_file(format: SheetFormat) -> None:
    async def failing() -> AsyncIterator[Sequence[Row]]:
        yield [("x",)]
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        await SheetFiles(most=10, at_once=1).answer("table", format, ("a",), failing(), tuple)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_rows_are_written_in_another_thread(format: SheetFormat) -> None:
    threads = set()

    def row_of(item: int) -> Row:
        threads.add(threading.get_ident())
        return (item,)

    async def numbers() -> AsyncIterator[Sequence[int]]:
        yield [1, 2, 3]

    await SheetFiles(most=10, at_once=1).answer("table", format, ("a",), numbers(), row_of)
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_fifty_thousand_rows_do_not_hold_the_event_loop(format: SheetFormat) -> None:
    """Counts the work of the loop's thread, not its waits: on a busy machine it waits for a turn."""
    batch = [(f"text {number}", number, Decimal("12.50"), MOMENT, None) for number in range(500)]
    by_loop, by_all = time.thread_time(), time.process_time()
    body = await body_of(format, *[batch] * 100)
    by_loop, by_all = time.thread_time() - by_loop, time.process_time() - by_all
    assert len(body) > 500_000
    # It is less than a tenth, and would be more than nine tenths if the rows were written in the loop.
    assert by_loop < by_all / 3, f"{by_loop:.3f} of {by_all:.3f} s"


@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_the_tag_is_a_hash_of_the_file(format: SheetFormat) -> None:
    files = SheetFiles(most=10, at_once=1)

    async def tag_of(text: str) -> str:
        answer = await files.answer("table", format, ("a",), batches([(text,)]), tuple)
        return str(answer.headers["ETag"])

    assert await tag_of("x") == await tag_of("x") != await tag_of("y")


async def test_a_format_of_a_module_has_a_limit_of_its_own() -> None:
    csv_of_two = SHEETS["csv"]
    small = SheetKind("few", "text/x-few", csv_of_two.open, most=2)
    files = SheetFiles(most=10, at_once=1)
    answer = await files.answer("table", small, ("a",), batches([("x",), ("y",)]), tuple)
    assert (answer.media_type, answer.headers["Content-Disposition"]) == (
        "text/x-few",
        'attachment; filename="table.few"',
    )
    with pytest.raises(BadInput, match="more than 2 rows"):
        await files.answer("table", small, ("a",), batches([("x",), ("y",), ("z",)]), tuple)


async def test_what_rows_come_from_is_closed_before_the_answer() -> None:
    """It may hold a transaction: the garbage collector would end it in another task, some time."""
    closed = []

    async def held() -> AsyncIterator[Sequence[Row]]:
        try:
            while True:
                yield [("x",)]
        finally:
            closed.append(True)

    with pytest.raises(BadInput, match="more than 3 rows"):
        await SheetFiles(most=3, at_once=1).answer("table", "csv", ("a",), held(), tuple)
    assert closed == [True]
