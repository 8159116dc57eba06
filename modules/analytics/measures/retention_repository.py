"""Learners of days: how many different ones, and who came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from gateway.contract import Database
from modules.analytics.errors import too_many_rows
from modules.analytics.measures.conditions import Conditions
from modules.analytics.measures.measure import Query

Days = tuple[date, date]
DAYS_A_WEEK: Final = 7


class RetentionRepository:
    """Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def learners(self, query: Query, times: Sequence[Days]) -> list[int]:
        """The number of different learners of each of these times, which follow each other."""
        where = Conditions(query)
        firsts = where.add([first for first, _ in times])
        since, until = where.add(times[0][0]), where.add(times[-1][1])
        statement = f"""
            SELECT place, count(*) AS number FROM (
                SELECT DISTINCT width_bucket(day, {firsts}::date[]) AS place, subject
                FROM analytics_learner_day AS learner WHERE day >= {since} AND day < {until} {where.within("learner")}
            ) AS learned GROUP BY place
        """  # noqa: S608
        numbers = {row["place"]: row["number"] for row in await self._database.fetch(statement, *where.arguments)}
        return [numbers.get(place, 0) for place in range(1, len(times) + 1)]

    async def both(self, query: Query, time: Days, earlier: Days) -> tuple[int, int]:
        """The number of different learners of a time, and of an earlier one."""
        where = Conditions(query)
        since, until = where.add(time[0]), where.add(time[1])
        first, end = where.add(earlier[0]), where.add(earlier[1])
        statement = f"""
            SELECT count(*) FILTER (WHERE now) AS now, count(*) FILTER (WHERE before) AS before FROM (
                SELECT bool_or(day >= {since}) AS now, bool_or(day < {end}) AS before
                FROM analytics_learner_day AS learner WHERE day >= {first} AND day < {until} {where.within("learner")}
                GROUP BY subject
            ) AS learned
        """  # noqa: S608
        (row,) = await self._database.fetch(statement, *where.arguments)
        return row["now"], row["before"]

    async def by_program(self, query: Query, time: Days, most: int) -> dict[str, int]:
        """The number of different learners of each program. Raises BadInput `analytics.too_many_rows`."""
        where = Conditions(query)
        statement = f"""
            SELECT program_id, count(DISTINCT subject) AS number FROM analytics_learner_day AS learner
            WHERE day >= {where.add(time[0])} AND day < {where.add(time[1])} AND program_id <> ''
                {where.within("learner")}
            GROUP BY 1 LIMIT {where.add(most + 1)}
        """  # noqa: S608
        rows = await self._database.fetch(statement, *where.arguments)
        if len(rows) > most:
            raise too_many_rows(most)
        return {row["program_id"]: row["number"] for row in rows}

    async def returned(self, query: Query, mondays: Sequence[date], weeks: int) -> dict[tuple[date, int], int]:
        """Of each week, named by its Monday: how many of its learners learned so many weeks later; after 0: all."""
        where = Conditions(query)
        first, last, days = where.add(mondays[0]), where.add(mondays[-1]), where.add(DAYS_A_WEEK * (weeks + 1))
        statement = f"""
            WITH learned AS (
                SELECT DISTINCT day - (day - {first}::date) % {DAYS_A_WEEK} AS week, subject
                FROM analytics_learner_day AS learner
                WHERE day >= {first}::date AND day < {last}::date + {days}::int {where.within("learner")}
            )
            SELECT base.week, (later.week - base.week) / {DAYS_A_WEEK} AS later, count(*) AS number
            FROM learned AS base JOIN learned AS later USING (subject)
            WHERE base.week <= {last}::date AND later.week >= base.week AND later.week < base.week + {days}::int
            GROUP BY 1, 2
        """  # noqa: S608
        rows = await self._database.fetch(statement, *where.arguments)
        return {(row["week"], row["later"]): row["number"] for row in rows}
