"""Counts of facts by time, and by program or session: from registers, from rollups, and from the edges of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.clock import EPOCH
from gateway.contract import Database
from modules.analytics.measures.cells import Cell
from modules.analytics.measures.conditions import Conditions
from modules.analytics.measures.measure import Dimension, Query
from modules.analytics.measures.window import BUCKET

# The column that divides, by dimension; a time divides by its boundaries alone.
COLUMNS: Final[Mapping[Dimension, str]] = {Dimension.PROGRAM: "program_id", Dimension.SESSION: "session_id"}


class Counted(msgspec.Struct, frozen=True):
    """Facts of one name and label, of the `span`th time (from 1 on) and of one key."""

    span: int
    key: str
    name: str
    label: str
    count: int
    value: int

    @property
    def cell(self) -> Cell:
        return Cell(self.count, self.value)


class CountsRepository:
    """Each statement is of a query's scope. Times are those between each two of `boundaries`, which are in order."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def days(
        self, query: Query, names: Sequence[str], boundaries: Sequence[datetime], most: int
    ) -> list[Counted]:
        """What counts of whole days, of registers and of all other names; see `are_days`. At most `most` rows."""
        where = Conditions(query)
        days = [query.window.zone.day_of(at) for at in boundaries]
        statement = f"""
            SELECT width_bucket(day, {where.add(days)}::date[]) AS span, {column_of(query, "whole")} AS key,
                name, label, sum(count)::bigint AS count, sum(value)::bigint AS value
            FROM analytics_day AS whole
            WHERE name = ANY({where.add(list(names))}::text[])
                AND day >= {where.add(days[0])} AND day < {where.add(days[-1])} {where.within("whole", subject=False)}
            GROUP BY 1, 2, 3, 4 HAVING sum(count) <> 0 LIMIT {where.add(most)}
        """  # noqa: S608
        return await self._read(statement, where.arguments)

    async def registers(
        self, query: Query, names: Sequence[str], boundaries: Sequence[datetime], most: int
    ) -> list[Counted]:
        """The latest facts of all keys, by the time of the latest fact. At most `most` rows."""
        where = Conditions(query)
        limits = where.add(list(boundaries))
        statement = f"""
            SELECT width_bucket(at, {limits}::timestamptz[]) AS span, {column_of(query, "register")} AS key,
                name, label, count(*) AS count, sum(value)::bigint AS value
            FROM analytics_register AS register
            WHERE name = ANY({where.add(list(names))}::text[])
                AND at >= {where.add(boundaries[0])} AND at < {where.add(boundaries[-1])} {where.within("register")}
            GROUP BY 1, 2, 3, 4 LIMIT {where.add(most)}
        """  # noqa: S608
        return await self._read(statement, where.arguments)

    async def rollups(
        self, query: Query, names: Sequence[str], boundaries: Sequence[datetime], most: int
    ) -> list[Counted]:
        """All facts, by their buckets; those of a bucket that the window cuts, one by one. At most `most` rows."""
        where = Conditions(query)
        given, limits = where.add(list(names)), where.add(list(boundaries))
        since, until, cut = where.add(boundaries[0]), where.add(boundaries[-1]), where.add(_cut(boundaries))
        statement = f"""
            SELECT width_bucket(at, {limits}::timestamptz[]) AS span, {column_of(query, "facts")} AS key,
                name, label, sum(count)::bigint AS count, sum(value)::bigint AS value
            FROM (
                SELECT bucket AS at, name, program_id, session_id, label, count, value FROM analytics_rollup AS rollup
                WHERE name = ANY({given}::text[]) AND bucket >= {since} AND bucket < {until}
                    AND bucket <> ALL({cut}::timestamptz[]) {where.within("rollup", subject=False)}
                UNION ALL
                SELECT at, name, program_id, session_id, label, 1, value
                FROM unnest({cut}::timestamptz[]) AS cut (bucket) JOIN analytics_event AS event
                    ON at >= cut.bucket AND at < cut.bucket + interval '15 minutes'
                    AND id >= analytics_least_id(cut.bucket - interval '8 days')
                    AND id < analytics_least_id(cut.bucket + interval '8 days')
                WHERE name = ANY({given}::text[]) AND at >= {since} AND at < {until}
                    {where.within("event", subject=False)}
            ) AS facts
            GROUP BY 1, 2, 3, 4 LIMIT {where.add(most)}
        """  # noqa: S608
        return await self._read(statement, where.arguments)

    async def _read(self, statement: str, arguments: Sequence[Any]) -> list[Counted]:
        return [msgspec.convert(dict(row), Counted) for row in await self.database.fetch(statement, *arguments)]


def are_days(query: Query, boundaries: Sequence[datetime]) -> bool:
    """Whether the query is about whole days, and of no user and no session: then `days` has all of it."""
    zone = query.window.zone
    return (
        query.scope.subject is None
        and not query.filters.session
        and query.by is not Dimension.SESSION
        and all(zone.begin(zone.day_of(at)) == at for at in boundaries)
    )


def column_of(query: Query, table: str) -> str:
    """The column of a table that divides by program or session; of another dimension an empty text."""
    column = None if query.by is None else COLUMNS.get(query.by)
    return f"{table}.{column}" if column else "''"


def _cut(boundaries: Sequence[datetime]) -> list[datetime]:
    """The buckets that a boundary cuts in two. Their facts are counted one by one."""
    begins = {at: at - (at - EPOCH) % BUCKET for at in boundaries}
    return sorted({begin for at, begin in begins.items() if begin != at})
