"""Orders that somebody tried to pay, and those of them that were paid."""

from __future__ import annotations

from gateway.contract import Database
from modules.analytics.measures.conditions import Conditions
from modules.analytics.measures.counts_repository import column_of
from modules.analytics.measures.reading import Reading
from modules.analytics.measures.spread import Placed


class PaymentRepository:
    """Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tried(self, reading: Reading) -> list[Placed]:
        """Orders by the time of their last attempt, and how many of them are paid by now."""
        where = Conditions(reading.query)
        limits, since, until = (where.add(one) for one in reading.limits)
        statement = f"""
            SELECT width_bucket(tried.at, {limits}::timestamptz[]) AS span,
                {column_of(reading.query, "tried")} AS key, count(paid.key) AS numerator, count(*) AS denominator
            FROM analytics_register AS tried
            LEFT JOIN analytics_register AS paid ON paid.name = 'payments.order_paid' AND paid.key = tried.key
            WHERE tried.name = 'payments.order_attempted' AND tried.at >= {since} AND tried.at < {until}
                {where.within("tried")}
            GROUP BY 1, 2 LIMIT {where.add(reading.most_rows + 1)}
        """  # noqa: S608
        return Placed.rows(await self._database.fetch(statement, *where.arguments), reading.most_rows)
