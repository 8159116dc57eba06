"""What the PDF of an invoice shows, line by line: a snapshot in the words and numbers of a language. Pure texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from gateway.localization.formats import Language, day, money, percent
from modules.payments.invoices.labels import LABELS, TITLES
from modules.payments.invoices.numbering import INDIA
from modules.payments.invoices.snapshot import InvoiceKind, InvoiceSnapshot, Party
from modules.payments.invoices.words import in_words
from modules.payments.ledger.states_of_india import ABROAD, STATES

Pair = tuple[str, str]
UNTAXED: Final = frozenset({InvoiceKind.RECEIPT, InvoiceKind.BILL_OF_SUPPLY})


class Block(msgspec.Struct, frozen=True):
    """A party: its heading, name, and lines below."""

    heading: str
    name: str
    lines: tuple[str, ...]


class Table(msgspec.Struct, frozen=True):
    """A table with its heading, above it; empty for none. Columns from `texts` on hold numbers."""

    heading: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int


class InvoiceDocument(msgspec.Struct, frozen=True):
    """The fields of `invoice.typ`."""

    language: Language
    title: str
    author: str
    facts: tuple[Pair, ...]
    seller: Block
    buyer: Block
    tables: tuple[Table, ...]
    totals: tuple[Pair, ...]
    in_words: Pair
    notes: tuple[str, ...]
    footer: str
    page: str


def document_of(invoice: InvoiceSnapshot, language: Language) -> InvoiceDocument:
    """Called in a thread: Babel reads files at its first use."""
    labels = LABELS[language]
    facts = [
        (labels.number, invoice.number),
        (labels.date, day(invoice.issued_at.astimezone(INDIA).date(), language)),
        (labels.order, invoice.order_id),
        (labels.payment, invoice.payment_id),
    ]
    if invoice.original is not None:
        issued = day(invoice.original.issued_at.astimezone(INDIA).date(), language)
        facts.insert(2, (labels.original, f"{invoice.original.number}, {issued}"))
    if invoice.place_of_supply:
        facts.append((labels.place_of_supply, _state(invoice.place_of_supply, language)))
    if invoice.student != invoice.buyer.name:
        facts.append((labels.student, invoice.student))
    taxed = _is_taxed(invoice)
    return InvoiceDocument(
        language=language,
        title=TITLES[language][invoice.kind],
        author=invoice.seller.name,
        facts=tuple(facts),
        seller=_block(labels.seller, invoice.seller, language),
        buyer=_block(labels.billed_to, invoice.buyer, language),
        tables=(_lines(invoice, language), *((_taxes(invoice, language),) if taxed else ())),
        totals=_totals(invoice, language),
        in_words=(labels.in_words, in_words(invoice.total, invoice.currency, language)),
        notes=_notes(invoice, language),
        footer=labels.footer,
        page=labels.page,
    )


def _is_taxed(invoice: InvoiceSnapshot) -> bool:
    return invoice.kind not in UNTAXED and (bool(invoice.seller.gstin) or invoice.parts.tax > 0)


def _state(code: str, language: Language) -> str:
    state = STATES.get(code)
    if state is None:
        return code
    return f"{state.hindi if language == 'hi' else state.name} ({code})"


def _block(heading: str, party: Party, language: Language) -> Block:
    labels = LABELS[language]
    lines = [line for line in party.address.splitlines() if line.strip()]
    if party.gstin:
        lines.append(f"{labels.gstin}: {party.gstin}")
    if party.state:
        lines.append(f"{labels.state}: {_state(party.state, language)}")
    return Block(heading, party.name, tuple(lines))


def _lines(invoice: InvoiceSnapshot, language: Language) -> Table:
    labels, line = LABELS[language], invoice.line
    taxed = _is_taxed(invoice)
    head = (
        labels.description,
        labels.sac,
        labels.quantity,
        labels.price_with_tax if taxed else labels.price,
        labels.discount,
        labels.taxable if taxed else labels.amount,
    )
    amounts = (line.price, line.discount, line.taxable)
    written = (money(amount, invoice.currency, language) for amount in amounts)
    return Table("", head, ((line.title, line.sac, str(line.quantity), *written),), texts=2)


def _tax_columns(invoice: InvoiceSnapshot) -> list[tuple[str, Decimal, int]]:
    """Each tax with its rate and amount. In a union territory the state's half is UTGST."""
    rate, parts = Decimal(invoice.rate), invoice.parts
    if invoice.seller.state and invoice.seller.state == invoice.place_of_supply:
        own = STATES.get(invoice.place_of_supply)
        name = "UTGST" if own is not None and own.union_territory else "SGST"
        return [("CGST", rate / 2, parts.cgst), (name, rate / 2, parts.sgst)]
    return [("IGST", rate, parts.igst)]


def _taxes(invoice: InvoiceSnapshot, language: Language) -> Table:
    labels = LABELS[language]
    head, row = (
        [labels.sac, labels.taxable],
        [invoice.line.sac, money(invoice.parts.taxable, invoice.currency, language)],
    )
    for name, rate, amount in _tax_columns(invoice):
        head += [f"{name} {labels.rate}", name]
        row += [percent(str(rate), language), money(amount, invoice.currency, language)]
    head.append(labels.tax)
    row.append(money(invoice.parts.tax, invoice.currency, language))
    return Table(labels.tax_summary, tuple(head), (tuple(row),), texts=1)


def _totals(invoice: InvoiceSnapshot, language: Language) -> tuple[Pair, ...]:
    labels = LABELS[language]
    rows = []
    if _is_taxed(invoice):
        rows.append((labels.taxable, invoice.parts.taxable))
        rows += [(name, amount) for name, _, amount in _tax_columns(invoice)]
    rows.append((labels.total, invoice.total))
    return tuple((name, money(amount, invoice.currency, language)) for name, amount in rows)


def _notes(invoice: InvoiceSnapshot, language: Language) -> tuple[str, ...]:
    labels = LABELS[language]
    if not invoice.seller.gstin and not invoice.parts.tax:
        return (labels.no_tax,)
    notes = [labels.no_reverse_charge]
    if invoice.place_of_supply == ABROAD:
        untaxed = not invoice.parts.tax and invoice.undertaking
        notes.append(f"{labels.undertaking} {invoice.undertaking}" if untaxed else labels.with_igst)
    return tuple(notes)
