"""Writes the PDF of an invoice by Typst: the only file that imports it. It blocks, so it is called in a thread.

All that comes from data reaches the template as JSON, as texts: Typst shows them and never reads them as markup. The
same document gives the same bytes. The fonts are those of `fonts/`; the machine's are not looked at.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
import typst

from modules.payments.invoices.document import document_of
from modules.payments.invoices.snapshot import InvoiceSnapshot
from modules.payments.localization import Language

FOLDER: Final = Path(__file__).parent
# For archives, with tags for screen readers.
ARCHIVED: Final[Literal["a-2a"]] = "a-2a"
# PDF/A takes no character that the fonts lack, such as an emoji. Here it is a box, and copies out right.
PLAIN: Final[Literal["1.7"]] = "1.7"


def pdf_of(invoice: InvoiceSnapshot, language: Language) -> bytes:
    """The PDF of an invoice."""
    document = document_of(invoice, language)
    return rendered(msgspec.json.encode(document).decode(), invoice.issued_at)


def rendered(document: str, at: datetime) -> bytes:
    """The PDF of a document, as JSON of `InvoiceDocument`; `at` is the date that the file carries."""
    try:
        return _compiled(document, at, ARCHIVED)
    except typst.TypstError:
        return _compiled(document, at, PLAIN)


def _compiled(document: str, at: datetime, standard: Literal["a-2a", "1.7"]) -> bytes:
    made = typst.compile(
        _template(),
        font_paths=_fonts(),
        format="pdf",
        sys_inputs={"document": document},
        timestamp=int(at.timestamp()),
        pdf_standards=standard,
    )
    assert isinstance(made, bytes)
    return made


@cache
def _template() -> bytes:
    return (FOLDER / "invoice.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER / "fonts")])
