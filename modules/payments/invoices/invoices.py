"""Who reads invoices, their PDFs, and who may have one sent again."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.errors import forbidden, not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.localization.formats import Language
from gateway.principal import Principal, Role
from modules.payments.events import InvoiceIssued
from modules.payments.invoices.issuing import issued
from modules.payments.invoices.messages import InvoiceView
from modules.payments.invoices.pdf import pdf_of
from modules.payments.invoices.repository import InvoiceRepository
from modules.payments.invoices.tables import InvoiceRow

NEWEST: Final = Sort("newest", (InvoiceRow.id,), descending=True)
LANGUAGES: Final[tuple[Language, ...]] = ("en", "hi")


class Invoices:
    """Invoices and credit notes, for the student, the payer and admins."""

    def __init__(self, kernel: Kernel, invoices: InvoiceRepository) -> None:
        self._kernel = kernel
        self._invoices = invoices

    @listener(InvoiceIssued, "payments.make_document", transactional=False)
    async def make_documents(self, event: InvoiceIssued, delivery: Delivery) -> None:
        """The PDFs are made after the number, so that no lock waits for them. A reader makes one that is missing."""
        for language in LANGUAGES:
            await self._document(event.invoice_id, language)

    async def listing(self, principal: Principal, span: Span) -> Page[InvoiceView]:
        """The caller's own, as student or payer, newest first."""
        own = (InvoiceRow.user_id == principal.id) | (InvoiceRow.buyer_id == principal.id)
        return await page_of(InvoiceRow.select().where(own), NEWEST, span, InvoiceView)

    async def read(self, principal: Principal, invoice_id: str) -> InvoiceView:
        """Raises BadInput `not_found`, and Refused `forbidden` to others than student, payer and admins."""
        invoice = await self._invoices.find(invoice_id)
        if principal.role is not Role.ADMIN and (
            invoice is None or principal.id not in {invoice.user_id, invoice.buyer_id}
        ):
            raise forbidden("only the student, the payer and admins may read an invoice")
        if invoice is None:
            raise not_found("there is no such invoice")
        return invoice

    async def pdf(self, principal: Principal, invoice_id: str, language: Language) -> tuple[InvoiceView, bytes]:
        """The invoice, and its PDF in a language: the same bytes each time."""
        invoice = await self.read(principal, invoice_id)
        return invoice, await self._document(invoice_id, language)

    async def resend(self, principal: Principal, invoice_id: str) -> None:
        """Tell of the invoice once more, for those who send it."""
        invoice = await self.read(principal, invoice_id)
        async with self._kernel.database.transaction():
            await self._kernel.events.publish(issued(invoice, resent=True))

    async def _document(self, invoice_id: str, language: Language) -> bytes:
        if (kept := await self._invoices.document(invoice_id, language)) is not None:
            return kept
        snapshot = await self._invoices.snapshot(invoice_id)
        body = await asyncio.to_thread(pdf_of, snapshot, language)
        await self._invoices.keep_document(invoice_id, language, body, clock.now())
        # Another version of Typst may have made it first, in a process that is being replaced.
        return await self._invoices.document(invoice_id, language) or body
