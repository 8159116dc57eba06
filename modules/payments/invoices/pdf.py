"""The PDF of an invoice. It blocks, so it is called in a thread."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway.documents.typst_renderer import rendered_pdf
from gateway.localization.formats import Language
from modules.payments.invoices.document import document_of
from modules.payments.invoices.snapshot import InvoiceSnapshot

TEMPLATE: Final = Path(__file__).parent / "invoice.typ"


def pdf_of(invoice: InvoiceSnapshot, language: Language) -> bytes:
    """The same bytes each time."""
    return rendered_pdf(TEMPLATE, document_of(invoice, language), invoice.issued_at)
