"""Orders that are paid and refunds that are processed, written as rows; and invoices with a series of their own."""

from __future__ import annotations

import random
import string
from typing import Any

import asyncpg

from gateway import clock
from gateway.identifier import new_id
from ksmp_testkit import Running
from modules.payments.invoices.issuing import InvoiceIssuing
from modules.payments.invoices.messages import InvoiceView
from modules.payments.invoices.repository import InvoiceRepository
from modules.payments.ledger.ledger import Ledger
from modules.payments.ledger.parts import Parts
from modules.payments.module import PaymentsModule
from modules.payments.settings import SellerSettings

GSTIN = "27AAPFU0939F1ZV"
WHOLE = Parts(100_00, cgst=9_00, sgst=9_00)


def series() -> str:
    """Three characters that begin numbers of one test alone: all tests share the database."""
    return "".join(random.choices(string.ascii_uppercase + string.digits, k=3))


def seller(**values: Any) -> SellerSettings:
    given = {
        "seller_name": "KSMP Learning",
        "seller_address": "12, MG Road\\nPune",
        "seller_gstin": GSTIN,
        "invoice_series": series(),
        "receipt_series": series(),
        "credit_note_series": series(),
    }
    return SellerSettings(**(given | values))


def issuing(node: Running, settings: SellerSettings) -> InvoiceIssuing:
    database = node.gateway.database
    kernel = node.module(PaymentsModule).kernel
    return InvoiceIssuing(kernel, settings, InvoiceRepository(database), Ledger(database))


async def paid_order(database: asyncpg.Pool, **values: Any) -> str:
    """The id of an order of 118 rupees that is paid."""
    parts = values.pop("parts", WHOLE)
    order = new_id()
    row = {
        "id": order,
        "user_id": f"u-{order[-12:]}",
        "buyer_id": f"u-{order[-12:]}",
        "program_id": new_id(),
        "title": "Algebra",
        "state": "paid",
        "currency": "INR",
        "price": parts.total,
        "discount": 0,
        "amount": parts.total,
        "taxable": parts.taxable,
        "cgst": parts.cgst,
        "sgst": parts.sgst,
        "igst": parts.igst,
        "tax_rate": 18 if parts.tax else 0,
        "place_of_supply": "27",
        "receipt": f"o-{order}",
        "paid_by": f"pay_{order[-12:]}",
        "paid_at": clock.now(),
        "expires_at": clock.now(),
        "created_at": clock.now(),
    } | values
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await database.execute(f"INSERT INTO payments_order ({', '.join(row)}) VALUES ({places})", *row.values())
    return order


async def refund(
    node: Running, database: asyncpg.Pool, order: str, before: int, amount: int, *, payment: str = ""
) -> str:
    """The id of a refund of an order that is processed and posted."""
    found = await database.fetchrow("SELECT * FROM payments_order WHERE id = $1", order)
    payment, refund = payment or found["paid_by"], new_id()
    await database.execute(
        "INSERT INTO payments_payment (id, order_id, state, seen_at) VALUES ($1, $2, 'captured', now()) "
        "ON CONFLICT DO NOTHING",
        payment,
        order,
    )
    await database.execute(
        "INSERT INTO payments_refund (id, payment_id, origin, state, amount, currency, created_at) "
        "VALUES ($1, $2, 'requested', 'processed', $3, $4, now())",
        refund,
        payment,
        amount,
        found["currency"],
    )
    whole = Parts(found["taxable"], found["cgst"], found["sgst"], found["igst"])
    async with node.gateway.database.transaction():
        await Ledger(node.gateway.database).refund(refund, whole, before, amount, found["currency"], order_id=order)
    return refund


async def invoiced(node: Running, invoices: InvoiceIssuing, order: str) -> InvoiceView | None:
    async with node.gateway.database.transaction():
        return await invoices.invoice(order)


async def credited(node: Running, invoices: InvoiceIssuing, order: str, refund: str) -> InvoiceView | None:
    async with node.gateway.database.transaction():
        return await invoices.credit_note(order, refund)
