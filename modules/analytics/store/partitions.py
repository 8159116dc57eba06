"""Partitions of the table of events, one a month of UTC: made when they are needed, and dropped when they are old.

There is no default partition, since rows in it would have to be moved. A partition is attached and not created in its
place: that lets reads and writes of the other partitions go on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from gateway.contract import Database
from modules.analytics.store.event_id import least_id

PREFIX: Final = "analytics_event_"
MISSING: Final = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL"
MAKE: Final = "CREATE TABLE <name> (LIKE analytics_event INCLUDING DEFAULTS INCLUDING STORAGE)"
ATTACH: Final = "ALTER TABLE analytics_event ATTACH PARTITION <name> FOR VALUES FROM ('<since>') TO ('<until>')"
LIST: Final = """
    SELECT child.relname::text AS name FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'analytics_event'::regclass ORDER BY 1
"""
# Detaching waits for the reads that are under way, and all later ones wait behind it.
PATIENCE: Final = "SET LOCAL statement_timeout = '3s'"
NO_LIMIT: Final = "SET LOCAL statement_timeout = 0"
DETACH: Final = "ALTER TABLE analytics_event DETACH PARTITION <name>"
DROP: Final = "DROP TABLE <name>"


class Month(tuple[int, int]):
    """A month of UTC, `(year, month)`."""

    __slots__ = ()

    @classmethod
    def of(cls, at: datetime) -> Month:
        utc = at.astimezone(UTC)
        return cls((utc.year, utc.month))

    @classmethod
    def named(cls, partition: str) -> Month:
        """The month of a partition."""
        digits = partition.removeprefix(PREFIX)
        return cls((int(digits[:4]), int(digits[4:])))

    @property
    def begin(self) -> datetime:
        return datetime(*self, 1, tzinfo=UTC)

    @property
    def following(self) -> Month:
        year, month = self
        return Month((year + month // 12, month % 12 + 1))

    @property
    def partition(self) -> str:
        return f"{PREFIX}{self[0]:04}{self[1]:02}"


class PartitionRepository:
    """Raises Unavailable without PostgreSQL. All that changes partitions is called under the lock of writers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, months: Collection[Month]) -> None:
        """Make the partitions of these months that are missing."""
        by_name = {month.partition: month for month in months}
        for row in await self._database.fetch(MISSING, sorted(by_name)):
            month = by_name[row["name"]]
            since, until = least_id(month.begin), least_id(month.following.begin)
            await self._database.fetch(_named(MAKE, month))
            await self._database.fetch(_between(ATTACH, month, since, until))

    async def months(self) -> Sequence[Month]:
        """The months that have a partition, in order."""
        return [Month.named(row["name"]) for row in await self._database.fetch(LIST)]

    async def drop(self, month: Month) -> None:
        """Drop a month's events. Raises Unavailable when reads of them do not end soon."""
        await self._database.fetch(PATIENCE)
        await self._database.fetch(_named(DETACH, month))
        await self._database.fetch(NO_LIMIT)
        await self._database.fetch(_named(DROP, month))


def _named(statement: str, month: Month) -> str:
    return statement.replace("<name>", month.partition)


def _between(statement: str, month: Month, since: UUID, until: UUID) -> str:
    return _named(statement, month).replace("<since>", str(since)).replace("<until>", str(until))
