"""The rows of invoices: every statement, and what it gives. An invoice is added, and never changed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.localization.formats import Language
from modules.payments.invoices.messages import InvoiceView
from modules.payments.invoices.snapshot import InvoiceSnapshot
from modules.payments.ledger.parts import Parts

COLUMNS: Final = ", ".join(InvoiceView.__struct_fields__)
PAID_ORDER: Final = """
    SELECT id, user_id, buyer_id, title, currency, price, discount, amount, taxable, cgst, sgst, igst, tax_rate,
        place_of_supply, billing_name, billing_address, gstin, paid_by
    FROM payments_order WHERE id = $1 AND paid_by IS NOT NULL
"""
REFUNDED_PAYMENT: Final = "SELECT payment_id FROM payments_refund WHERE id = $1"
LOCK_ORDER: Final = "SELECT FROM payments_order WHERE id = $1 FOR NO KEY UPDATE"
# What went back, and what credit notes say of that: more, after a refund that failed once it was processed.
CREDITED: Final = """
    SELECT (SELECT coalesce(sum(amount), 0) FROM payments_refund
            WHERE payment_id = $2 AND state = 'processed')::bigint AS refunded,
        (SELECT coalesce(sum(total), 0) FROM payments_invoice
            WHERE order_id = $1 AND refund_id IS NOT NULL)::bigint AS credited
"""
OF_ORDER: Final = f"SELECT {COLUMNS} FROM payments_invoice WHERE order_id = $1 AND refund_id IS NULL"  # noqa: S608
OF_REFUND: Final = f"SELECT {COLUMNS} FROM payments_invoice WHERE refund_id = $1"  # noqa: S608
BY_ID: Final = f"SELECT {COLUMNS} FROM payments_invoice WHERE id = $1"  # noqa: S608
SNAPSHOT: Final = "SELECT snapshot::text AS snapshot FROM payments_invoice WHERE id = $1"
NEW_SERIES: Final = "INSERT INTO payments_invoice_series (series, year) VALUES ($1, $2) ON CONFLICT DO NOTHING"
LOCK_SERIES: Final = "SELECT last FROM payments_invoice_series WHERE series = $1 AND year = $2 FOR UPDATE"
ADVANCE: Final = "UPDATE payments_invoice_series SET last = $3 WHERE series = $1 AND year = $2"
ADD: Final = """
    INSERT INTO payments_invoice (id, kind, number, series, year, sequence, order_id, payment_id, refund_id, user_id,
        buyer_id, title, currency, total, taxable, cgst, sgst, igst, tax_rate, place_of_supply, gstin, issued_at,
        snapshot)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
"""
DOCUMENT: Final = "SELECT body FROM payments_invoice_document WHERE invoice_id = $1 AND language = $2"
KEEP_DOCUMENT: Final = """
    INSERT INTO payments_invoice_document (invoice_id, language, body, size, made_at)
    VALUES ($1, $2, $3, octet_length($3::bytea), $4) ON CONFLICT DO NOTHING
"""


class PaidOrder(msgspec.Struct, frozen=True):
    """What an invoice takes from an order that is paid."""

    id: str
    user_id: str
    buyer_id: str
    title: str
    currency: str
    price: int
    discount: int
    amount: int
    taxable: int
    cgst: int
    sgst: int
    igst: int
    tax_rate: Decimal
    place_of_supply: str
    billing_name: str
    billing_address: str
    gstin: str
    paid_by: str

    @property
    def parts(self) -> Parts:
        return Parts(self.taxable, self.cgst, self.sgst, self.igst)


class Credited(msgspec.Struct, frozen=True):
    """How much of an order was refunded, and for how much of it there are credit notes."""

    refunded: int
    credited: int


class Place(msgspec.Struct, frozen=True):
    """The place of an invoice in its series."""

    series: str
    year: str
    sequence: int


class InvoiceRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_credited(self, order_id: str, payment_id: str) -> Credited:
        """Until the transaction ends no other credit note of the order is issued. Taken before a series."""
        await self._database.fetch(LOCK_ORDER, order_id)
        return msgspec.convert(dict((await self._database.fetch(CREDITED, order_id, payment_id))[0]), Credited)

    async def paid_order(self, order_id: str) -> PaidOrder | None:
        for row in await self._database.fetch(PAID_ORDER, order_id):
            return msgspec.convert(dict(row), PaidOrder)
        return None

    async def payment_of_refund(self, refund_id: str) -> str | None:
        for row in await self._database.fetch(REFUNDED_PAYMENT, refund_id):
            return str(row["payment_id"])
        return None

    async def of_order(self, order_id: str) -> InvoiceView | None:
        return await self._one(OF_ORDER, order_id)

    async def of_refund(self, refund_id: str) -> InvoiceView | None:
        return await self._one(OF_REFUND, refund_id)

    async def find(self, invoice_id: str) -> InvoiceView | None:
        return await self._one(BY_ID, invoice_id)

    async def snapshot(self, invoice_id: str) -> InvoiceSnapshot:
        rows = await self._database.fetch(SNAPSHOT, invoice_id)
        return msgspec.json.decode(rows[0]["snapshot"], type=InvoiceSnapshot)

    async def lock_series(self, series: str, year: str) -> int:
        """The last number of a series. Nobody else numbers in it until the transaction ends."""
        await self._database.fetch(NEW_SERIES, series, year)
        return int((await self._database.fetch(LOCK_SERIES, series, year))[0]["last"])

    async def add(self, invoice: InvoiceView, place: Place, snapshot: InvoiceSnapshot) -> None:
        """Add an invoice with the next number of its series, which is locked."""
        await self._database.fetch(ADVANCE, place.series, place.year, place.sequence)
        values = [
            *(invoice.id, invoice.kind, invoice.number, place.series, place.year, place.sequence),
            *(invoice.order_id, invoice.payment_id, invoice.refund_id, invoice.user_id, invoice.buyer_id),
            *(invoice.title, invoice.currency, invoice.total, invoice.taxable, invoice.cgst, invoice.sgst),
            *(invoice.igst, Decimal(snapshot.rate), invoice.place_of_supply, invoice.gstin, invoice.issued_at),
            msgspec.json.encode(snapshot).decode(),
        ]
        await self._database.fetch(ADD, *values)

    async def document(self, invoice_id: str, language: Language) -> bytes | None:
        """The PDF of an invoice, if it was made."""
        for row in await self._database.fetch(DOCUMENT, invoice_id, language):
            return bytes(row["body"])
        return None

    async def keep_document(self, invoice_id: str, language: Language, body: bytes, at: datetime) -> None:
        """Keep a PDF; the first one stays."""
        await self._database.fetch(KEEP_DOCUMENT, invoice_id, language, body, at)

    async def _one(self, statement: str, *arguments: Any) -> InvoiceView | None:
        for row in await self._database.fetch(statement, *arguments):
            return msgspec.convert(dict(row), InvoiceView)
        return None
