"""What of a webhook is kept: the fields that payments uses, and nothing of cards, accounts and people.

Razorpay sends the payer's e-mail, phone, card digits and bank details along. None of it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from modules.payments.vendor.entities import (
    VendorDispute,
    VendorLink,
    VendorOrder,
    VendorPayment,
    VendorRefund,
    VendorSettlement,
)

KINDS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "payment": VendorPayment,
    "order": VendorOrder,
    "refund": VendorRefund,
    "payment_link": VendorLink,
    "dispute": VendorDispute,
    "settlement": VendorSettlement,
}
# Of people, or written by them.
PERSONAL: Final = frozenset({"email", "contact", "description"})
KEPT: Final = {name: frozenset(kind.__struct_fields__) - PERSONAL for name, kind in KINDS.items()}
# Notes are whatever somebody wrote there; ours are these.
NOTES: Final = frozenset({"ksmp_order", "idempotency_key"})
# Of entities that payments knows nothing of.
STRANGE: Final = frozenset({"id", "status"})


# Another name would be no text for PostgreSQL, or none for a log; the webhook is kept without it.
NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class Envelope(msgspec.Struct, frozen=True):
    """A webhook without what is not kept. `entities` are raw, by their kind; `created_at` is when it happened."""

    event: str
    created_at: datetime | None
    entities: dict[str, dict[str, Any]]


def opened(body: bytes) -> Envelope:
    """The parts of a signed body that are kept. What is no webhook of Razorpay's has the event ''."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or not isinstance(event := raw.get("event"), str):
        return Envelope("", None, {})
    payload = raw.get("payload")
    entities = {
        kind: _kept(kind, holder["entity"])
        for kind, holder in (payload.items() if isinstance(payload, dict) else ())
        if isinstance(holder, dict) and isinstance(holder.get("entity"), dict)
    }
    return Envelope(event if NAME.fullmatch(event) else "", _moment(raw.get("created_at")), entities)


def _kept(kind: str, entity: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entity.items() if name in KEPT.get(kind, STRANGE)}
    if isinstance(notes := kept.pop("notes", None), dict):
        kept["notes"] = {name: notes[name] for name in NOTES & notes.keys()}
    return kept


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int) or not 0 < seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC)
