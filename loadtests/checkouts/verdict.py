"""Compares what the gateways hold with the vendor's books: who is enrolled, what went back, and the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import asyncpg

# Money that the vendor holds for us, or has sent to the bank.
OURS: Final = ("receivable", "bank")
FEES: Final = ("vendor_fees", "vendor_tax")

UNFINISHED: Final = """
    SELECT (SELECT count(*) FROM payments_refund WHERE state IN ('requested', 'pending')) AS refunds,
        (SELECT count(*) FROM payments_payment WHERE state IN ('unknown', 'created', 'authorized')
            AND order_id IS NOT NULL) AS payments,
        (SELECT count(*) FROM payments_webhook WHERE state = 'received') AS webhooks,
        (SELECT count(*) FROM payments_order WHERE state IN ('created', 'confirming')) AS orders,
        (SELECT count(*) FROM outbox WHERE sent_at IS NULL) AS outbox
"""


async def unfinished(database: asyncpg.Pool, books: dict[str, Any]) -> dict[str, int]:
    """What still has to happen, by what; empty when everything has."""
    row = await database.fetchrow(UNFINISHED)
    left = {name: int(row[name]) for name in row.keys() if row[name]}  # noqa: SIM118 - a record is no mapping.
    known = {row["id"]: row for row in await database.fetch("SELECT id, captured, fee FROM payments_payment")}
    captured = [one for one in books["payments"] if one["captured"]]
    missing = [one for one in captured if one["id"] not in known or not known[one["id"]]["captured"]]
    unbooked = [one for one in captured if one["id"] in known and known[one["id"]]["fee"] is None]
    refunds = {row["vendor_refund_id"] for row in await database.fetch("SELECT vendor_refund_id FROM payments_refund")}
    unheard = [one for one in books["refunds"] if one["id"] not in refunds and not one["automatic"]]
    undecided = await database.fetchval(
        """
        SELECT count(*) FROM payments_order WHERE paid_by IS NOT NULL
            AND NOT EXISTS (SELECT FROM program_payment WHERE payment_id = paid_by)
        """
    )
    uninvoiced = await database.fetchval(
        """
        SELECT count(*) FROM payments_order WHERE paid_by IS NOT NULL AND amount > 0
            AND NOT EXISTS (SELECT FROM payments_invoice WHERE order_id = payments_order.id AND refund_id IS NULL)
        """
    )
    counted = {
        "captured payments unknown": len(missing),
        "fees unknown": len(unbooked),
        "refunds unheard of": len(unheard),
        "places undecided": undecided,
        "invoices missing": uninvoiced,
    }
    return left | {name: count for name, count in counted.items() if count}


async def faults(database: asyncpg.Pool, books: dict[str, Any]) -> list[str]:
    """Each promise that was broken, as a sentence."""
    return [
        *await _places(database, books),
        *_refunds(books),
        *await _ledger(database, books),
        *await _invoices(database),
        *await _coupons(database),
    ]


async def _places(database: asyncpg.Pool, books: dict[str, Any]) -> list[str]:
    """Enrolled is who has paid, by the vendor's books, and was not given all of it back; and nobody else."""
    orders = await database.fetch(
        "SELECT id, user_id, program_id, receipt, vendor_order_id, amount, paid_by, state FROM payments_order"
    )
    by_vendor = {row["vendor_order_id"]: row for row in orders if row["vendor_order_id"]}
    given_back: Counter[str] = Counter()
    for refund in books["refunds"]:
        if refund["status"] != "failed":
            given_back[refund["payment_id"]] += refund["amount"]
    kept: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    found = []
    for payment in books["payments"]:
        if not payment["captured"] or given_back[payment["id"]] >= payment["amount"]:
            continue
        order = by_vendor.get(payment["order_id"])
        if order is None:
            found.append(f"{payment['id']} was captured for {payment['order_id']}, which is no order of ours")
            continue
        kept[order["user_id"], order["program_id"]].append(payment["id"])
    programs = {row["program_id"] for row in orders}
    enrolled = {
        (row["user_id"], row["program_id"]): row["payment_id"]
        for row in await database.fetch(
            "SELECT user_id, program_id, payment_id FROM program_enrolment "
            "WHERE state = 'enrolled' AND program_id = ANY($1)",
            list(programs),
        )
    }
    for who, payments in kept.items():
        if len(payments) > 1:
            found.append(f"{who[0]} has paid twice for a place: {', '.join(payments)}")
        if who not in enrolled:
            found.append(f"{who[0]} has paid ({', '.join(payments)}), and is not enrolled")
    found += [f"{user} is enrolled by {paid}, and has not paid" for (user, program), paid in enrolled.items()
              if (user, program) not in kept]  # fmt: skip
    return found


def _refunds(books: dict[str, Any]) -> list[str]:
    """No payment goes back twice."""
    amounts = {one["id"]: one["amount"] for one in books["payments"]}
    given_back: Counter[str] = Counter()
    for refund in books["refunds"]:
        if refund["status"] != "failed":
            given_back[refund["payment_id"]] += refund["amount"]
    return [f"{id} was given back {total} of {amounts[id]}" for id, total in given_back.items() if total > amounts[id]]


async def _ledger(database: asyncpg.Pool, books: dict[str, Any]) -> list[str]:
    rows = await database.fetch("SELECT account, sum(amount) AS total FROM payments_ledger_entry GROUP BY account")
    balances = {row["account"]: int(row["total"]) for row in rows}
    totals = books["totals"]
    ours = sum(balances.get(name, 0) for name in OURS)
    fees = sum(balances.get(name, 0) for name in FEES)
    uneven = await database.fetch(
        "SELECT transaction_id FROM payments_ledger_entry GROUP BY transaction_id, currency HAVING sum(amount) <> 0"
    )
    found = [f"ledger transaction {row['transaction_id']} does not sum to zero" for row in uneven]
    if sum(balances.values()):
        found.append(f"the ledger sums to {sum(balances.values())}")
    if ours != totals["net"]:
        found.append(f"the vendor owes us {totals['net']}, and the ledger says {ours}")
    if fees != totals["fees"]:
        found.append(f"the vendor's fees are {totals['fees']}, and the ledger says {fees}")
    if balances.get("vendor_tax", 0) != totals["tax"]:
        found.append(f"the tax in them is {totals['tax']}, and the ledger says {balances.get('vendor_tax', 0)}")
    return found


async def _invoices(database: asyncpg.Pool) -> list[str]:
    """Numbers without a gap, one document for each paid order and each processed refund of one."""
    rows = await database.fetch(
        """
        SELECT series, year, count(*) AS documents, count(DISTINCT sequence) AS numbers, max(sequence) AS last
        FROM payments_invoice GROUP BY series, year
        """
    )
    found = [
        f"series {row['series']}/{row['year']} has {row['documents']} documents, and its last number is {row['last']}"
        for row in rows
        if not row["documents"] == row["numbers"] == row["last"]
    ]
    twice = await database.fetch(
        "SELECT order_id FROM payments_invoice WHERE refund_id IS NULL GROUP BY order_id HAVING count(*) > 1"
    )
    return found + [f"order {row['order_id']} has two invoices" for row in twice]


async def _coupons(database: asyncpg.Pool) -> list[str]:
    rows = await database.fetch(
        """
        SELECT code, limit_total, used,
            (SELECT count(*) FROM payments_coupon_use WHERE coupon_id = payments_coupon.id) AS uses
        FROM payments_coupon
        """
    )
    return [f"coupon {row['code']}: {row['used']} uses by its row, {row['uses']} by its orders" for row in rows
            if row["used"] != row["uses"]]  # fmt: skip
