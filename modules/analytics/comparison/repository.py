"""The rows of comparisons: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.identifier import new_id
from modules.analytics.comparison.compared import Compared
from modules.analytics.comparison.messages import ComparisonView
from modules.analytics.comparison.tables import ComparisonRow
from modules.analytics.facade import Counted

NEWEST: Final = Sort("newest", (ComparisonRow.id,), descending=True)

# The clock of the database, by which events are published.
NOW: Final = "SELECT clock_timestamp() AS now"
BEGINNING: Final = "SELECT at FROM analytics_beginning"
ADD_DAYS: Final = "INSERT INTO analytics_compared_day (day) SELECT unnest($1::date[]) ON CONFLICT DO NOTHING"
TAKE_DAY: Final = "SELECT day, rows, rows_at FROM analytics_compared_day WHERE day = $1 FOR UPDATE"
# One gateway at a time looks at a day.
TAKE_DUE: Final = """
    SELECT day, rows, rows_at FROM analytics_compared_day
    WHERE day = $1 AND (compared_at IS NULL OR compared_at < $2) FOR UPDATE SKIP LOCKED
"""
KEEP_ROWS: Final = "UPDATE analytics_compared_day SET rows = $2, rows_at = $3 WHERE day = $1"
FINISH: Final = "UPDATE analytics_compared_day SET rows = NULL, rows_at = NULL, compared_at = $2 WHERE day = $1"
FORGET_ROWS: Final = "UPDATE analytics_compared_day SET rows = NULL, rows_at = NULL WHERE day = $1"
FACTS: Final = """
    SELECT label, sum(count)::bigint AS count, sum(value)::bigint AS value FROM analytics_rollup
    WHERE name = $1 AND bucket >= $2 AND bucket < $3 GROUP BY label
"""
CLEAR: Final = "DELETE FROM analytics_comparison WHERE day = $1"
ADD: Final = """
    INSERT INTO analytics_comparison
        (id, day, name, label, facts_count, facts_value, rows_count, rows_value, agrees, compared_at)
    SELECT id, $1, name, label, facts_count, facts_value, rows_count, rows_value, agrees, $10 FROM unnest(
        $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::boolean[]
    ) AS new (id, name, label, facts_count, facts_value, rows_count, rows_value, agrees)
"""
DIFFERING: Final = "SELECT count(*) AS differing FROM analytics_comparison WHERE day = ANY($1) AND NOT agrees"
LAST: Final = "SELECT max(day) AS day FROM analytics_compared_day WHERE compared_at IS NOT NULL"
DROP_DAYS: Final = "DELETE FROM analytics_compared_day WHERE day < $1"
DROP: Final = "DELETE FROM analytics_comparison WHERE day < $1"

Rows = Mapping[str, Mapping[str, Counted]]
_decode = msgspec.json.Decoder(dict[str, dict[str, Counted]]).decode


class TakenDay(msgspec.Struct, frozen=True):
    """A day that nobody else looks at until the transaction ends. `rows` is what they said at `rows_at`, by name."""

    day: date
    rows: Rows | None
    rows_at: datetime | None


class ComparisonRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> datetime:
        """The time by the clock of the database."""
        at: datetime = (await self._database.fetch(NOW))[0]["now"]
        return at

    async def beginning(self) -> datetime:
        """When analytics began to hear of events."""
        at: datetime = (await self._database.fetch(BEGINNING))[0]["at"]
        return at

    async def add_days(self, days: Sequence[date]) -> None:
        await self._database.fetch(ADD_DAYS, list(days))

    async def take_due(self, day: date, since: datetime) -> TakenDay | None:
        """This day, unless it was compared since then or another gateway looks at it."""
        rows = await self._database.fetch(TAKE_DUE, day, since)
        return _taken(rows[0]) if rows else None

    async def take_day(self, day: date) -> TakenDay:
        """This day, which was added; waits while a gateway looks at it."""
        return _taken((await self._database.fetch(TAKE_DAY, day))[0])

    async def keep_rows(self, day: date, rows: Rows, at: datetime) -> None:
        await self._database.fetch(KEEP_ROWS, day, msgspec.json.encode(rows).decode(), at)

    async def forget_rows(self, day: date) -> None:
        """Let the comparison of this day begin anew."""
        await self._database.fetch(FORGET_ROWS, day)

    async def facts(self, name: str, since: datetime, until: datetime) -> Mapping[str, Counted]:
        """What the buckets of this time add up to, by label."""
        rows = await self._database.fetch(FACTS, name, since, until)
        return {row["label"]: Counted(row["count"], row["value"]) for row in rows}

    async def finish(self, day: date, found: Sequence[Compared], now: datetime) -> None:
        """Write what the comparison came to, in place of what the last one did."""
        await self._database.fetch(CLEAR, day)
        await self._database.fetch(
            ADD,
            day,
            [new_id() for _ in found],
            [one.name for one in found],
            [one.label for one in found],
            [one.facts.count for one in found],
            [one.facts.value for one in found],
            [one.rows.count for one in found],
            [one.rows.value for one in found],
            [one.agrees for one in found],
            now,
        )
        await self._database.fetch(FINISH, day, now)

    async def differing(self, days: Sequence[date]) -> int:
        return int((await self._database.fetch(DIFFERING, list(days)))[0]["differing"])

    async def last(self) -> date | None:
        """The last day that was compared."""
        day: date | None = (await self._database.fetch(LAST))[0]["day"]
        return day

    async def drop(self, before: date) -> None:
        """Forget the comparisons of earlier days."""
        await self._database.fetch(DROP, before)
        await self._database.fetch(DROP_DAYS, before)

    async def page(self, agrees: bool | None, span: Span) -> Page[ComparisonView]:
        columns = [getattr(ComparisonRow, name) for name in ComparisonView.__struct_fields__]
        query = ComparisonRow.select(*columns)
        if agrees is not None:
            query = query.where(ComparisonRow.agrees == agrees)
        with self._database.guard():
            return await page_of(query, NEWEST, span, ComparisonView)


def _taken(row: Mapping[str, object]) -> TakenDay:
    rows = row["rows"]
    return TakenDay(row["day"], None if rows is None else _decode(str(rows)), row["rows_at"])  # type: ignore[arg-type]
