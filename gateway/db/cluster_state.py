"""The table of the cluster's facts: what every node has to know."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import asyncpg
import msgspec

from gateway import clock
from gateway.db.database import PostgresDatabase

# How long a fact that is over is kept, for nodes that missed its end.
KEPT: Final = timedelta(hours=1)

# The row is locked until the commit, so the revisions of one key have the order of their commits.
WRITE: Final = """
    INSERT INTO fact (kind, key, rev, until, data, changed_at)
    VALUES ($1, $2, nextval('fact_rev'), $3, $4, clock_timestamp())
    ON CONFLICT (kind, key) DO UPDATE SET
        rev = nextval('fact_rev'), until = EXCLUDED.until, data = EXCLUDED.data, changed_at = clock_timestamp()
    RETURNING kind, key, rev, until, data
"""
ALL: Final = "SELECT kind, key, rev, until, data FROM fact"
CHANGED: Final = f"{ALL} WHERE changed_at > clock_timestamp() - $1::interval"
PRUNE: Final = "DELETE FROM fact WHERE greatest(until, changed_at) < clock_timestamp() - $1::interval AND until < now()"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of a kind. Of two facts with the same key, the one with the higher `rev` is valid.

    `until` is when it ends, in milliseconds since the Unix epoch: None when it does not by itself, 0 when it was
    lifted. `data` is the JSON of what the kind says.
    """

    kind: str
    key: str
    rev: int
    until: int | None
    data: msgspec.Raw

    def holds(self, now: float) -> bool:
        """Whether it is in force at this time, in seconds since the Unix epoch."""
        return self.until is None or self.until > now * 1000


class FactTable:
    """Reads and writes the table `fact`, in the task's transaction if there is one; every method raises Unavailable."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def write(self, kind: str, key: str, data: bytes, until: int | None) -> Fact:
        """Write a fact in place of the one with its key."""
        when = None if until is None else clock.from_ms(until)
        return _facts(await self._database.fetch(WRITE, kind, key, when, data.decode()))[0]

    async def all(self) -> list[Fact]:
        """Every fact, in force or not."""
        return _facts(await self._database.fetch(ALL))

    async def changed(self, seconds: float) -> list[Fact]:
        """The facts that were written in the last so many seconds, by the database's clock."""
        return _facts(await self._database.fetch(CHANGED, timedelta(seconds=seconds)))

    async def prune(self) -> None:
        """Delete the facts that have been over for longer than KEPT."""
        await self._database.fetch(PRUNE, KEPT)


def _facts(rows: Iterable[asyncpg.Record]) -> list[Fact]:
    return [
        Fact(
            kind=row["kind"],
            key=row["key"],
            rev=row["rev"],
            until=None if row["until"] is None else clock.to_ms(row["until"]),
            data=msgspec.Raw(row["data"].encode()),
        )
        for row in rows
    ]
