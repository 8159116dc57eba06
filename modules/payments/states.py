"""The lives of an order, a payment and a refund.

The vendor's messages come late, twice, out of order or not at all, and what it answers to a question is one more
message. So no message is a step from one state to the next. Each is a fact, and facts are merged: a payment moves up
in one fixed order of states, and a message that says less than is known changes nothing. Merging is commutative,
associative and idempotent (a join semilattice: Shapiro et al., "Conflict-free Replicated Data Types", 2011). So every
permutation of the same messages, with any repeats, ends in the same state.

The order's state is then derived from its payments and refunds by `order_state`, and never stepped either.

A payment that failed may be authorized later, up to three days (Razorpay calls it a late authorization). So `failed`
is below `authorized`, and an order with a failed payment alone stays open. `refunded` is the top: it is reached by way
of `captured`, or without it when the vendor gives back by itself what was never captured. Whether it was captured is a
fact of its own, merged by "or".

A refund may fail after it was processed (the bank sends the money back): `failed` is the top there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar


class OrderState(StrEnum):
    CREATED = "created"
    """Our row alone: the vendor's order is not known yet."""
    OPEN = "open"
    """It can be paid."""
    CONFIRMING = "confirming"
    """The payer has paid as far as they know; the bank or the vendor has not confirmed it."""
    PAID = "paid"
    EXPIRED = "expired"
    """The time to pay is over. Money that still comes buys the place, or goes back."""
    CANCELLED = "cancelled"
    """The user gave it up, or made another order in its place. Money that still comes is treated as above."""
    REFUNDED = "refunded"
    """All of the money went back."""


class PaymentState(StrEnum):
    UNKNOWN = "unknown"
    """A refund came first: all we know is the id."""
    CREATED = "created"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUNDED = "refunded"
    """All of it went back."""


class RefundState(StrEnum):
    REQUESTED = "requested"
    """The vendor has not confirmed that it knows of it."""
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"
    """The money stays with us, or came back."""


class RefundOrigin(StrEnum):
    REQUESTED = "requested"
    """An admin asked for it."""
    NO_PLACE = "no_place"
    """There was no place for the money."""
    PLACE_GIVEN_BACK = "place_given_back"
    EXTRA_PAYMENT = "extra_payment"
    """The order was paid already, or was closed before and takes no money any more."""
    VENDOR = "vendor"
    """The vendor made it by itself, or somebody in its dashboard."""


UNPAID: Final = frozenset({OrderState.CREATED, OrderState.OPEN, OrderState.CONFIRMING})
"""Orders that hold their coupon, and that no second order of the same user and program may stand beside."""

CLOSED: Final = frozenset({OrderState.EXPIRED, OrderState.CANCELLED})
"""Orders that nobody is to pay any more. Only captured money changes them."""

S = TypeVar("S", PaymentState, RefundState)


def later(known: S, told: S) -> S:
    """The state after a message: the higher of both, in the order in which the enumeration names them."""
    order = list(type(known))
    return max(known, told, key=order.index)


def order_state(known: OrderState, *, paid: bool, refunded_in_full: bool, opened: bool, under_way: bool) -> OrderState:
    """The state that follows from an order's payments and refunds.

    `opened` says whether the vendor's order is known, and `under_way` whether a payment is authorized, or signed for
    and not decided yet.
    """
    if paid:
        return OrderState.REFUNDED if refunded_in_full else OrderState.PAID
    if known in CLOSED:
        return known
    if under_way:
        return OrderState.CONFIRMING
    return OrderState.OPEN if opened else OrderState.CREATED
