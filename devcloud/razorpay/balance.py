"""The merchant's balance: every movement of money, until a settlement pays it out.

A captured payment is a credit without its fee, a refund of the merchant a debit. A refund that fails and a dispute that
is lost are adjustments. Refunds of payments that were never captured move nothing here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Dispute, Payment, Refund, Transaction, new_id

SETTLE = "settle"

# Razorpay's day, and the hour of it when it settles.
INDIA = timezone(timedelta(hours=5, minutes=30))
HOUR = 10


def day(moment: float) -> datetime:
    """A moment on India's calendar."""
    return datetime.fromtimestamp(moment, UTC).astimezone(INDIA)


def credit_payment(account: Account, payment: Payment) -> None:
    """A payment was captured. Its settlement is planned."""
    fee, tax = payment.fee or 0, payment.tax or 0
    now = account.clock.now()
    hour = day(now).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    due = (hour + timedelta(days=account.settings.settlement_days)).timestamp()
    transaction = Transaction(
        entity_id=payment.id,
        type="payment",
        credit=payment.amount - fee,
        amount=payment.amount,
        fee=fee,
        tax=tax,
        currency=payment.currency,
        payment_id=payment.id,
        created_at=payment.created_at,
        available_at=max(now, due),
        description=payment.description,
    )
    _add(account, transaction)
    plan(account, transaction.available_at)


def debit_refund(account: Account, refund: Refund) -> None:
    """The merchant refunds a captured payment."""
    transaction = Transaction(
        entity_id=refund.id,
        type="refund",
        debit=refund.amount,
        amount=refund.amount,
        currency=refund.currency,
        payment_id=refund.payment_id,
        created_at=refund.created_at,
        available_at=account.clock.now(),
    )
    _add(account, transaction)


def credit_failed_refund(account: Account, refund: Refund) -> None:
    """What a refund had taken comes back."""
    _adjust(account, refund.payment_id, refund.currency, credit=refund.amount, description=f"{refund.id} failed")


def debit_dispute(account: Account, dispute: Dispute) -> None:
    """A dispute was lost."""
    said = f"{dispute.id} lost"
    _adjust(account, dispute.payment_id, dispute.currency, debit=dispute.amount, description=said, of=dispute.id)


def plan(account: Account, moment: float) -> None:
    """Have what is available at a moment settled then."""
    if moment not in account.store.state.planned_settlements:
        account.store.state.planned_settlements.append(moment)
        account.timers.at(moment, SETTLE, str(moment))


def _adjust(
    account: Account,
    payment_id: str,
    currency: str,
    *,
    credit: int = 0,
    debit: int = 0,
    description: str,
    of: str | None = None,
) -> None:
    transaction = Transaction(
        entity_id=new_id("adj"),
        type="adjustment",
        credit=credit,
        debit=debit,
        amount=credit + debit,
        currency=currency,
        payment_id=payment_id,
        created_at=account.clock.seconds(),
        available_at=account.clock.now(),
        description=description,
        dispute_id=of,
    )
    _add(account, transaction)


def _add(account: Account, transaction: Transaction) -> None:
    account.store.state.transactions[transaction.entity_id] = transaction
    account.store.unsettled[transaction.entity_id] = transaction
    account.store.touch()
