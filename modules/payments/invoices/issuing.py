"""Issues invoices and credit notes: each once, with the next number of its series, in a short transaction.

A payment and a refund are announced by events. The listeners here number afterwards, in their own transactions, so a
checkout never waits for the lock of a series. The lock is taken last, and held for a few statements. When such a
transaction is rolled back, its number is too, and the next one gets it: there are no gaps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.identifier import new_id
from modules.accounts.facade import names_of
from modules.payments.events import InvoiceIssued, PaymentCaptured, PaymentRefunded
from modules.payments.invoices.messages import InvoiceView
from modules.payments.invoices.numbering import financial_year, number_of
from modules.payments.invoices.repository import InvoiceRepository, PaidOrder, Place
from modules.payments.invoices.snapshot import InvoiceKind, InvoiceLine, InvoiceSnapshot, OriginalInvoice, Party
from modules.payments.ledger.ledger import Ledger
from modules.payments.ledger.parts import refunded_parts
from modules.payments.ledger.states_of_india import ABROAD
from modules.payments.settings import SellerSettings

Draft = Callable[[str, datetime], InvoiceSnapshot]
Find = Callable[[], Awaitable[InvoiceView | None]]
ESCAPED_LINE: Final = "\\n"


class InvoiceIssuing:
    """One invoice for each order that was paid with money, one credit note for each refund of it."""

    def __init__(self, kernel: Kernel, settings: SellerSettings, invoices: InvoiceRepository, ledger: Ledger) -> None:
        self._kernel = kernel
        self._settings = settings
        self._invoices = invoices
        self._ledger = ledger

    @listener(PaymentCaptured, "payments.issue_invoice")
    async def captured(self, event: PaymentCaptured, delivery: Delivery) -> None:
        await self.invoice(event.order_id)

    @listener(PaymentRefunded, "payments.issue_credit_note")
    async def refunded(self, event: PaymentRefunded, delivery: Delivery) -> None:
        await self.credit_note(event.order_id, event.refund_id)

    async def invoice(self, order_id: str) -> InvoiceView | None:
        """The invoice of an order, issued now unless it was before. None for an order that is free, or not paid.

        Called inside a transaction.
        """
        if (found := await self._invoices.of_order(order_id)) is not None:
            return found
        order = await self._invoices.paid_order(order_id)
        if order is None or order.amount == 0:
            return None
        kind = self._kind(order)
        series = self._settings.receipt_series if kind is InvoiceKind.RECEIPT else self._settings.invoice_series
        buyer, student = await self._people(order)

        def draft(number: str, now: datetime) -> InvoiceSnapshot:
            return InvoiceSnapshot(
                kind=kind,
                number=number,
                issued_at=now,
                seller=self._seller(),
                buyer=buyer,
                student=student,
                place_of_supply=order.place_of_supply,
                currency=order.currency,
                line=InvoiceLine(order.title, self._settings.seller_sac, order.price, order.discount, order.taxable),
                rate=_text(order),
                parts=order.parts,
                total=order.amount,
                order_id=order.id,
                payment_id=order.paid_by,
                undertaking=self._settings.gst_undertaking,
            )

        return await self._issue(series, order, None, draft, lambda: self._invoices.of_order(order_id))

    async def credit_note(self, order_id: str, refund_id: str) -> InvoiceView | None:
        """The credit note of a refund, issued now unless it was before; its parts are those in the ledger.

        None for a refund of money that no invoice is about, such as a second payment of the order. A refund that failed
        after it was processed has its credit note: another refund in its place gets none, or one for the rest.
        """
        if (found := await self._invoices.of_refund(refund_id)) is not None:
            return found
        order = await self._invoices.paid_order(order_id)
        if order is None:
            return None
        done = await self._invoices.lock_credited(order_id, order.paid_by)
        # The refund may be told of before the payment.
        original = await self.invoice(order_id)
        if original is None or await self._invoices.payment_of_refund(refund_id) != order.paid_by:
            return None
        parts = await self._ledger.refund_parts(refund_id)
        if (left := done.refunded - done.credited) <= 0:
            return None
        if left < parts.total:
            parts = refunded_parts(order.parts, done.credited, left)
        before = await self._invoices.snapshot(original.id)

        def draft(number: str, now: datetime) -> InvoiceSnapshot:
            line = msgspec.structs.replace(before.line, price=parts.total, discount=0, taxable=parts.taxable)
            return msgspec.structs.replace(
                before,
                kind=InvoiceKind.CREDIT_NOTE,
                number=number,
                issued_at=now,
                line=line,
                parts=parts,
                total=parts.total,
                original=OriginalInvoice(before.number, before.issued_at),
            )

        series = self._settings.credit_note_series
        return await self._issue(series, order, refund_id, draft, lambda: self._invoices.of_refund(refund_id))

    async def _issue(
        self, series: str, order: PaidOrder, refund_id: str | None, draft: Draft, find: Find
    ) -> InvoiceView:
        place, now = await self._next_place(series)
        # Another transaction may have issued it while this one waited for the series.
        if (found := await find()) is not None:
            return found
        snapshot = draft(number_of(place.series, place.year, place.sequence), now)
        invoice = InvoiceView(
            id=new_id(),
            kind=snapshot.kind,
            number=snapshot.number,
            order_id=order.id,
            payment_id=order.paid_by,
            refund_id=refund_id,
            user_id=order.user_id,
            buyer_id=order.buyer_id,
            title=order.title,
            currency=order.currency,
            total=snapshot.total,
            taxable=snapshot.parts.taxable,
            cgst=snapshot.parts.cgst,
            sgst=snapshot.parts.sgst,
            igst=snapshot.parts.igst,
            place_of_supply=snapshot.place_of_supply,
            gstin=snapshot.buyer.gstin,
            issued_at=now,
        )
        await self._invoices.add(invoice, place, snapshot)
        await self._kernel.events.publish(issued(invoice))
        return invoice

    async def _next_place(self, series: str) -> tuple[Place, datetime]:
        """The next place of a series, locked, and the time, which rises with the number."""
        year = financial_year(clock.now())
        while True:
            last = await self._invoices.lock_series(series, year)
            now = clock.now()
            if (latest := financial_year(now)) == year:
                return Place(series, year, last + 1), now
            # The year ended while this transaction waited.
            year = latest

    async def _people(self, order: PaidOrder) -> tuple[Party, str]:
        """Who is billed, and the student's name."""
        names = await names_of(self._kernel.database, [order.user_id, order.buyer_id])
        name = order.billing_name or names.get(order.buyer_id) or names.get(order.user_id) or order.buyer_id
        buyer = Party(name, order.billing_address, order.gstin, order.place_of_supply)
        return buyer, names.get(order.user_id, order.user_id)

    def _seller(self) -> Party:
        address = self._settings.seller_address.replace(ESCAPED_LINE, "\n")
        return Party(self._settings.seller_name, address, self._settings.seller_gstin, self._settings.state)

    def _kind(self, order: PaidOrder) -> InvoiceKind:
        if not self._settings.seller_gstin and not order.parts.tax:
            return InvoiceKind.RECEIPT
        # An export without tax is a tax invoice all the same: it is zero-rated, not exempt.
        if not order.parts.tax and order.place_of_supply != ABROAD:
            return InvoiceKind.BILL_OF_SUPPLY
        return InvoiceKind.TAX_INVOICE


def issued(invoice: InvoiceView, *, resent: bool = False) -> InvoiceIssued:
    credit_note = invoice.kind is InvoiceKind.CREDIT_NOTE
    return InvoiceIssued(
        invoice.id, invoice.number, invoice.order_id, invoice.user_id, credit_note, invoice.buyer_id, resent
    )


def _text(order: PaidOrder) -> str:
    """The rate without zeros at its end."""
    return f"{order.tax_rate:f}".rstrip("0").rstrip(".") if order.tax_rate else "0"
