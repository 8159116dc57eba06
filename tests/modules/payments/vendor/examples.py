"""Entities as Razorpay answers them."""

from __future__ import annotations

from typing import Any

AT = 1_700_000_000


def order(**changed: Any) -> dict[str, Any]:
    return {
        "id": "order_1",
        "entity": "order",
        "amount": 49900,
        "amount_paid": 0,
        "currency": "INR",
        "receipt": "r-1",
        "status": "created",
        "attempts": 0,
        "notes": [],
        "created_at": AT,
    } | changed


def payment(**changed: Any) -> dict[str, Any]:
    return {
        "id": "pay_1",
        "entity": "payment",
        "amount": 49900,
        "currency": "INR",
        "status": "authorized",
        "captured": False,
        "order_id": "order_1",
        "notes": [],
        "created_at": AT,
    } | changed


def captured(**changed: Any) -> dict[str, Any]:
    return payment(status="captured", captured=True, fee=1000, tax=180) | changed


def refund(**changed: Any) -> dict[str, Any]:
    return {
        "id": "rfnd_1",
        "entity": "refund",
        "payment_id": "pay_1",
        "amount": 10000,
        "currency": "INR",
        "status": "pending",
        "receipt": None,
        "notes": {"idempotency_key": "refund-0001"},
        "created_at": AT,
    } | changed


def link(**changed: Any) -> dict[str, Any]:
    return {
        "id": "plink_1",
        "amount": 49900,
        "amount_paid": 0,
        "currency": "INR",
        "status": "created",
        "reference_id": "ref-1",
        "short_url": "https://rzp.io/i/1",
        "expire_by": AT,
        "notes": None,
        "created_at": AT,
    } | changed


def collection(*items: dict[str, Any]) -> dict[str, Any]:
    return {"entity": "collection", "count": len(items), "items": list(items)}
