"""What was done in a session, by 15 minutes."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database
from modules.analytics.dashboards.messages import ActivityPoint

ACTIVITY: Final = """
    SELECT bucket AS at,
        coalesce(sum(value) FILTER (WHERE label = 'message'), 0)::bigint AS messages,
        coalesce(sum(value) FILTER (WHERE label = 'hand'), 0)::bigint AS hands,
        coalesce(sum(value) FILTER (WHERE label = 'question'), 0)::bigint AS questions,
        coalesce(sum(value) FILTER (WHERE label = 'poll'), 0)::bigint AS polls
    FROM analytics_rollup WHERE program_id = $1 AND name = 'live.said' AND session_id = $2
    GROUP BY bucket ORDER BY bucket
"""


class ActivityRepository:
    """Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_session(self, session_id: str, program_id: str) -> list[ActivityPoint]:
        """In order of time; 15 minutes in which nobody did anything are left out."""
        rows = await self._database.fetch(ACTIVITY, program_id, session_id)
        return [msgspec.convert(dict(row), ActivityPoint) for row in rows]
