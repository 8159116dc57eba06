"""The rows of who was in which session when: every statement, and what it gives.

A row of `live_stay` is one user's time in one session on one node. One that has no end yet lasts for as long as its
node was seen, which `live_node` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.attendance.messages import LiveCount
from modules.live.attendance.presence_intervals import PresenceInterval
from modules.live.attendance.report import Presence

# Intervals of one statement: more are written in several, so that none takes long.
PART: Final = 2000
WRITE: Final = """
    INSERT INTO live_stay (session_id, user_id, node, started_at, ended_at, name, host)
    SELECT session_id, user_id, $1, started_at, ended_at, name, host
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::boolean[])
        AS told (session_id, user_id, started_at, ended_at, name, host)
    ON CONFLICT (session_id, user_id, node, started_at)
        DO UPDATE SET ended_at = excluded.ended_at, host = excluded.host
"""
WRITE_AND_SEE: Final = (
    f"WITH written AS ({WRITE}) INSERT INTO live_node (node, seen_at) VALUES ($1, $8) "  # noqa: S608
    "ON CONFLICT (node) DO UPDATE SET seen_at = excluded.seen_at"
)
FORGET_NODE: Final = "DELETE FROM live_node WHERE node = $1"
COUNT: Final = """
    SELECT session_id, count(DISTINCT user_id) FILTER (WHERE NOT host) AS viewers,
        count(DISTINCT user_id) FILTER (WHERE host) AS hosts
    FROM live_stay JOIN live_node USING (node)
    WHERE session_id = ANY($1) AND ended_at IS NULL AND seen_at > $2 GROUP BY session_id
"""
# Of a node that is not known, an interval without an end has no length.
OF_SESSION: Final = """
    SELECT user_id, name, host, extract(epoch FROM started_at)::float8 AS started,
        extract(epoch FROM coalesce(ended_at, seen_at, started_at))::float8 AS ended
    FROM live_stay LEFT JOIN live_node USING (node) WHERE session_id = $1
"""
OF_USER: Final = f"{OF_SESSION} AND user_id = $2"
AWAITS_NODES: Final = "SELECT EXISTS (SELECT FROM live_node WHERE seen_at < $1 AND seen_at > $2) AS awaited"
DELETE_OF_SESSION: Final = "DELETE FROM live_stay WHERE session_id = $1"
DELETE_NODES: Final = "DELETE FROM live_node WHERE seen_at < $1"


class PresenceRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, node: str, intervals: Sequence[PresenceInterval], seen: float) -> None:
        """Write these of the node as they are now, and then that the node was seen at this time.

        An interval that was written before changes.
        """
        # All as they are at this moment: while a part is written, intervals may go on changing.
        parts = [_columns(intervals[start : start + PART]) for start in range(0, len(intervals), PART)]
        *first, last = parts or [_columns([])]
        for part in first:
            await self._database.fetch(WRITE, node, *part)
        await self._database.fetch(WRITE_AND_SEE, node, *last, _moment(seen))

    async def forget_node(self, node: str) -> None:
        """Nobody waits any more for what the node says."""
        await self._database.fetch(FORGET_NODE, node)

    async def count(self, sessions: Sequence[str], seen_after: datetime) -> list[LiveCount]:
        """How many are in these sessions now, on nodes that were seen since; 0 where nobody is."""
        rows = await self._database.fetch(COUNT, sessions, seen_after)
        counts = {row["session_id"]: msgspec.convert(row, LiveCount) for row in rows}
        return [counts.get(session, LiveCount(session, 0, 0)) for session in sessions]

    async def of_session(self, session: str) -> list[Presence]:
        """All that is known of the session, in no order."""
        return [msgspec.convert(row, Presence) for row in await self._database.fetch(OF_SESSION, session)]

    async def of_user(self, session: str, user: str) -> list[Presence]:
        return [msgspec.convert(row, Presence) for row in await self._database.fetch(OF_USER, session, user)]

    async def awaits_nodes(self, at: datetime, seen_after: datetime) -> bool:
        """Whether a node that was seen since has not said yet who was there at that time."""
        rows = await self._database.fetch(AWAITS_NODES, at, seen_after)
        return bool(rows[0]["awaited"])

    async def delete_of_session(self, session: str) -> None:
        await self._database.fetch(DELETE_OF_SESSION, session)

    async def delete_nodes(self, seen_before: datetime) -> None:
        """Forget nodes that are gone. What has no end on them, in sessions that never ended, has no length then."""
        await self._database.fetch(DELETE_NODES, seen_before)


def _columns(intervals: Sequence[PresenceInterval]) -> list[list[object]]:
    return [
        [one.session for one in intervals],
        [one.user for one in intervals],
        [_moment(one.started) for one in intervals],
        [None if one.ended is None else _moment(one.ended) for one in intervals],
        [one.name for one in intervals],
        [one.host for one in intervals],
    ]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
