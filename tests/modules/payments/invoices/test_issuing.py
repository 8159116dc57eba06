"""Invoices are issued once, without gaps, whatever is rolled back or killed; and they never change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.errors import Unavailable
from gateway.identifier import new_id
from ksmp_testkit import Caller, Running
from modules.payments.events import PaymentCaptured, PaymentRefunded
from modules.payments.invoices.messages import InvoiceView
from modules.payments.invoices.numbering import financial_year
from modules.payments.invoices.repository import InvoiceRepository
from modules.payments.invoices.snapshot import InvoiceKind
from modules.payments.ledger.parts import Parts
from modules.payments.module import PaymentsModule
from tests.modules.payments.bookkeeping import credited, invoiced, issuing, paid_order, refund, seller
from tests.modules.programs.programs import created, id_of, user


class Undone(Exception):
    pass


async def numbers(database: asyncpg.Pool, series: str) -> list[int]:
    rows = await database.fetch("SELECT sequence FROM payments_invoice WHERE series = $1 ORDER BY sequence", series)
    return [row["sequence"] for row in rows]


async def test_an_invoice_is_numbered_and_keeps_what_was(node: Running, database: asyncpg.Pool) -> None:
    settings = seller()
    order = await paid_order(database, billing_name="Asha Rao", billing_address="Mumbai", price=150_00, discount=32_00)
    invoice = await invoiced(node, issuing(node, settings), order)
    assert invoice is not None
    assert invoice.number == f"{settings.invoice_series}/{financial_year(clock.now())}/000001"
    assert (invoice.kind, invoice.total, invoice.taxable) == (InvoiceKind.TAX_INVOICE, 118_00, 100_00)

    # Whatever changes later, the invoice shows what was; and it is not issued again.
    await database.execute("UPDATE payments_order SET title = 'Geometry', billing_name = 'Eve' WHERE id = $1", order)
    assert await invoiced(node, issuing(node, seller(seller_name="Another")), order) == invoice
    snapshot = await InvoiceRepository(node.gateway.database).snapshot(invoice.id)
    assert (snapshot.seller.name, snapshot.seller.address) == ("KSMP Learning", "12, MG Road\nPune")
    assert (snapshot.buyer.name, snapshot.line.title, snapshot.rate) == ("Asha Rao", "Algebra", "18")
    assert (snapshot.line.price, snapshot.line.discount) == (150_00, 32_00)


async def test_free_and_unpaid_orders_get_none(node: Running, database: asyncpg.Pool) -> None:
    invoices = issuing(node, seller())
    assert await invoiced(node, invoices, await paid_order(database, parts=Parts(0))) is None
    assert await invoiced(node, invoices, await paid_order(database, paid_by=None, state="open")) is None
    assert await invoiced(node, invoices, new_id()) is None


@pytest.mark.parametrize(
    ("given", "values", "kind"),
    [
        ({}, {}, InvoiceKind.TAX_INVOICE),
        ({}, {"parts": Parts(118_00)}, InvoiceKind.BILL_OF_SUPPLY),
        ({"seller_gstin": ""}, {"parts": Parts(118_00)}, InvoiceKind.RECEIPT),
        # What is exported under an undertaking is zero-rated, not exempt.
        ({"gst_undertaking": "AD1"}, {"parts": Parts(118_00), "place_of_supply": "96"}, InvoiceKind.TAX_INVOICE),
        # The setting was taken away after the order was made: the tax was charged all the same.
        ({"seller_gstin": ""}, {}, InvoiceKind.TAX_INVOICE),
    ],
)
async def test_kinds(
    node: Running, database: asyncpg.Pool, given: dict[str, Any], values: dict[str, Any], kind: InvoiceKind
) -> None:
    of = seller(**given)
    invoice = await invoiced(node, issuing(node, of), await paid_order(database, **values))
    assert invoice is not None
    assert invoice.kind is kind
    begins = of.receipt_series if kind is InvoiceKind.RECEIPT else of.invoice_series
    assert invoice.number.startswith(f"{begins}/")


async def test_numbers_have_no_gap_when_many_are_issued_and_some_are_undone_or_killed(
    node: Running, database: asyncpg.Pool
) -> None:
    """Fault 13, odoo/odoo#90465, #91873: nothing of a checkout waits, and a failed transaction leaves no hole."""
    settings = seller()
    invoices = issuing(node, settings)
    orders = [await paid_order(database) for _ in range(40)]

    async def issue(order: str, fate: str) -> InvoiceView | None:
        async with node.gateway.database.transaction():
            made = await invoices.invoice(order)
            if fate == "undone":
                raise Undone
            if fate == "killed":
                await node.gateway.database.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
            return made

    fates = ["done", "undone", "done", "killed"] * 10
    # Each is issued twice at once, too: one of both is the other's.
    tries = [issue(order, fate) for order, fate in zip(orders, fates, strict=True) for _ in range(2)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(answer, InvoiceView | Undone | Unavailable) for answer in answers), answers
    made = await numbers(database, settings.invoice_series)
    assert made == list(range(1, len(made) + 1))
    assert len(made) == 20

    again = [await invoiced(node, invoices, order) for order in orders]
    assert await numbers(database, settings.invoice_series) == list(range(1, 41))
    assert len({invoice.number for invoice in again if invoice is not None}) == 40
    # The time rises with the number.
    issued = sorted((invoice.number, invoice.issued_at) for invoice in again if invoice is not None)
    assert [at for _, at in issued] == sorted(at for _, at in issued)


async def test_a_checkout_does_not_wait_for_a_number(node: Running, database: asyncpg.Pool) -> None:
    """odoo/odoo#90465: the lock of the series is held by a slow transaction, and orders are paid meanwhile.

    Fault 13.
    """
    settings = seller()
    first, second = await paid_order(database), await paid_order(database)
    async with database.acquire() as connection, connection.transaction():
        year = financial_year(clock.now())
        await connection.execute(
            "INSERT INTO payments_invoice_series (series, year) VALUES ($1, $2)", settings.invoice_series, year
        )
        waiting = asyncio.create_task(invoiced(node, issuing(node, settings), first))
        async with asyncio.timeout(3):
            await database.execute("UPDATE payments_order SET rev = rev + 1 WHERE id = ANY($1)", [first, second])
        assert not waiting.done()
    invoice = await waiting
    assert invoice is not None
    assert invoice.number.endswith("/000001")


async def test_a_new_year_begins_at_one(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    invoices = issuing(node, seller())
    old, new = datetime(2027, 3, 31, 18, 29, 59, tzinfo=UTC), datetime(2027, 3, 31, 18, 30, tzinfo=UTC)
    # The first number is of the old year. The year ends between the second's look at the clock and its lock.
    times = iter([old, old, old, new, new])
    monkeypatch.setattr("modules.payments.invoices.issuing.clock", SimpleNamespace(now=lambda: next(times)))
    places = []
    for _ in range(2):
        async with node.gateway.database.transaction():
            places.append(await invoices._next_place(invoices._settings.invoice_series))
    assert [(place.year, place.sequence, at) for place, at in places] == [("2627", 1, old), ("2728", 1, new)]


async def test_a_credit_note_has_the_parts_of_the_ledger(node: Running, database: asyncpg.Pool) -> None:
    settings = seller()
    invoices = issuing(node, settings)
    order = await paid_order(database)
    # The refund is told of first: the invoice is issued with it.
    notes = []
    for before, amount in ((0, 33_33), (33_33, 84_67)):
        one = await refund(node, database, order, before, amount)
        notes.append(await credited(node, invoices, order, one))
        assert await credited(node, invoices, order, one) == notes[-1]
    first, second = notes
    assert first is not None
    assert second is not None
    assert (first.number[-6:], second.number[-6:]) == ("000001", "000002")
    assert first.total + second.total == 118_00
    assert first.taxable + second.taxable == 100_00
    assert first.cgst + second.cgst == first.sgst + second.sgst == 9_00
    snapshot = await InvoiceRepository(node.gateway.database).snapshot(second.id)
    invoice = await invoiced(node, invoices, order)
    assert invoice is not None
    assert snapshot.original is not None
    assert (snapshot.original.number, snapshot.total) == (invoice.number, 84_67)
    assert snapshot.line.price == 84_67


async def test_a_refund_in_place_of_one_that_came_back_is_not_credited_twice(
    node: Running, database: asyncpg.Pool
) -> None:
    """The tax of an order is taken back once, however often its bank sends a refund back."""
    order, invoices = await paid_order(database), issuing(node, seller())
    first = await refund(node, database, order, 0, 50_00)
    note = await credited(node, invoices, order, first)
    assert note is not None
    assert note.total == 50_00
    await database.execute("UPDATE payments_refund SET state = 'failed' WHERE id = $1", first)
    again = await refund(node, database, order, 0, 50_00)
    assert await credited(node, invoices, order, again) is None
    # All that is left goes back: all credit notes together are the invoice.
    await database.execute("UPDATE payments_refund SET state = 'failed' WHERE id = $1", again)
    rest = await credited(node, invoices, order, await refund(node, database, order, 0, 118_00))
    assert rest is not None
    assert (rest.total, rest.taxable + note.taxable, rest.cgst + note.cgst) == (68_00, 100_00, 9_00)


async def test_a_refund_of_a_second_payment_gets_no_credit_note(node: Running, database: asyncpg.Pool) -> None:
    order = await paid_order(database)
    extra = await refund(node, database, order, 0, 118_00, payment=f"pay_{new_id()}")
    assert await credited(node, issuing(node, seller()), order, extra) is None


async def test_a_refund_that_is_not_in_the_books_is_an_error(node: Running, database: asyncpg.Pool) -> None:
    order = await paid_order(database)
    one = await refund(node, database, order, 0, 5_00)
    unposted = new_id()
    await database.execute(
        "INSERT INTO payments_refund (id, payment_id, origin, state, amount, currency, created_at) "
        "SELECT $1, payment_id, origin, state, amount, currency, now() FROM payments_refund WHERE id = $2",
        unposted,
        one,
    )
    with pytest.raises(LookupError, match="not in the ledger"):
        await credited(node, issuing(node, seller()), order, unposted)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments_invoice SET total = total + 1, taxable = taxable + 1 WHERE id = '{id}'",
        "UPDATE payments_invoice SET snapshot = '{{}}' WHERE id = '{id}'",
        "DELETE FROM payments_invoice WHERE id = '{id}'",
        "TRUNCATE payments_invoice CASCADE",
    ],
)
async def test_an_invoice_is_never_changed(node: Running, database: asyncpg.Pool, change: str) -> None:
    invoice = await invoiced(node, issuing(node, seller()), await paid_order(database))
    assert invoice is not None
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changed"):
        await database.execute(change.format(id=invoice.id))


async def test_events_issue_invoices_and_credit_notes_once(
    node: Running, database: asyncpg.Pool, caller: Caller
) -> None:
    program = id_of(await created(caller(user(), "mentor"), price=118_00))
    student = user()
    order = await paid_order(database, program_id=program, user_id=student, buyer_id=student)
    payment = await database.fetchval("SELECT paid_by FROM payments_order WHERE id = $1", order)
    one = await refund(node, database, order, 0, 18_00)
    for _ in range(2):
        await node.publish_event(PaymentCaptured(payment, program, student, order, 118_00, "INR"))
        await node.publish_event(PaymentRefunded(payment, program, student, order, one, 18_00, "INR", full=False))
    await node.events_handled("payments.issue_invoice", "payments.issue_credit_note")
    await node.events_handled("payments.make_document")
    rows = await database.fetch("SELECT id, kind FROM payments_invoice WHERE order_id = $1 ORDER BY id", order)
    assert [row["kind"] for row in rows] == ["tax_invoice", "credit_note"]
    kept = await database.fetch(
        "SELECT invoice_id, language, size FROM payments_invoice_document WHERE invoice_id = ANY($1)",
        [row["id"] for row in rows],
    )
    assert {(row["invoice_id"], row["language"]) for row in kept} == {
        (row["id"], language) for row in rows for language in ("en", "hi")
    }
    assert all(1_000 < row["size"] < 200_000 for row in kept)


async def test_later_orders_are_numbered_later(node: Running, database: asyncpg.Pool) -> None:
    invoices = issuing(node, seller())
    for expected in range(1, 4):
        invoice = await invoiced(node, invoices, await paid_order(database, paid_at=clock.now() - timedelta(days=1)))
        assert invoice is not None
        assert int(invoice.number[-6:]) == expected


async def test_a_user_s_export_has_the_invoices(node: Running, database: asyncpg.Pool) -> None:
    student = user()
    order = await paid_order(database, user_id=student, buyer_id=student, billing_name="Asha Rao")
    invoice = await invoiced(node, issuing(node, seller()), order)
    assert invoice is not None
    (held,) = (await node.module(PaymentsModule).export(student))["invoices"]
    assert (held["number"], held["billed_to"], held["total"]) == (invoice.number, "Asha Rao", 118_00)
