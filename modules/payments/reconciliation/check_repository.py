"""What is due to be compared with the vendor: every statement, and what it gives.

A statement claims what it returns until its next time, so that of several gateways one takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.contract import Database

# The time to the next comparison doubles with each, up to a longest.
CLAIM: Final = """
    INSERT INTO payments_check (kind, subject, checks, next_at)
    SELECT $1, due.id, due.checks + 1, $2::timestamptz + least($3::interval * (2 ^ least(due.checks, 20)), $4::interval)
    FROM ({due}) AS due
    ON CONFLICT (kind, subject) DO UPDATE SET checks = EXCLUDED.checks, next_at = EXCLUDED.next_at
        WHERE payments_check.next_at <= $2::timestamptz
    RETURNING subject
"""
DUE_ORDERS: Final = """
    SELECT ordered.id, coalesce(checked.checks, 0) AS checks FROM payments_order AS ordered
    LEFT JOIN payments_check AS checked ON checked.kind = $1 AND checked.subject = ordered.id
    WHERE ordered.state IN ('created', 'open', 'confirming', 'expired', 'cancelled') AND ordered.amount > 0
        AND ordered.expires_at > $2::timestamptz - $5::interval
        AND coalesce(checked.next_at, ordered.created_at + $3::interval) <= $2::timestamptz
    ORDER BY ordered.created_at LIMIT $6
"""
DUE_REFUNDS: Final = """
    SELECT refund.id, coalesce(checked.checks, 0) AS checks FROM payments_refund AS refund
    LEFT JOIN payments_check AS checked ON checked.kind = $1 AND checked.subject = refund.id
    WHERE refund.state IN ('requested', 'pending')
        AND coalesce(checked.next_at, refund.created_at + $3::interval) <= $2::timestamptz
    ORDER BY refund.created_at LIMIT $5
"""
CLAIM_DAYS: Final = """
    INSERT INTO payments_settlement_day (day, claimed_at)
    SELECT day, $1 FROM unnest($2::date[]) AS day
    ON CONFLICT (day) DO UPDATE SET claimed_at = EXCLUDED.claimed_at WHERE payments_settlement_day.claimed_at < $3
    RETURNING day
"""
FORGET: Final = "DELETE FROM payments_check WHERE next_at < $1"
ORDERS_SINCE: Final = """
    SELECT id FROM payments_order WHERE created_at >= $1 AND amount > 0 AND id > $2 ORDER BY id LIMIT 500
"""
REFUNDS_SINCE: Final = """
    SELECT id FROM payments_refund WHERE created_at >= $1 AND state IN ('requested', 'pending') ORDER BY id
"""


class Intervals(msgspec.Struct, frozen=True):
    """When what is not finished is compared: first so long after it was made, then at growing intervals."""

    first: timedelta
    most: timedelta


class CheckRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due_orders(self, now: datetime, intervals: Intervals, window: timedelta, most: int) -> list[str]:
        """Orders that are not paid, and those whose time is over for less than `window`."""
        return await self._claim(DUE_ORDERS, "order", now, intervals, window, most)

    async def due_refunds(self, now: datetime, intervals: Intervals, most: int) -> list[str]:
        return await self._claim(DUE_REFUNDS, "refund", now, intervals, most)

    async def due_days(self, now: datetime, days: Sequence[date], since: datetime) -> list[date]:
        """Those of these days whose settlements nobody compares since then."""
        rows = await self._database.fetch(CLAIM_DAYS, now, list(days), since)
        return sorted(row["day"] for row in rows)

    async def forget(self, before: datetime) -> None:
        """Remove what is finished for long."""
        await self._database.fetch(FORGET, before)

    async def orders_since(self, since: datetime, after: str) -> list[str]:
        """A page of the orders that were made since then, by their ids."""
        return [row["id"] for row in await self._database.fetch(ORDERS_SINCE, since, after)]

    async def refunds_since(self, since: datetime) -> list[str]:
        return [row["id"] for row in await self._database.fetch(REFUNDS_SINCE, since)]

    async def _claim(self, due: str, kind: str, now: datetime, intervals: Intervals, *more: Any) -> list[str]:
        statement = CLAIM.format(due=due)
        rows = await self._database.fetch(statement, kind, now, intervals.first, intervals.most, *more)
        return [row["subject"] for row in rows]
