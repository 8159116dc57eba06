"""What payments holds on a user, and what goes when they are deleted.

What was sold must be kept for the tax authorities, with the name and address of an invoice. So an order that was paid
stays as it is, and one that never was loses what the user wrote for its invoice.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Database

# Each takes the user's id.
HELD: Final = {
    "orders": """
        SELECT id, program_id, title, state, currency, amount, refunded, place_of_supply, billing_name, billing_address,
            gstin, coupon_code, created_at, paid_at
        FROM payments_order WHERE user_id = $1 OR buyer_id = $1 ORDER BY id
    """,
    "payments": """
        SELECT payment.id, order_id, payment.state, payment.amount, payment.currency, method, error_text,
            payment.created_at
        FROM payments_payment AS payment JOIN payments_order AS ordered ON ordered.id = order_id
        WHERE user_id = $1 OR buyer_id = $1 ORDER BY payment.created_at, payment.id
    """,
    "invoices": """
        SELECT id, kind, number, order_id, title, currency, total, issued_at,
            snapshot -> 'buyer' ->> 'name' AS billed_to
        FROM payments_invoice WHERE user_id = $1 OR buyer_id = $1 ORDER BY id
    """,
    "refunds": """
        SELECT refund.id, payment_id, refund.state, refund.amount, refund.currency, reason, refund.created_at
        FROM payments_refund AS refund JOIN payments_payment AS payment ON payment.id = payment_id
        JOIN payments_order AS ordered ON ordered.id = order_id
        WHERE user_id = $1 OR buyer_id = $1 ORDER BY refund.created_at, refund.id
    """,
}
FORGET: Final = """
    UPDATE payments_order SET billing_name = '', billing_address = '', gstin = '', rev = rev + 1
    WHERE (user_id = $1 OR buyer_id = $1) AND paid_by IS NULL
        AND (billing_name <> '' OR billing_address <> '' OR gstin <> '')
"""
# The user gives up what they have not paid. What comes all the same is refunded, since there is no place.
UNPAID_OF: Final = """
    SELECT id FROM payments_order WHERE (user_id = $1 OR buyer_id = $1) AND state IN ('created', 'open') ORDER BY id
"""


class PersonalDataRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, user: str) -> dict[str, Any]:
        """What an export shows, without what is empty."""
        found = {what: await self._database.fetch(statement, user) for what, statement in HELD.items()}
        return {what: [dict(row) for row in rows] for what, rows in found.items() if rows}

    async def unpaid(self, user: str) -> list[str]:
        """The orders that the user may still pay, in the order in which all transactions lock them."""
        return [row["id"] for row in await self._database.fetch(UNPAID_OF, user)]

    async def forget(self, user: str) -> None:
        await self._database.fetch(FORGET, user)
