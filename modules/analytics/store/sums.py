"""What is made of events: for the writer, which adds its new events, and for the rebuild of a day.

The fragments stand in a statement behind a relation `events`. Nothing here depends on the order in which events are
stored.

| parameter | |
|---|---|
| `$1` | the names that are registers |
| `$2`, `$3`, `$4` | the days of the events, with the first moment of each and the first after it |
| `$5` | in `SUMS` alone: the names that show that somebody was learning |
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

from modules.analytics.measures.zone import Span
from modules.analytics.store.names import EventNames

Parameters: TypeAlias = tuple[list[str], list[date], list[datetime], list[datetime], list[str]]

# Events with their days, and of each key and user the latest of those that are registers.
REGISTERS: Final = """
    dated AS (
        SELECT events.*, span.day FROM events
        JOIN unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) AS span (day, since, until)
            ON at >= since AND at < until
    ), latest AS (
        SELECT DISTINCT ON (name, analytics_register_key(key, subject))
            name, analytics_register_key(key, subject) AS key, at, id, subject, program_id, session_id, label, value,
            day
        FROM dated WHERE name = ANY($1::text[])
        ORDER BY name, analytics_register_key(key, subject), at DESC, id DESC
    ), before AS (
        SELECT register.name, register.key, register.day, register.program_id, register.label, register.value
        FROM analytics_register AS register JOIN latest USING (name, key)
    ), registered AS (
        INSERT INTO analytics_register (name, key, at, id, subject, program_id, session_id, label, value, day)
        SELECT name, key, at, id, subject, program_id, session_id, label, value, day FROM latest ORDER BY name, key
        ON CONFLICT (name, key) DO UPDATE SET
            at = EXCLUDED.at, id = EXCLUDED.id, subject = EXCLUDED.subject, program_id = EXCLUDED.program_id,
            session_id = EXCLUDED.session_id, label = EXCLUDED.label, value = EXCLUDED.value, day = EXCLUDED.day
        WHERE (analytics_register.at, analytics_register.id) < (EXCLUDED.at, EXCLUDED.id)
        RETURNING name, key, day, program_id, label, value
    ), counted AS (
        INSERT INTO analytics_day (name, day, program_id, label, count, value)
        SELECT name, day, program_id, label, sum(count)::bigint, sum(value)::bigint FROM (
            SELECT name, day, program_id, label, 1 AS count, value FROM dated WHERE name <> ALL($1::text[])
            UNION ALL SELECT name, day, program_id, label, 1, value FROM registered
            -- What was the latest until now counts no longer.
            UNION ALL SELECT name, before.day, before.program_id, before.label, -1, -before.value
            FROM before JOIN registered USING (name, key)
        ) AS moved GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (name, day, program_id, label) DO UPDATE SET
            count = analytics_day.count + EXCLUDED.count, value = analytics_day.value + EXCLUDED.value
    )
"""
SUMS: Final = """
    <registers>, rolled AS (
        INSERT INTO analytics_rollup (bucket, name, program_id, session_id, label, count, value)
        SELECT analytics_bucket(at), name, program_id, session_id, label, count(*), sum(value)::bigint
        FROM events GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 3, 4, 5
        ON CONFLICT (name, bucket, program_id, session_id, label) DO UPDATE SET
            count = analytics_rollup.count + EXCLUDED.count, value = analytics_rollup.value + EXCLUDED.value
    ), learned AS (
        INSERT INTO analytics_learner_day (day, program_id, subject)
        SELECT DISTINCT day, program_id, subject FROM dated WHERE name = ANY($5::text[]) AND subject IS NOT NULL
        ON CONFLICT DO NOTHING
    )
""".replace("<registers>", REGISTERS)


def parameters(names: EventNames, days: Sequence[Span]) -> Parameters:
    """`$1` to `$5`."""
    return sorted(names.registers), *columns(days), sorted(names.activity)


def columns(days: Sequence[Span]) -> tuple[list[date], list[datetime], list[datetime]]:
    """Days, their first moments, and the first moments after them."""
    return [one.day for one in days], [one.since for one in days], [one.until for one in days]
