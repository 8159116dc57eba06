"""The PDF of an invoice: what it shows in both languages, that data is never markup, and the same bytes each time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pypdfium2
import pytest

from gateway.localization.formats import Language
from modules.payments.invoices.document import document_of
from modules.payments.invoices.pdf import pdf_of
from modules.payments.invoices.snapshot import (
    InvoiceKind,
    InvoiceLine,
    InvoiceSnapshot,
    OriginalInvoice,
    Party,
)
from modules.payments.ledger.parts import Parts

MARKUP = '#strong[a] *b* _c_ $x^2$ `raw` <label> @ref // = "q" \\ #include "x" [z] ~ --'
HINDI = "श्री कृष्णमूर्ति द्विवेदी, प्राप्तकर्ता"
BASE = InvoiceSnapshot(
    kind=InvoiceKind.TAX_INVOICE,
    number="INV/2627/000001",
    issued_at=datetime(2026, 3, 31, 18, 30, tzinfo=UTC),
    seller=Party("KSMP Learning", "12, MG Road\nPune", "27AAPFU0939F1ZV", "27"),
    buyer=Party("Asha Rao", "4, Hill Road", "", "27"),
    student="Ravi Rao",
    place_of_supply="27",
    currency="INR",
    line=InvoiceLine("Algebra", "999293", 118_00, 0, 100_00),
    rate="18",
    parts=Parts(100_00, cgst=9_00, sgst=9_00),
    total=118_00,
    order_id="01a2130d-48bf-7174-b972-596a06fb2345",
    payment_id="pay_1",
)


def changed(**values: Any) -> InvoiceSnapshot:
    return msgspec.structs.replace(BASE, **values)


async def shown(snapshot: InvoiceSnapshot, language: Language = "en") -> str:
    """The text of the PDF as a browser copies it, in one line."""

    def read() -> str:
        document = pypdfium2.PdfDocument(pdf_of(snapshot, language))
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())

    return await asyncio.to_thread(read)


async def test_an_invoice_has_what_the_rules_ask_for() -> None:
    text = await shown(BASE)
    for part in (
        "Tax invoice",
        "INV/2627/000001",
        "1 April 2026",
        "KSMP Learning 12, MG Road Pune GSTIN: 27AAPFU0939F1ZV State: Maharashtra (27)",
        "Asha Rao 4, Hill Road",
        "Student Ravi Rao",
        "Place of supply Maharashtra (27)",
        "Algebra 999293 1 ₹118.00 ₹0.00 ₹100.00",
        "SAC Taxable value CGST Rate CGST SGST Rate SGST Tax 999293 ₹100.00 9% ₹9.00 9% ₹9.00 ₹18.00",
        "Total ₹118.00",
        "Rupees one hundred eighteen only",
        "Tax is not payable on reverse charge.",
        "Page 1 / 1",
    ):
        assert part in text, part


async def test_data_is_shown_and_never_read_as_markup() -> None:
    text = await shown(changed(buyer=Party(MARKUP, MARKUP), line=msgspec.structs.replace(BASE.line, title=MARKUP)))
    assert text.replace(" ", "").count(MARKUP.replace(" ", "")) == 3


async def test_hindi_is_copied_out_as_it_was_written() -> None:
    text = await shown(changed(buyer=Party(HINDI), line=msgspec.structs.replace(BASE.line, title=HINDI)), "hi")
    assert text.count(HINDI) == 2
    for part in ("कर बीजक", "1 अप्रैल 2026", "महाराष्ट्र (27)", "कर योग्य मूल्य", "कुल ₹118.00"):
        assert part in text, part
    # PDFium loses the blank after a vowel sign that takes no room; other readers do not.
    assert "रुपयेएकसौअठारहमात्र" in text.replace(" ", "")


@pytest.mark.parametrize("language", ["en", "hi"])
async def test_the_same_invoice_gives_the_same_bytes(language: Language) -> None:
    first, second = await asyncio.gather(*(asyncio.to_thread(pdf_of, BASE, language) for _ in range(2)))
    assert first == second
    assert first.startswith(b"%PDF-")


async def test_another_state_bears_igst_and_a_territory_utgst() -> None:
    igst = await shown(changed(place_of_supply="29", parts=Parts(100_00, igst=18_00)))
    assert "IGST Rate IGST Tax 999293 ₹100.00 18% ₹18.00 ₹18.00" in igst
    assert "CGST" not in igst
    territory = changed(place_of_supply="04", seller=Party("S", "", "04AAPFU0939F1Z3", "04"))
    assert "CGST Rate CGST UTGST Rate UTGST" in await shown(territory)


async def test_exports_say_how_they_are_taxed() -> None:
    abroad = {"place_of_supply": "96", "currency": "USD"}
    with_tax = await shown(changed(**abroad, parts=Parts(100_00, igst=18_00)))
    assert "on payment of integrated tax" in with_tax
    assert "$118.00" in with_tax
    assert "USD one hundred eighteen only" in with_tax
    without = await shown(changed(**abroad, parts=Parts(118_00), undertaking="AD270326000001X"))
    assert "without payment of integrated tax: AD270326000001X" in without


async def test_a_receipt_shows_no_tax() -> None:
    receipt = changed(
        kind=InvoiceKind.RECEIPT,
        seller=Party("KSMP Learning"),
        rate="0",
        parts=Parts(118_00),
        place_of_supply="",
        line=InvoiceLine("Algebra", "999293", 118_00, 0, 118_00),
    )
    text = await shown(receipt)
    assert text.startswith("Receipt")
    assert "The seller is not registered for GST" in text
    for absent in ("GSTIN:", "CGST", "IGST", "Place of supply"):
        assert absent not in text


async def test_a_credit_note_names_its_invoice() -> None:
    note = changed(
        kind=InvoiceKind.CREDIT_NOTE, number="CN/2627/000001", original=OriginalInvoice(BASE.number, BASE.issued_at)
    )
    text = await shown(note)
    assert "Credit note" in text
    assert "Against INV/2627/000001, 1 April 2026" in text


@pytest.mark.parametrize(("currency", "total"), [("JPY", "JP¥11,800"), ("KWD", "KWD 11.800")])
async def test_currencies_of_none_and_three_decimals(currency: str, total: str) -> None:
    text = await shown(changed(currency=currency, place_of_supply="96", parts=Parts(11_800), rate="0"))
    assert f"Total {total}" in text


@pytest.mark.parametrize(
    "name",
    ["நந்தினி", "రావు", "বসু", "ਸਿੰਘ", "પટેલ", "ಗೌಡ", "മേനോൻ", "ଦାସ", "نور", "क्षमा"],
    ids=["tamil", "telugu", "bengali", "gurmukhi", "gujarati", "kannada", "malayalam", "oriya", "arabic", "devanagari"],
)
def test_names_in_the_scripts_of_india_are_for_archives_too(name: str) -> None:
    """PDF/A refuses a character that no font has: such an invoice could not be made at all."""
    body = pdf_of(changed(buyer=Party(name), line=msgspec.structs.replace(BASE.line, title=name)), "en")
    assert b"pdfaid" in body


@pytest.mark.parametrize("text", ["Guitar 🎸", "数学", "\ue000\ufffd", "👩‍🏫 🇮🇳", "\u202eeman", "א", "\x7f", "\ufdd0"])
async def test_characters_that_the_fonts_lack_are_no_reason_for_no_invoice(text: str) -> None:
    shown_text = await shown(changed(buyer=Party(text), line=msgspec.structs.replace(BASE.line, title=text)))
    assert "INV/2627/000001" in shown_text


def test_long_texts_take_more_pages() -> None:
    title = "Algebra " * 2_000
    body = pdf_of(changed(line=msgspec.structs.replace(BASE.line, title=title)), "en")
    assert len(pypdfium2.PdfDocument(body)) > 1


def test_all_of_it_is_text() -> None:
    assert msgspec.json.encode(document_of(BASE, "en"))
