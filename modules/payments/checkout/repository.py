"""The rows of orders: every statement, and what it gives.

Lock order, which everybody keeps: what the vendor's order is called (`lock_vendor_order`), then the order's row, then
the rows of its payments. Refunds are changed under the lock of their order, or of a payment that has no order yet.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.payments.checkout.messages import OrderView
from modules.payments.checkout.records import Order
from modules.payments.checkout.tables import OrderRow
from modules.payments.states import UNPAID, OrderState

FIELDS: Final = Order.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
NEWEST: Final = Sort("newest", (OrderRow.id,), descending=True)

INSERT: Final = f"""
    INSERT INTO payments_order ({COLUMNS}) VALUES ({", ".join(f"${number}" for number, _ in enumerate(FIELDS, 1))})
"""  # noqa: S608
READ: Final = f"SELECT {COLUMNS} FROM payments_order WHERE"  # noqa: S608
# The vendor's order is known. Payments of it that came before have waited for that.
OPEN: Final = f"""
    UPDATE payments_order SET vendor_order_id = $2, rev = rev + 1,
        state = CASE WHEN state = 'created' THEN 'open' ELSE state END
    WHERE id = $1 RETURNING {COLUMNS}
"""  # noqa: S608
ATTACH: Final = "UPDATE payments_payment SET order_id = $1 WHERE vendor_order_id = $2 AND order_id IS NULL"
WRITE: Final = f"""
    UPDATE payments_order SET state = $2, paid_by = $3, paid_at = $4, refunded = $5, rev = rev + 1
    WHERE id = $1 RETURNING {COLUMNS}
"""  # noqa: S608
# Ours alone: other modules lock rows, or other numbers.
ADVISORY: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 20260111))"
HELD: Final = """
    SELECT count(*) AS held FROM payments_order WHERE program_id = $1 AND user_id <> $2 AND state = ANY($3)
"""


class OrderRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, order: Order) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(order))

    async def find(self, id: str) -> Order | None:
        return await self._one("id = $1", id)

    async def find_by_vendor_order(self, vendor_order_id: str) -> Order | None:
        return await self._one("vendor_order_id = $1", vendor_order_id)

    async def find_by_receipt(self, receipt: str) -> Order | None:
        return await self._one("receipt = $1", receipt)

    async def lock(self, id: str) -> Order | None:
        return await self._one("id = $1 FOR NO KEY UPDATE", id)

    async def lock_by_vendor_order(self, vendor_order_id: str) -> Order | None:
        return await self._one("vendor_order_id = $1 FOR NO KEY UPDATE", vendor_order_id)

    async def lock_by_receipt(self, receipt: str) -> Order | None:
        """The order, or link, that carries this receipt of ours at the vendor."""
        return await self._one("receipt = $1 FOR NO KEY UPDATE", receipt)

    async def lock_by_payment(self, payment_id: str) -> Order | None:
        condition = "id = (SELECT order_id FROM payments_payment WHERE id = $1) FOR NO KEY UPDATE"
        return await self._one(condition, payment_id)

    async def lock_unpaid(self, user_id: str, program_id: str) -> Order | None:
        """The one order that the user may still pay for the program."""
        condition = "user_id = $1 AND program_id = $2 AND state = ANY($3) FOR NO KEY UPDATE"
        return await self._one(condition, user_id, program_id, [*UNPAID])

    async def lock_vendor_order(self, vendor_order_id: str) -> None:
        """Until the transaction ends nobody else learns whose this vendor's order is. Taken before any row."""
        await self._database.fetch(ADVISORY, f"vendor order {vendor_order_id}")

    async def lock_places(self, program_id: str) -> None:
        """Until the transaction ends nobody else orders a place in the program. Taken before any row."""
        await self._database.fetch(ADVISORY, f"places of {program_id}")

    async def count_held(self, program_id: str, user_id: str) -> int:
        """How many others may still pay for a place in the program."""
        held: int = (await self._database.fetch(HELD, program_id, user_id, [*UNPAID]))[0]["held"]
        return held

    async def open(self, id: str, vendor_order_id: str) -> Order:
        """The vendor's order of a locked order is known; its payments that came before belong to it now."""
        order = msgspec.convert((await self._database.fetch(OPEN, id, vendor_order_id))[0], Order)
        await self._database.fetch(ATTACH, id, vendor_order_id)
        return order

    async def write(
        self, id: str, state: OrderState, paid_by: str | None, paid_at: datetime | None, refunded: int
    ) -> Order:
        """What became of a locked order; its revision rises."""
        return msgspec.convert((await self._database.fetch(WRITE, id, state, paid_by, paid_at, refunded))[0], Order)

    async def page(self, user_id: str | None, span: Span) -> Page[OrderView]:
        """Orders that this user pays or gets the place of; of everybody with None. The newest first."""
        query = OrderRow.select(*(getattr(OrderRow, name) for name in OrderView.__struct_fields__))
        if user_id is not None:
            query = query.where((OrderRow.user_id == user_id) | (OrderRow.buyer_id == user_id))
        return await page_of(query, NEWEST, span, OrderView)

    async def _one(self, condition: str, *arguments: Any) -> Order | None:
        for row in await self._database.fetch(f"{READ} {condition}", *arguments):
            return msgspec.convert(row, Order)
        return None
