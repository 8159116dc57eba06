"""What rows say of classes at this moment: one statement for all that are asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.contract import Database


class ClassRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session with counts of its rows. Its latest poll, and what is known of its stream, may be missing."""

    session_id: str
    program_id: str
    state: str
    video: str
    started_at: datetime | None
    ended_at: datetime | None
    viewers: int
    hosts: int
    hands_up: int
    hands_raised: int
    questions_open: int
    questions_asked: int
    poll_id: str | None
    poll_state: Literal["open", "closed"] | None
    poll_voters: int | None
    poll_viewers: int
    starving: bool | None
    losses: int | None
    starvations: int | None
    lost_seconds: int | None


# $2: a gateway that was not seen since counts as gone, and nobody is on it.
NOW: Final = """
    SELECT session.id AS session_id, session.program_id, session.state, session.video, session.started_at,
        session.ended_at, there.viewers, there.hosts, hand.hands_up, hand.hands_raised,
        question.questions_open, question.questions_asked, poll.id AS poll_id, poll.state AS poll_state,
        poll.voters AS poll_voters, during.viewers AS poll_viewers,
        stream.starving, stream.losses, stream.starvations, round(
            stream.lost_seconds + coalesce(extract(epoch FROM coalesce(session.ended_at, now()) - stream.lost_at), 0)
        )::int AS lost_seconds
    FROM live_session AS session
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT user_id) FILTER (WHERE NOT host) AS viewers,
            count(DISTINCT user_id) FILTER (WHERE host) AS hosts
        FROM live_stay JOIN live_node USING (node)
        WHERE session_id = session.id AND live_stay.ended_at IS NULL AND seen_at > $2
    ) AS there
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state <> 'lowered') AS hands_up, count(*) AS hands_raised
        FROM live_hand WHERE session_id = session.id
    ) AS hand
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state = 'open') AS questions_open,
            count(*) FILTER (WHERE state <> 'dismissed') AS questions_asked
        FROM live_question WHERE session_id = session.id
    ) AS question
    LEFT JOIN LATERAL (
        SELECT id, state, voters, opened_at, closed_at FROM live_poll
        WHERE session_id = session.id ORDER BY opened_at DESC, id DESC LIMIT 1
    ) AS poll ON true
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT user_id) AS viewers FROM live_stay LEFT JOIN live_node USING (node)
        WHERE session_id = session.id AND NOT host AND live_stay.started_at <= coalesce(poll.closed_at, now())
            AND coalesce(live_stay.ended_at, seen_at, live_stay.started_at) >= poll.opened_at
    ) AS during
    LEFT JOIN live_video AS stream ON stream.session_id = session.id
    WHERE session.id = ANY($1)
"""


class ClassFiguresRepository:
    """Each call raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self, sessions: Collection[str], seen_after: datetime) -> list[ClassRow]:
        """Those of these sessions that there are."""
        rows = await self._database.fetch(NOW, list(sessions), seen_after)
        return [msgspec.convert(row, ClassRow) for row in rows]
