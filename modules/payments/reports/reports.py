"""Reports for admins: pages of rows, and all of them in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec
from litestar.response import Stream

from gateway.http.listing import Page, Sort, Span
from gateway.http.sheet_file import Row, SheetFiles, SheetFormat
from gateway.http.spreadsheet import Cell
from gateway.localization.currencies import major
from modules.payments.invoices.messages import InvoiceView
from modules.payments.invoices.numbering import INDIA
from modules.payments.ledger.ledger import BEGINNING, Ledger
from modules.payments.ledger.repository import Balance
from modules.payments.reports.messages import GstLine, GstSummary, LedgerLine, SettlementLine, TrialBalance
from modules.payments.reports.repository import (
    BY_ENTRY,
    BY_INVOICE,
    BY_SETTLEMENT,
    Filter,
    Key,
    ReportRepository,
)
from modules.payments.settings import SellerSettings

# Rows that one query reads for a file.
BATCH: Final = 2000
END: Final = datetime(9999, 12, 31, tzinfo=UTC)

T = TypeVar("T", bound=msgspec.Struct)
Read = Callable[[Filter, Key | None, int], Awaitable[list[T]]]


class Listing(Generic[T]):
    """A report that is a list: its rows, their order, and which of their fields are amounts."""

    def __init__(self, kind: type[T], sort: Sort, read: Read[T], amounts: Sequence[str]) -> None:
        self.head = kind.__struct_fields__
        self._sort = sort
        self._read = read
        self._amounts = frozenset(amounts)

    async def page(self, wanted: Filter, span: Span) -> Page[T]:
        after = None if span.cursor is None else self._sort.key(span.cursor)
        rows = await self._read(wanted, after, span.limit + 1)
        items = rows[: span.limit]
        more = len(rows) > span.limit
        return Page(items, self._sort.cursor(msgspec.structs.asdict(items[-1])) if more else None)

    async def batches(self, wanted: Filter) -> AsyncIterator[Sequence[T]]:
        after: Key | None = None
        while rows := await self._read(wanted, after, BATCH):
            yield rows
            after = [getattr(rows[-1], column._meta.name) for column in self._sort.columns]
            if len(rows) < BATCH:
                return

    def row_of(self, item: T) -> Row:
        return cells(item, self._amounts)


class Reports:
    """What admins and their accountants read. Files hold at most `report_rows` rows."""

    def __init__(self, settings: SellerSettings, rows: ReportRepository, ledger: Ledger) -> None:
        self._rows = rows
        self._ledger = ledger
        self._files = SheetFiles(most=settings.report_rows, at_once=settings.reports_at_once)
        self.ledger = Listing(LedgerLine, BY_ENTRY, rows.ledger, ("amount",))
        self.settlements = Listing(SettlementLine, BY_SETTLEMENT, rows.settlements, ("amount",))
        self.invoices = Listing(InvoiceView, BY_INVOICE, rows.invoices, ("total", "taxable", "cgst", "sgst", "igst"))

    async def trial_balance(self, wanted: Filter) -> TrialBalance:
        accounts = await self._ledger.balances(wanted.since, wanted.until)
        return TrialBalance(accounts, await self._ledger.imbalance())

    async def gst(self, month: str) -> GstSummary:
        return GstSummary(month, await self._rows.gst(month_of(month)))

    async def listing_file(self, name: str, format: SheetFormat, listing: Listing[Any], wanted: Filter) -> Stream:
        """Raises BadInput `invalid` for too many rows."""
        return await self._files.answer(name, format, listing.head, listing.batches(wanted), listing.row_of)

    async def balance_file(self, name: str, format: SheetFormat, wanted: Filter) -> Stream:
        found = await self._ledger.balances(wanted.since, wanted.until)
        amounts = frozenset(("opening", "debits", "credits", "closing"))
        return await self._small_file(name, format, found, Balance, amounts)

    async def gst_file(self, name: str, format: SheetFormat, month: str) -> Stream:
        found = await self._rows.gst(month_of(month))
        amounts = frozenset(("taxable", "cgst", "sgst", "igst", "total"))
        return await self._small_file(name, format, found, GstLine, amounts)

    async def _small_file(
        self, name: str, format: SheetFormat, rows: Sequence[T], kind: type[T], amounts: frozenset[str]
    ) -> Stream:
        def row_of(item: T) -> Row:
            return cells(item, amounts)

        return await self._files.answer(name, format, kind.__struct_fields__, _once(rows), row_of)


def between(since: datetime | None, until: datetime | None, account: str = "", order_id: str = "") -> Filter:
    """Times without a limit reach from the beginning to the end."""
    return Filter(since or BEGINNING, until or END, account, order_id)


def month_of(month: str) -> Filter:
    """A month in India, such as `2026-04`, of the years 1000 to 9999."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=INDIA)
    if first.year == END.year and first.month == 12:
        return Filter(first, END)
    return Filter(first, first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1))


def cells(row: msgspec.Struct, amounts: frozenset[str]) -> list[Cell]:
    """The fields of a row for a spreadsheet: amounts in major units of the row's currency."""
    values: list[Cell] = []
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if name in amounts:
            values.append(major(value, getattr(row, "currency")))  # noqa: B009
        else:
            values.append(str(value) if isinstance(value, str) else value)
    return values


async def _once(rows: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    yield rows
