"""Reads what an operator watches: success rates, what is stuck, and open differences. Each gateway reads for itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.contract import Database
from modules.payments.reconciliation import metrics

RECENT: Final = timedelta(days=1)
# Seconds: in which an order should be decided, an hour, a day, and the longest that a bank takes.
AGES: Final = (900, 3600, 86_400, 259_200)

ORDERS: Final = """
    SELECT count(*) FILTER (WHERE state IN ('paid', 'refunded')) AS paid,
        count(*) FILTER (WHERE state IN ('expired', 'cancelled')) AS unpaid,
        count(*) FILTER (WHERE state IN ('created', 'open', 'confirming')) AS open
    FROM payments_order WHERE created_at >= $1 AND amount > 0
"""
ATTEMPTS: Final = """
    SELECT count(*) FILTER (WHERE captured) AS captured,
        count(*) FILTER (WHERE state = 'failed' AND NOT captured) AS failed,
        count(*) FILTER (WHERE state IN ('created', 'authorized') AND NOT captured) AS open
    FROM payments_payment WHERE created_at >= $1
"""
STUCK: Final = """
    SELECT age,
        (SELECT count(*) FROM payments_order WHERE state IN ('created', 'open', 'confirming')
            AND created_at < $1::timestamptz - make_interval(secs => age)
            AND (state = 'confirming' OR expires_at < $1)) AS orders,
        (SELECT count(*) FROM payments_refund WHERE state IN ('requested', 'pending')
            AND created_at < $1::timestamptz - make_interval(secs => age)) AS refunds
    FROM unnest($2::float8[]) AS age
"""
DIFFERENCES: Final = "SELECT count(*) AS open FROM payments_difference WHERE resolved_at IS NULL"


class Gauges:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, now: datetime) -> None:
        """Raises Unavailable."""
        since = now - RECENT
        (orders,) = await self._database.fetch(ORDERS, since)
        for outcome, count in orders.items():
            metrics.orders.labels(outcome).set(count)
        (attempts,) = await self._database.fetch(ATTEMPTS, since)
        for outcome, count in attempts.items():
            metrics.attempts.labels(outcome).set(count)
        for row in await self._database.fetch(STUCK, now, [float(age) for age in AGES]):
            metrics.unfinished.labels("orders", str(int(row["age"]))).set(row["orders"])
            metrics.unfinished.labels("refunds", str(int(row["age"]))).set(row["refunds"])
        (differences,) = await self._database.fetch(DIFFERENCES)
        metrics.open_differences.set(differences["open"])
