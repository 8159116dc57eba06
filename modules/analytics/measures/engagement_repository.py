"""Who took part in sessions, of those who came to them."""

from __future__ import annotations

from typing import Final

from gateway.contract import Database
from modules.analytics.measures.conditions import Conditions
from modules.analytics.measures.counts_repository import column_of
from modules.analytics.measures.reading import Reading
from modules.analytics.measures.spread import Placed

CAME: Final = "label IN ('present', 'late', 'partial', 'guest')"


class EngagementRepository:
    """Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def engaged(self, reading: Reading) -> list[Placed]:
        """Those who came to sessions, and how many of them took part in any way."""
        where = Conditions(reading.query)
        limits, since, until = (where.add(one) for one in reading.limits)
        statement = f"""
            SELECT width_bucket(came.at, {limits}::timestamptz[]) AS span, {column_of(reading.query, "came")} AS key,
                count(acted.subject) AS numerator, count(*) AS denominator
            FROM analytics_register AS came LEFT JOIN (
                SELECT DISTINCT session_id, subject FROM analytics_register AS took
                WHERE name = 'live.took_part' AND at >= {since} AND at < {until} {where.within("took")}
            ) AS acted ON acted.session_id = came.session_id AND acted.subject = came.subject
            WHERE came.name = 'live.attended' AND came.{CAME} AND came.at >= {since} AND came.at < {until}
                {where.within("came")}
            GROUP BY 1, 2 LIMIT {where.add(reading.most_rows + 1)}
        """  # noqa: S608
        return Placed.rows(await self._database.fetch(statement, *where.arguments), reading.most_rows)

    async def answered(self, reading: Reading) -> list[Placed]:
        """The polls of sessions: their voters, and those who came and could have voted."""
        where = Conditions(reading.query)
        limits, since, until = (where.add(one) for one in reading.limits)
        statement = f"""
            SELECT width_bucket(session.at, {limits}::timestamptz[]) AS span,
                {column_of(reading.query, "session")} AS key,
                sum(least(voters, came * polls))::bigint AS numerator, sum(came * polls)::bigint AS denominator
            FROM (
                SELECT session_id, count(*) AS polls, sum(value) AS voters FROM analytics_register AS poll
                WHERE name = 'live.poll_taken' {where.within("poll")} GROUP BY session_id
            ) AS polled JOIN (
                SELECT session_id, program_id, max(at) AS at, count(*) AS came FROM analytics_register AS came
                WHERE name = 'live.attended' AND {CAME} AND at >= {since} AND at < {until} {where.within("came")}
                GROUP BY session_id, program_id
            ) AS session USING (session_id)
            GROUP BY 1, 2 LIMIT {where.add(reading.most_rows + 1)}
        """  # noqa: S608
        return Placed.rows(await self._database.fetch(statement, *where.arguments), reading.most_rows)
