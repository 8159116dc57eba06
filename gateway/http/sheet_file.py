"""Long tables as files, CSV or XLSX: written in a thread, batch by batch, to a temporary file that is then sent.

Nothing is sent before all of it is written, so an error on the way is an answer of its own and no half file. The
temporary file has no name, so it goes with the answer, also when the client leaves. The ETag is a hash of the file.

A module adds a format with a `SheetKind` of its own.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO, Any, Final, Literal, Protocol, TypeVar

from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Schema
from litestar.response import Stream

from gateway.errors import invalid
from gateway.http.spreadsheet import BOM, CSV, Cell, SpreadsheetOperation, cell
from gateway.http.workbook import MOST_ROWS, XLSX, WorkbookSheet

SheetFormat = Literal["csv", "xlsx"]
PIECE: Final = 64 * 1024

Row = Sequence[Cell]
T = TypeVar("T")


class Sheet(Protocol):
    def write(self, rows: Iterable[Row]) -> None: ...

    def close(self) -> None: ...

    def discard(self) -> None: ...


class CsvSheet:
    """CSV as `spreadsheet.py` describes it."""

    def __init__(self, file: IO[bytes], head: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", newline="")
        self._text.write(BOM)
        self._rows = csv.writer(self._text, quoting=csv.QUOTE_ALL)
        # A head may have names that people gave.
        self._rows.writerow([cell(name) for name in head])

    def write(self, rows: Iterable[Row]) -> None:
        self._rows.writerows([cell(value) for value in row] for row in rows)

    def close(self) -> None:
        # The file stays open: it is read next.
        self._text.detach()

    def discard(self) -> None:
        # Else the garbage collector would write what is left, in the event loop.
        self._text.close()


@dataclass(frozen=True)
class SheetKind:
    """A format of files. `open` begins a sheet in a file, under a first row of names; it is called in a thread.

    `most` is how many rows such a file can have; None is any number.
    """

    suffix: str
    media_type: str
    open: Callable[[IO[bytes], Sequence[str]], Sheet]
    most: int | None = None


SHEETS: Final[dict[SheetFormat, SheetKind]] = {
    "csv": SheetKind("csv", CSV, CsvSheet),
    "xlsx": SheetKind("xlsx", XLSX, WorkbookSheet, MOST_ROWS),
}


@dataclass
class SheetOperation(SpreadsheetOperation):
    """An operation that also answers CSV and XLSX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        response: Any = (self.responses or {})["200"]
        response.content[XLSX] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))


class SheetFiles:
    """Writes files of at most `most` rows, a few at once."""

    def __init__(self, *, most: int, at_once: int) -> None:
        self._most = most
        self._writing = asyncio.Semaphore(at_once)

    async def answer(
        self,
        name: str,
        format: SheetFormat | SheetKind,
        head: Sequence[str],
        batches: AsyncIterator[Sequence[T]],
        row_of: Callable[[T], Row],
    ) -> Stream:
        """An answer that a browser saves as `<name>.<format>`. `row_of` is called in the thread that writes.

        `batches` is read when its turn has come, and then closed, so that it may hold a transaction meanwhile. Raises
        BadInput `invalid` for too many rows, and what `SheetKind.open` raises.
        """
        kind = format if isinstance(format, SheetKind) else SHEETS[format]
        async with self._writing:
            file = await self._written(kind, head, batches, row_of)
            tag = await asyncio.to_thread(_tag, file)
        headers = {"Content-Disposition": f'attachment; filename="{name}.{kind.suffix}"', "ETag": tag}
        return Stream(_pieces(file), media_type=kind.media_type, headers=headers)

    async def _written(
        self,
        kind: SheetKind,
        head: Sequence[str],
        batches: AsyncIterator[Sequence[T]],
        row_of: Callable[[T], Row],
    ) -> IO[bytes]:
        file, sheet = await asyncio.to_thread(_opened, kind, head)
        most = self._most if kind.most is None else min(self._most, kind.most)
        count = 0
        try:
            async for batch in batches:
                count += len(batch)
                if count > most:
                    raise invalid(f"this has more than {most} rows; ask for fewer")
                await asyncio.to_thread(sheet.write, map(row_of, batch))
            await asyncio.to_thread(sheet.close)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(sheet.discard))
            raise
        finally:
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()
        return file


def _opened(kind: SheetKind, head: Sequence[str]) -> tuple[IO[bytes], Sheet]:
    file: IO[bytes] = tempfile.TemporaryFile(prefix="ksmp-report-")  # noqa: SIM115
    try:
        return file, kind.open(file, head)
    except BaseException:
        file.close()
        raise


def _tag(file: IO[bytes]) -> str:
    """A weak ETag, since the same file may be sent compressed or not."""
    hashed = blake2b(digest_size=16)
    file.seek(0)
    while piece := file.read(PIECE):
        hashed.update(piece)
    return f'W/"{hashed.hexdigest()}"'


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        await asyncio.to_thread(file.seek, 0)
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()
