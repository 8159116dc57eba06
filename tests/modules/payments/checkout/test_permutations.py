"""Every permutation of what Razorpay says, with repeats, ends in the same state: rows, books and events."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from ksmp_testkit import Running
from modules.payments.checkout.records import Order
from modules.payments.checkout.repository import OrderRepository
from modules.payments.module import PaymentsModule
from modules.payments.states import OrderState
from modules.payments.vendor.entities import VendorPayment, VendorRefund
from tests.modules.payments.checkout.facts import AMOUNT, order, payment, refund

# A message: a payment with the receipt that came with it, a refund, or something of our own.
Message = tuple[VendorPayment, str] | VendorRefund | str
History = Callable[[Order], Sequence[Message]]

MOST = 720


def told(*payments: VendorPayment) -> list[Message]:
    return [(one, "") for one in payments]


def paid(of: Order) -> Sequence[Message]:
    captured = payment(of, "captured")
    return [*told(payment(of, "authorized"), captured), (captured, of.receipt)]


def failed_then_paid(of: Order) -> Sequence[Message]:
    return [*told(payment(of, "failed", 1), payment(of, "authorized", 2), payment(of, "captured", 2))]


def failed_late_authorized_captured(of: Order) -> Sequence[Message]:
    return told(payment(of, "failed"), payment(of, "authorized"), payment(of, "captured"))


def paid_twice_with_automatic_refund(of: Order) -> Sequence[Message]:
    """Razorpay refunds the second payment unasked: it was never captured."""
    second = payment(of, "authorized", 2)
    gone = replace(second, status="refunded", amount_refunded=of.amount, refund_status="full")
    return [
        *told(payment(of, "authorized"), payment(of, "captured"), second, gone),
        refund(second, "pending", of.amount),
        refund(second, "processed", of.amount),
    ]


def refunded_in_full(of: Order) -> Sequence[Message]:
    captured = payment(of, "captured")
    gone = replace(captured, status="refunded", amount_refunded=of.amount, refund_status="full")
    return [
        *told(payment(of, "authorized"), captured, gone),
        refund(captured, "pending", of.amount),
        refund(captured, "processed", of.amount),
    ]


def refunded_in_parts(of: Order) -> Sequence[Message]:
    captured = payment(of, "captured")
    return [
        *told(payment(of, "authorized"), captured),
        refund(captured, "pending", 40_001, 1),
        refund(captured, "processed", 40_001, 1),
        refund(captured, "processed", of.amount - 40_001, 2),
    ]


def refund_that_failed(of: Order) -> Sequence[Message]:
    captured = payment(of, "captured")
    return [
        *told(captured),
        refund(captured, "pending", of.amount),
        refund(captured, "failed", of.amount),
    ]


def expired_then_paid(of: Order) -> Sequence[Message]:
    return [*told(payment(of, "failed"), payment(of, "authorized", 2), payment(of, "captured", 2)), "expire"]


def cancelled_paid_and_given_back(of: Order) -> Sequence[Message]:
    captured = payment(of, "captured")
    return [*told(payment(of, "authorized"), captured), "cancel", refund(captured, "processed", of.amount)]


def link_paid(of: Order) -> Sequence[Message]:
    """Nothing but the message of the link says whose the vendor's order is."""
    captured = payment(of, "captured")
    return [*told(payment(of, "authorized"), captured), (captured, of.receipt), refund(captured, "processed", 100)]


def opened_last(of: Order) -> Sequence[Message]:
    """The answer to our order of the vendor's was lost, and is read back."""
    return [*told(payment(of, "failed"), payment(of, "authorized", 2), payment(of, "captured", 2)), "open"]


def mismatch(of: Order) -> Sequence[Message]:
    cheap = {"amount": of.amount - 1}
    return told(payment(of, "authorized", **cheap), payment(of, "captured", **cheap), payment(of, "failed", 2))


def signed(of: Order) -> Sequence[Message]:
    return [*told(payment(of, "created"), payment(of, "authorized"), payment(of, "captured")), "sign"]


WITHOUT_VENDOR_ORDER = {"vendor_order_id": None, "state": OrderState.CREATED}
HISTORIES: list[tuple[History, dict[str, Any], OrderState]] = [
    (paid, {}, OrderState.PAID),
    (failed_then_paid, {}, OrderState.PAID),
    (failed_late_authorized_captured, {}, OrderState.PAID),
    (paid_twice_with_automatic_refund, {}, OrderState.PAID),
    (refunded_in_full, {}, OrderState.REFUNDED),
    (refunded_in_parts, {}, OrderState.REFUNDED),
    (refund_that_failed, {}, OrderState.PAID),
    (expired_then_paid, {}, OrderState.PAID),
    (cancelled_paid_and_given_back, {}, OrderState.REFUNDED),
    (link_paid, {**WITHOUT_VENDOR_ORDER, "link_id": "plink_1"}, OrderState.PAID),
    (opened_last, WITHOUT_VENDOR_ORDER, OrderState.PAID),
    (mismatch, {}, OrderState.OPEN),
    (signed, {}, OrderState.PAID),
]

ROWS = {
    "order": """
        SELECT state, paid_by, paid_at IS NOT NULL AS paid, refunded, vendor_order_id FROM payments_order WHERE id = $1
    """,
    "payments": """
        SELECT id, order_id, vendor_order_id, state, captured, signed, amount, currency, fee, tax, method, error_code,
            error_reason, error_text, captured_at IS NOT NULL AS is_captured
        FROM payments_payment WHERE order_id = $1 ORDER BY id
    """,
    "refunds": """
        SELECT refund.vendor_refund_id, refund.payment_id, refund.state, refund.origin, refund.amount,
            refund.processed_at IS NOT NULL AS processed
        FROM payments_refund AS refund JOIN payments_payment AS payment ON payment.id = payment_id
        WHERE order_id = $1 ORDER BY refund.vendor_refund_id
    """,
    "books": """
        SELECT account, sum(amount)::bigint AS amount FROM payments_ledger_entry
        JOIN payments_ledger_transaction AS posted ON posted.id = transaction_id
        WHERE order_id = $1 GROUP BY account HAVING sum(amount) <> 0 ORDER BY account
    """,
    "postings": """
        SELECT kind, reference FROM payments_ledger_transaction WHERE order_id = $1 AND kind <> 'refund'
        ORDER BY kind, reference
    """,
    "differences": "SELECT kind, subject FROM payments_difference WHERE order_id = $1 ORDER BY kind, subject",
}
# What is heard of, apart from two that a later message overtakes: an attempt to pay that has failed, and money that
# waits to be captured. Of several refunds that are all of the money together, the last is the full one.
HEARD = """
    SELECT destination, body->>'payment_id' AS payment, body->>'full' AS full, count(*) AS times FROM (
        SELECT destination, body FROM outbox
        WHERE kind = 'event' AND (strpos(body::text, $1) > 0 OR body->>'refund_id' IN (
            SELECT refund.id FROM payments_refund AS refund
            JOIN payments_payment AS payment ON payment.id = payment_id WHERE order_id = $1
        ))
    ) AS events
    WHERE destination NOT IN ('payments.PaymentFailed', 'payments.PaymentAuthorized')
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


class Undone(Exception):
    """Rolls back what a permutation has done."""


async def outcome(node: Running, of: Order, messages: Sequence[Message]) -> dict[str, Any]:
    """What is left behind by these messages, in a transaction that is undone."""
    database, settlement = node.gateway.database, node.module(PaymentsModule).checkout.settlement
    orders = OrderRepository(database)
    found: dict[str, Any] = {}
    with contextlib.suppress(Undone):
        async with database.transaction():
            await orders.insert(of)
            for message in messages:
                match message:
                    case "expire" | "cancel":
                        known = await orders.lock(of.id)
                        assert known is not None
                        closed = OrderState.EXPIRED if message == "expire" else OrderState.CANCELLED
                        await settlement.close(known, closed)
                    case "open":
                        await settlement.open(of.id, payment(of, "created").order_id or "")
                    case "sign":
                        await settlement.sign(of.id, payment(of, "created").id)
                    case VendorRefund():
                        await settlement.apply_refund(message)
                    case (VendorPayment() as fact, str() as receipt):
                        await settlement.apply_payment(fact, receipt=receipt)
            for name, statement in ROWS.items():
                found[name] = [dict(row) for row in await database.fetch(statement, of.id)]
            found["heard"] = [dict(row) for row in await database.fetch(HEARD, of.id)]
            # What is checked at the commit.
            await database.fetch("SET CONSTRAINTS ALL IMMEDIATE")
            raise Undone
    return found


@pytest.mark.parametrize(("history", "values", "state"), HISTORIES, ids=[one[0].__name__ for one in HISTORIES])
async def test_every_permutation_ends_alike(
    node: Running, history: History, values: dict[str, Any], state: OrderState
) -> None:
    """BP-10, fault 3: no order of messages matters."""
    of = order(**values)
    messages = history(of)
    expected = await outcome(node, of, messages)
    assert expected["order"][0]["state"] == state
    chosen = random.Random(1)
    every = list(permutations(messages))
    for order_of_messages in every if len(every) <= MOST else chosen.sample(every, MOST):
        # Each comes twice, the second time somewhere later.
        twice = list(order_of_messages)
        for message in order_of_messages:
            twice.insert(chosen.randint(twice.index(message) + 1, len(twice)), message)
        assert await outcome(node, of, twice) == expected, [_name(message) for message in twice]


def _name(message: Message) -> str:
    match message:
        case str():
            return message
        case VendorRefund():
            return f"refund {message.status}"
    return f"{message[0].id[:5]} {message[0].status} {message[1][:2]}"


async def test_the_outcomes_are_what_they_should_be(node: Running) -> None:
    """So that the permutations are not all wrong alike."""
    of = order()
    captured = payment(of, "captured")
    found = await outcome(node, of, refunded_in_parts(of))
    assert [(one["destination"], one["full"]) for one in found["heard"]] == [
        ("payments.PaymentCaptured", None),
        ("payments.PaymentRefunded", "false"),
        ("payments.PaymentRefunded", "true"),
    ]
    assert found["order"][0] | {"paid_by": captured.id, "refunded": AMOUNT, "paid": True} == found["order"][0]
    assert {one["account"]: one["amount"] for one in found["books"]} == {
        "receivable": -2_784,
        "refunds": 100_000,
        "revenue": -100_000,
        "vendor_fees": 2_359,
        "vendor_tax": 425,
    }

    # Money that was never captured is in no book, and no refund of ours.
    of = order()
    found = await outcome(node, of, paid_twice_with_automatic_refund(of))
    assert [one["destination"] for one in found["heard"]] == ["payments.PaymentCaptured"]
    assert [(one["origin"], one["processed"]) for one in found["refunds"]] == [("vendor", False)]
    assert found["postings"] == [
        {"kind": "capture", "reference": payment(of, "captured").id},
        {"kind": "fee", "reference": payment(of, "captured").id},
    ]

    # A failure is below all that may follow it.
    of = order()
    found = await outcome(node, of, failed_late_authorized_captured(of))
    assert [one["state"] for one in found["payments"]] == ["captured"]

    # A payment that does not fit waits for a person.
    of = order()
    found = await outcome(node, of, mismatch(of))
    assert [one["kind"] for one in found["differences"]] == ["mismatch"]
    assert found["heard"] == []


async def test_a_second_captured_payment_goes_back_once_whichever_comes_first(node: Running) -> None:
    of = order()
    first, second = payment(of, "captured", 1), payment(of, "captured", 2)
    for messages in permutations([*told(payment(of, "authorized", 1), first, payment(of, "authorized", 2), second)]):
        found = await outcome(node, of, [*messages, *messages])
        paid_by = found["order"][0]["paid_by"]
        assert paid_by in (first.id, second.id)
        (extra,) = found["refunds"]
        assert (extra["origin"], extra["amount"], extra["state"]) == ("extra_payment", AMOUNT, "requested")
        assert {extra["payment_id"], paid_by} == {first.id, second.id}
        assert Counter(one["destination"] for one in found["heard"]) == {
            "payments.PaymentCaptured": 1,
            "payments.RefundDue": 1,
        }
