"""What Razorpay answers, and what its webhooks carry: the fields that payments uses, of each entity.

Amounts are in minor units (paise), currencies in capitals, times aware and in UTC. Fields that are not named here are
passed over. A state is Razorpay's own word; one that was added later comes through as it is.
Source: "API Reference" of Razorpay; each entity has a page there.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

Moment = Annotated[datetime, Meta(tz=True)]


class VendorOrder(msgspec.Struct, frozen=True):
    """What is to be paid. States: created, attempted, paid."""

    id: str
    amount: int
    currency: str
    status: str
    created_at: Moment
    amount_paid: int = 0
    receipt: str | None = None
    attempts: int = 0
    notes: dict[str, str] = {}


class VendorPayment(msgspec.Struct, frozen=True):
    """One attempt to pay. States: created, authorized, captured, refunded, failed.

    A payment that Razorpay gave back by itself is `refunded` and not `captured`. `fee` holds the `tax`, and both are
    known once it is captured.
    """

    id: str
    amount: int
    currency: str
    status: str
    created_at: Moment
    order_id: str | None = None
    captured: bool = False
    amount_refunded: int = 0
    refund_status: str | None = None
    method: str | None = None
    international: bool = False
    fee: int | None = None
    tax: int | None = None
    email: str | None = None
    contact: str | None = None
    description: str | None = None
    error_code: str | None = None
    error_description: str | None = None
    error_source: str | None = None
    error_step: str | None = None
    error_reason: str | None = None
    notes: dict[str, str] = {}


class VendorRefund(msgspec.Struct, frozen=True):
    """Money that goes back. States: pending, processed, failed."""

    id: str
    payment_id: str
    amount: int
    currency: str
    status: str
    created_at: Moment
    receipt: str | None = None
    speed_processed: str | None = None
    notes: dict[str, str] = {}


class VendorCustomer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is asked to pay by a link."""

    name: str | None = None
    email: str | None = None
    contact: str | None = None


class VendorLinkPayment(msgspec.Struct, frozen=True):
    """A payment of a link, by its id."""

    payment_id: str


class VendorLink(msgspec.Struct, frozen=True):
    """A page of Razorpay's where anybody who has its address pays.

    States: created, partially_paid, paid, cancelled, expired. A link without an end has no `expire_by`.
    """

    id: str
    amount: int
    currency: str
    status: str
    short_url: str
    created_at: Moment
    amount_paid: int = 0
    reference_id: str | None = None
    order_id: str | None = None
    expire_by: Moment | None = None
    payments: list[VendorLinkPayment] = []
    notes: dict[str, str] = {}


class VendorDispute(msgspec.Struct, frozen=True):
    """A payer asked their bank for the money. States: open, under_review, won, lost, closed."""

    id: str
    payment_id: str
    amount: int
    currency: str
    status: str
    created_at: Moment
    amount_deducted: int = 0
    phase: str | None = None
    reason_code: str | None = None
    respond_by: Moment | None = None


class VendorSettlement(msgspec.Struct, frozen=True):
    """A transfer to our bank account. States: created, processed, failed. `utr` is the bank's name of it."""

    id: str
    amount: int
    status: str
    created_at: Moment
    fees: int = 0
    tax: int = 0
    utr: str | None = None


class VendorSettlementItem(msgspec.Struct, frozen=True):
    """A line of a settlement: a payment, refund, transfer or adjustment. `credit` less `debit` reaches the bank."""

    entity_id: str
    type: str
    amount: int
    currency: str
    created_at: Moment
    debit: int = 0
    credit: int = 0
    fee: int = 0
    tax: int = 0
    settled: bool = False
    on_hold: bool = False
    settled_at: Moment | None = None
    settlement_id: str | None = None
    settlement_utr: str | None = None
    payment_id: str | None = None
    order_id: str | None = None
    order_receipt: str | None = None
    dispute_id: str | None = None
    method: str | None = None
    description: str | None = None


EntityT = TypeVar("EntityT", bound=msgspec.Struct)


def entity(kind: type[EntityT], raw: Mapping[str, Any]) -> EntityT:
    """An entity from Razorpay's JSON, such as `payload["payment"]["entity"]` of a webhook.

    Raises msgspec.ValidationError for what is no such entity.
    """
    values: dict[str, Any] = {}
    for item in _fields(kind):
        value = raw.get(item.encode_name)
        if item.name == "notes":
            values[item.name] = _notes(value)
        elif value is None and not item.required:
            # Null where a value is not known yet.
            continue
        elif item.name == "currency" and isinstance(value, str):
            values[item.name] = value.upper()
        elif item.type == Moment:
            values[item.name] = msgspec.convert(value, Moment, strict=False)
        elif item.type == Moment | None:
            # A time that never comes is 0.
            values[item.name] = msgspec.convert(value or None, Moment | None, strict=False)
        else:
            values[item.name] = value
    return msgspec.convert(values, kind)


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _notes(raw: object) -> dict[str, str]:
    """No notes are an empty list, those of a settlement's line are a text, and a value may be a number."""
    if not isinstance(raw, Mapping):
        return {}
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()}
