"""Limiter: how much of something all workers may do together, and until when they do nothing.

A bucket is a row that all gateways share, filled by the clock of PostgreSQL. It is taken from in one statement for a
whole batch, and outside of a transaction, which would hold the row for all others until it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.contract import Database

MAKE: Final = """
    INSERT INTO notify_limit (name, tokens, filled_at, taken) VALUES ($1, $2, clock_timestamp(), 0)
    ON CONFLICT DO NOTHING
"""
# What the bucket holds now: what it held and what ran in since.
HELD: Final = """
    least($3::float8, tokens + $4::float8 * greatest(0, extract(epoch FROM clock_timestamp() - filled_at))::float8)
"""
# The columns on the right are those before the statement.
TAKE: Final = """
    UPDATE notify_limit SET
        taken = CASE WHEN blocked_until > clock_timestamp() THEN 0 ELSE least($2::int, floor(<held>)::int) END,
        tokens = <held> - CASE WHEN blocked_until > clock_timestamp() THEN 0 ELSE least($2::int, floor(<held>)) END,
        filled_at = greatest(filled_at, clock_timestamp())
    WHERE name = $1
    RETURNING taken, tokens, greatest(0, extract(epoch FROM blocked_until - clock_timestamp()))::float8 AS blocked
""".replace("<held>", HELD)
BLOCK: Final = """
    INSERT INTO notify_limit (name, tokens, filled_at, taken, blocked_until)
    VALUES ($1, 0, clock_timestamp(), 0, clock_timestamp() + make_interval(secs => $2::float8))
    ON CONFLICT (name) DO UPDATE SET tokens = 0, filled_at = excluded.blocked_until,
        blocked_until = greatest(notify_limit.blocked_until, excluded.blocked_until)
"""
BLOCKED: Final = """
    SELECT greatest(0, extract(epoch FROM blocked_until - clock_timestamp()))::float8 AS seconds
    FROM notify_limit WHERE name = $1
"""


@dataclass(frozen=True)
class Taken:
    """What a worker may do now, and in how many seconds there is one more; 0 when it got all it wanted."""

    granted: int
    wait: float


class Limiter:
    """The buckets of this platform by name, such as `fcm`. Each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, wanted: int, per_minute: int, *, burst: int | None = None) -> Taken:
        """Take as many as there are, at most `wanted`. `burst` is the size of the bucket; a second's worth by default.

        A bucket is full when it is first used.
        """
        rate = per_minute / 60
        size = float(max(1, burst if burst is not None else per_minute // 60))
        rows = await self._database.fetch(TAKE, name, wanted, size, rate)
        if not rows:
            await self._database.fetch(MAKE, name, size)
            rows = await self._database.fetch(TAKE, name, wanted, size, rate)
        (row,) = rows
        granted: int = row["taken"]
        if granted >= wanted:
            return Taken(granted, 0.0)
        return Taken(granted, max(row["blocked"] or 0.0, (1 - row["tokens"]) / rate, 0.001))

    async def block(self, name: str, seconds: float) -> None:
        """Let nobody take anything for so long, as a Retry-After asks; a longer block stays. Then it is empty."""
        await self._database.fetch(BLOCK, name, seconds)

    async def blocked(self, name: str) -> float:
        """For how many seconds nobody may take anything; 0 when one may."""
        for row in await self._database.fetch(BLOCKED, name):
            return float(row["seconds"] or 0.0)
        return 0.0
