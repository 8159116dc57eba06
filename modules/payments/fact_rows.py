"""What the rows of payments say of the facts: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.analytics.facade import Counted
from modules.payments.events import OrderCreated, PaymentCaptured, PaymentRefunded

MADE: Final = """
    SELECT currency AS label, count(*) AS count, sum(amount)::bigint AS value FROM payments_order
    WHERE created_at >= $1 AND created_at < $2 GROUP BY currency
"""
PAID: Final = """
    SELECT currency AS label, count(*) AS count, sum(amount)::bigint AS value FROM payments_order
    WHERE paid_at >= $1 AND paid_at < $2 GROUP BY currency
"""
REVENUE: Final = """
    SELECT currency AS label, count(*) AS count, sum(amount)::bigint AS value FROM payments_order
    WHERE paid_at >= $1 AND paid_at < $2 AND amount > 0 GROUP BY currency
"""
ORDERS: Final = """
    SELECT id AS order_id, program_id, user_id, amount, currency, created_at AS at FROM payments_order
    WHERE created_at >= $1 AND created_at < $2
"""
CAPTURED: Final = """
    SELECT paid_by, program_id, user_id, id AS order_id, amount, currency, paid_at AS at FROM payments_order
    WHERE paid_at >= $1 AND paid_at < $2
"""
REFUNDED: Final = """
    SELECT payment_id, program_id, user_id, order_id, refund.id AS refund_id, refund.amount, refund.currency,
        processed_at AS at
    FROM payments_refund AS refund
    JOIN payments_payment AS payment ON payment.id = payment_id
    JOIN payments_order AS ordered ON ordered.id = payment.order_id AND ordered.paid_by = payment.id
    WHERE processed_at >= $1 AND processed_at < $2
"""


async def made_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """Orders that were made then, by currency."""
    return await _counted(database, MADE, since, until)


async def paid_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """Orders that were paid then, also those that cost nothing, by currency."""
    return await _counted(database, PAID, since, until)


async def revenue_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """What was paid then, by currency."""
    return await _counted(database, REVENUE, since, until)


async def source_events(
    database: Database, since: datetime, until: datetime
) -> AsyncIterator[tuple[msgspec.Struct, datetime]]:
    """Orders, payments and refunds as the rows tell of them. When an attempt failed no row says."""
    for row in await database.fetch(ORDERS, since, until):
        event = msgspec.convert(row, OrderCreated)
        yield event, event.at
    for row in await database.fetch(CAPTURED, since, until):
        yield (
            PaymentCaptured(
                row["paid_by"],
                row["program_id"],
                row["user_id"],
                row["order_id"],
                row["amount"],
                row["currency"],
                row["at"],
            ),
            row["at"],
        )
    for row in await database.fetch(REFUNDED, since, until):
        # Whether the place went with it makes no difference to a figure.
        yield msgspec.convert(dict(row), PaymentRefunded), row["at"]


async def _counted(database: Database, statement: str, since: datetime, until: datetime) -> Mapping[str, Counted]:
    return {row["label"]: Counted(row["count"], row["value"]) for row in await database.fetch(statement, since, until)}
