"""Removal: deletes what a user's client sent, with its part of what is added up, when the user wants it gone."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from gateway.contract import Database
from modules.analytics.measures.zone import Zone
from modules.analytics.store.progress import ProgressRepository
from modules.analytics.store.sums import columns

FIND: Final = "SELECT id, at FROM analytics_event WHERE client AND subject = $1 LIMIT $2"
# $2, $3 and $4 are the days of the events, with the first moment of each and the first after it.
REMOVE: Final = """
    WITH gone AS (
        DELETE FROM analytics_event WHERE id = ANY($1::uuid[])
        RETURNING at, name, program_id, session_id, label, value
    ), part AS (
        SELECT analytics_bucket(at) AS bucket, name, program_id, session_id, label,
            count(*) AS count, sum(value)::bigint AS value
        FROM gone GROUP BY 1, 2, 3, 4, 5
    ), lowered AS (
        UPDATE analytics_rollup AS rollup SET count = rollup.count - part.count, value = rollup.value - part.value
        FROM part WHERE <same> AND rollup.count > part.count
    ), emptied AS (
        DELETE FROM analytics_rollup AS rollup USING part WHERE <same> AND rollup.count <= part.count
    )
    UPDATE analytics_day AS whole SET count = whole.count - part.count, value = whole.value - part.value
    FROM (
        SELECT day, name, program_id, label, count(*) AS count, sum(value)::bigint AS value
        FROM gone JOIN unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) AS span (day, since, until)
            ON at >= since AND at < until
        GROUP BY 1, 2, 3, 4
    ) AS part
    WHERE (whole.name, whole.day, whole.program_id, whole.label) = (part.name, part.day, part.program_id, part.label)
""".replace(
    "<same>",
    "(rollup.name, rollup.bucket, rollup.program_id, rollup.session_id, rollup.label)"
    " = (part.name, part.bucket, part.program_id, part.session_id, part.label)",
)


class ClientEventRemoval:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, zone: Zone) -> None:
        self._database = database
        self._zone = zone
        self._progress = ProgressRepository(database)

    async def remove(self, subject: UUID, most: int) -> int:
        """Remove at most so many of the subject's client events. Returns how many; fewer than `most` were the last.

        An event that comes again afterwards is stored again, so call it once no more of them are taken.
        """
        async with self._database.transaction():
            await self._progress.lock()
            rows = await self._database.fetch(FIND, subject, most)
            days = self._zone.days_of(row["at"] for row in rows)
            ids = [row["id"] for row in rows]
            await self._database.fetch(REMOVE, ids, *columns(days))
            return len(ids)
