"""Settlements: what is on the balance is paid to the merchant's bank, two days after the capture, at 10 in India.

A balance that is not above zero is not settled; it waits for more payments. The webhook is `settlement.processed`.
"""

from __future__ import annotations

import secrets

from devcloud.document import Document
from devcloud.razorpay import balance, fields
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Settlement, Transaction, new_id
from devcloud.razorpay.errors import RazorpayError, unknown_id
from devcloud.razorpay.operations import Call, collection, listed, operations

MOST_LISTED = 1_000


def planned(account: Account, moment: str) -> None:
    """The moment of a planned settlement has come."""
    state = account.store.state
    state.planned_settlements = [due for due in state.planned_settlements if str(due) != moment]
    settle(account, everything=False)


def settle(account: Account, *, everything: bool) -> Settlement | None:
    """Pay out what is available, or everything that was captured; None when there is nothing to pay."""
    now = account.clock.now()
    batch = [item for item in account.store.unsettled.values() if everything or item.available_at <= now]
    amount = sum(item.credit - item.debit for item in batch)
    if amount <= 0:
        return None
    shows = account.settings.settlement_fees
    settlement = Settlement(
        id=new_id("setl"),
        amount=amount,
        fees=sum(item.fee for item in batch) if shows else 0,
        tax=sum(item.tax for item in batch) if shows else 0,
        utr=f"{int(now)}{secrets.token_hex(3)}",
        created_at=int(now),
    )
    account.store.state.settlements[settlement.id] = settlement
    for item in batch:
        item.settlement_id, item.settled_at = settlement.id, int(now)
        account.store.unsettled.pop(item.entity_id)
    account.webhooks.emit("settlement.processed", settlement.id, settlement=settlement.shown())
    account.store.touch()
    return settlement


def item_of(account: Account, transaction: Transaction) -> Document:
    """A movement as the report of a settlement shows it."""
    state = account.store.state
    payment = state.payments[transaction.payment_id]
    order = state.orders.get(payment.order_id or "")
    settlement = state.settlements.get(transaction.settlement_id or "")
    plain = transaction.type == "adjustment"
    card = None if plain else payment.own.card
    return {
        "entity_id": transaction.entity_id,
        "type": transaction.type,
        "debit": transaction.debit,
        "credit": transaction.credit,
        "amount": transaction.amount,
        "currency": transaction.currency,
        "fee": transaction.fee,
        "tax": transaction.tax,
        "on_hold": False,
        "settled": settlement is not None,
        "created_at": transaction.created_at,
        "settled_at": transaction.settled_at,
        "settlement_id": transaction.settlement_id,
        "posted_at": None,
        "credit_type": "default",
        "description": transaction.description,
        "notes": payment.notes if transaction.type == "payment" else None,
        "payment_id": None if transaction.type == "payment" else transaction.payment_id,
        "settlement_utr": settlement.utr if settlement is not None else None,
        "order_id": None if plain else payment.order_id,
        "order_receipt": order.receipt if order is not None and not plain else None,
        "method": None if plain else payment.method,
        "card_network": card.network if card is not None else None,
        "card_issuer": card.issuer if card is not None else None,
        "card_type": card.type if card is not None else None,
        "dispute_id": transaction.dispute_id,
    }


@operations("ListSettlements", "GET", "settlements")
def list_settlements(account: Account, call: Call) -> Document:
    """All settlements, newest first."""
    found = listed(call, reversed(account.store.state.settlements.values()))
    return collection([settlement.shown() for settlement in found])


@operations("FetchSettlement", "GET", "settlements/{}")
def fetch(account: Account, call: Call) -> Document:
    """One settlement."""
    settlement = account.store.state.settlements.get(call.ids[0])
    if settlement is None:
        raise unknown_id()
    return settlement.shown()


@operations("FetchSettlementRecon", "GET", "settlements/recon/combined")
def recon(account: Account, call: Call) -> Document:
    """What was settled on a day or in a month of India."""
    year, month = _part(call, "year"), _part(call, "month")
    on = _part(call, "day") if call.parameter("day") else 0
    if not 1_000 <= year <= 9_999:
        raise RazorpayError("The year must be 4 digits.", field="year")
    if not 1 <= month <= 12:
        raise RazorpayError("The month is not a valid month.", field="month")
    if on > 31:
        raise RazorpayError("The day must be between 1 and 2 digits.", field="day")
    if call.parameter("count") == "0":
        raise RazorpayError("The count must be at least 1.", field="count")

    def within(transaction: Transaction) -> bool:
        if transaction.settled_at is None:
            return False
        then = balance.day(transaction.settled_at)
        return (then.year, then.month) == (year, month) and on in (0, then.day)

    count, skip = call.number("count", 10, MOST_LISTED), call.number("skip", 0)
    settled = [item for item in account.store.state.transactions.values() if within(item)]
    return collection([item_of(account, item) for item in settled[skip : skip + count]])


def _part(call: Call, name: str) -> int:
    return fields.integer(fields.required({name: call.parameter(name) or None}, name), name)
