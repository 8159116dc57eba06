"""What is made of events: for the writer, which adds its new events, and for the rebuild of a day.

`SUMS` stands in a statement behind a relation `events`, and so does `REGISTERED`, which is a part of it. Nothing here
depends on the order in which events are stored.

| parameter | |
|---|---|
| `$1` | the names that are registers |
| `$2` | the names that show that somebody was learning |
| `$3`, `$4`, `$5` | the days of the events, with the first moment of each and the first after it |
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

from modules.analytics.measures.zone import Span
from modules.analytics.store.names import EventNames

Parameters: TypeAlias = tuple[list[str], list[str], list[date], list[datetime], list[datetime]]

# Of each key and user the latest.
REGISTERED: Final = """
    registered AS (
        INSERT INTO analytics_register (name, key, at, id, subject, program_id, session_id, label, value)
        SELECT DISTINCT ON (name, analytics_register_key(key, subject))
            name, analytics_register_key(key, subject), at, id, subject, program_id, session_id, label, value
        FROM events WHERE name = ANY($1::text[])
        ORDER BY name, analytics_register_key(key, subject), at DESC, id DESC
        ON CONFLICT (name, key) DO UPDATE SET
            at = EXCLUDED.at, id = EXCLUDED.id, subject = EXCLUDED.subject, program_id = EXCLUDED.program_id,
            session_id = EXCLUDED.session_id, label = EXCLUDED.label, value = EXCLUDED.value
        WHERE (analytics_register.at, analytics_register.id) < (EXCLUDED.at, EXCLUDED.id)
    )
"""
SUMS: Final = """
    rolled AS (
        INSERT INTO analytics_rollup (bucket, name, program_id, session_id, label, count, value)
        SELECT analytics_bucket(at), name, program_id, session_id, label, count(*), sum(value)::bigint
        FROM events GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 3, 4, 5
        ON CONFLICT (name, bucket, program_id, session_id, label) DO UPDATE SET
            count = analytics_rollup.count + EXCLUDED.count, value = analytics_rollup.value + EXCLUDED.value
    ), <registered>, learned AS (
        INSERT INTO analytics_learner_day (day, program_id, subject)
        SELECT DISTINCT day, program_id, subject FROM events
        JOIN unnest($3::date[], $4::timestamptz[], $5::timestamptz[]) AS span (day, since, until)
            ON at >= since AND at < until
        WHERE name = ANY($2::text[]) AND subject IS NOT NULL
        ON CONFLICT DO NOTHING
    )
""".replace("<registered>", REGISTERED)


def parameters(names: EventNames, days: Sequence[Span]) -> Parameters:
    """`$1` to `$5`."""
    return (
        sorted(names.registers),
        sorted(names.activity),
        [one.day for one in days],
        [one.since for one in days],
        [one.until for one in days],
    )
