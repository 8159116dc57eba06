"""Removal: deletes what a user's client sent, with its part of the rollups, when the user wants it gone."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from gateway.contract import Database
from modules.analytics.store.progress import ProgressRepository

# The ids come first, so that PostgreSQL looks them up and does not read all partitions.
REMOVE: Final = """
    WITH gone AS (
        DELETE FROM analytics_event WHERE id = ANY(ARRAY(
            SELECT id FROM analytics_event WHERE client AND subject = $1 LIMIT $2
        )) RETURNING at, name, program_id, session_id, label, value
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
    SELECT count(*) AS removed FROM gone
""".replace(
    "<same>",
    "(rollup.name, rollup.bucket, rollup.program_id, rollup.session_id, rollup.label)"
    " = (part.name, part.bucket, part.program_id, part.session_id, part.label)",
)


class ClientEventRemoval:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._progress = ProgressRepository(database)

    async def remove(self, subject: UUID, most: int) -> int:
        """Remove at most so many of the subject's client events. Returns how many; fewer than `most` were the last.

        An event that comes again afterwards is stored again, so call it once no more of them are taken.
        """
        async with self._database.transaction():
            await self._progress.lock()
            return int((await self._database.fetch(REMOVE, subject, most))[0]["removed"])
