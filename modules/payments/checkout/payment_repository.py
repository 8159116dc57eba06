"""The rows of payments and refunds: every statement, and what it gives.

They are changed under the lock of their order's row. A payment without an order is locked itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from modules.payments.checkout.records import Payment, Refund

PAYMENT_FIELDS: Final = Payment.__struct_fields__
PAYMENT: Final = ", ".join(PAYMENT_FIELDS)
REFUND_FIELDS: Final = Refund.__struct_fields__
REFUND: Final = ", ".join(REFUND_FIELDS)


def _places(fields: Sequence[str]) -> str:
    return ", ".join(f"${number}" for number, _ in enumerate(fields, 1))


# The update of nothing locks the row that is there.
LOCK: Final = f"""
    INSERT INTO payments_payment AS known (id, state, seen_at) VALUES ($1, 'unknown', $2)
    ON CONFLICT (id) DO UPDATE SET seen_at = known.seen_at RETURNING {PAYMENT}
"""  # noqa: S608
WRITE: Final = f"""
    UPDATE payments_payment SET {", ".join(f"{name} = ${place}" for place, name in enumerate(PAYMENT_FIELDS, 1))},
        seen_at = ${len(PAYMENT_FIELDS) + 1}
    WHERE id = $1
"""  # noqa: S608
OF_ORDER: Final = f"""
    SELECT {PAYMENT} FROM payments_payment WHERE order_id = $1 ORDER BY created_at NULLS LAST, id
"""  # noqa: S608
REFUNDS_OF_ORDER: Final = f"""
    SELECT {", ".join(f"refund.{name}" for name in REFUND_FIELDS)} FROM payments_refund AS refund
    JOIN payments_payment AS payment ON payment.id = refund.payment_id
    WHERE payment.order_id = $1 ORDER BY refund.created_at, refund.id
"""  # noqa: S608
# A refund of ours carries its id as the receipt at the vendor.
FIND_REFUND: Final = f"""
    SELECT {REFUND} FROM payments_refund WHERE vendor_refund_id = $1 OR id = $2 AND payment_id = $3
    ORDER BY vendor_refund_id = $1 DESC NULLS LAST LIMIT 1
"""  # noqa: S608
ADD_REFUND: Final = f"""
    INSERT INTO payments_refund ({REFUND}) VALUES ({_places(REFUND_FIELDS)}) ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608
WRITE_REFUND: Final = """
    UPDATE payments_refund SET vendor_refund_id = $2, state = $3, processed_at = $4, rev = rev + 1 WHERE id = $1
"""

# What the payer's bank took by disputes.
LOST: Final = "SELECT coalesce(sum(deducted), 0) AS lost FROM payments_dispute WHERE payment_id = $1 AND state = 'lost'"


class PaymentRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, id: str, now: datetime) -> Payment:
        """The payment's row, which is made when nothing was known of it yet."""
        return msgspec.convert((await self._database.fetch(LOCK, id, now))[0], Payment)

    async def write(self, payment: Payment, now: datetime) -> None:
        await self._database.fetch(WRITE, *msgspec.structs.astuple(payment), now)

    async def of_order(self, order_id: str) -> list[Payment]:
        return await self._list(Payment, OF_ORDER, order_id)

    async def refunds_of_order(self, order_id: str) -> list[Refund]:
        return await self._list(Refund, REFUNDS_OF_ORDER, order_id)

    async def find_refund(self, vendor_refund_id: str, receipt: str, payment_id: str) -> Refund | None:
        """The refund that the vendor calls so, or that we gave this receipt."""
        found = await self._list(Refund, FIND_REFUND, vendor_refund_id, receipt, payment_id)
        return found[0] if found else None

    async def add_refund(self, refund: Refund) -> None:
        await self._database.fetch(ADD_REFUND, *msgspec.structs.astuple(refund))

    async def write_refund(self, refund: Refund) -> None:
        """Its vendor's id, state, and whether it is counted; its revision rises."""
        await self._database.fetch(WRITE_REFUND, refund.id, refund.vendor_refund_id, refund.state, refund.processed_at)

    async def lost(self, payment_id: str) -> int:
        """How much of a payment was lost by disputes."""
        return int((await self._database.fetch(LOST, payment_id))[0]["lost"])

    async def _list(self, kind: type[Any], statement: str, *arguments: Any) -> list[Any]:
        return [msgspec.convert(row, kind) for row in await self._database.fetch(statement, *arguments)]
