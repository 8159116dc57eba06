"""What became of orders: paid, attended, completed."""

from __future__ import annotations

from typing import Final

from gateway.contract import Database
from modules.analytics.measures.conditions import Conditions
from modules.analytics.measures.reading import Reading

STEPS: Final = ("ordered", "paid", "attended", "completed")


class FunnelRepository:
    """Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def steps(self, reading: Reading) -> tuple[dict[str, int], dict[str, int]]:
        """How many of the window's orders came how far, and of those of the window before.

        Each step holds only orders of the step before. Who came to a class with an earlier place has attended.
        """
        where = Conditions(reading.query)
        window, before = reading.query.window, reading.previous
        since, limit, until = where.add(before.since), where.add(window.since), where.add(window.until)
        statement = f"""
            WITH orders AS (
                SELECT at >= {limit} AS inside, key, program_id, subject FROM analytics_register AS made
                WHERE name = 'payments.order_made' AND at >= {since} AND at < {until} {where.within("made")}
            ), progress AS (
                SELECT inside, paid.key IS NOT NULL AS paid, EXISTS (
                    SELECT FROM analytics_register AS came
                    WHERE came.name = 'live.attended' AND came.label IN ('present', 'late', 'partial', 'guest')
                        AND came.subject = orders.subject AND came.program_id = orders.program_id
                ) AS attended, completed.key IS NOT NULL AS completed
                FROM orders
                LEFT JOIN analytics_register AS paid ON paid.name = 'payments.order_paid' AND paid.key = orders.key
                LEFT JOIN analytics_register AS completed ON completed.name = 'programs.completed'
                    AND completed.key = analytics_register_key(orders.program_id, orders.subject)
            )
            SELECT inside, count(*) AS ordered, count(*) FILTER (WHERE paid) AS paid,
                count(*) FILTER (WHERE paid AND attended) AS attended,
                count(*) FILTER (WHERE paid AND attended AND completed) AS completed
            FROM progress GROUP BY inside
        """  # noqa: S608
        rows = {row["inside"]: row for row in await self._database.fetch(statement, *where.arguments)}
        inside, earlier = (
            {step: rows[which][step] if which in rows else 0 for step in STEPS} for which in (True, False)
        )
        return inside, earlier
