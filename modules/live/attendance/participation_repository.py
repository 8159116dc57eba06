"""The rows of what users did in a session's room: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.events import PollTaken

HANDS: Final = "SELECT user_id, raised_at FROM live_hand WHERE session_id = $1 ORDER BY raised_at, user_id"
QUESTIONS: Final = """
    SELECT CASE WHEN NOT anonymous THEN author_id END AS user_id, asked_at FROM live_question
    WHERE session_id = $1 AND state <> 'dismissed' ORDER BY asked_at, id
"""
# Voters of anonymous polls are nobody's.
VOTES: Final = """
    SELECT voter AS user_id, count(*) AS votes FROM live_vote JOIN live_poll ON live_poll.id = poll_id
    WHERE session_id = $1 AND NOT anonymous GROUP BY voter
"""
POLLS: Final = """
    SELECT id AS poll_id, opened_at, anonymous,
        (SELECT count(*) FROM live_vote WHERE poll_id = live_poll.id)::int AS voters
    FROM live_poll WHERE session_id = $1 ORDER BY opened_at, id
"""


class Hand(msgspec.Struct, frozen=True):
    user_id: str
    raised_at: datetime


class Asked(msgspec.Struct, frozen=True):
    """A question; `user_id` is null for an anonymous one."""

    user_id: str | None
    asked_at: datetime


class ParticipationRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hands(self, session: str) -> Sequence[Hand]:
        """Who raised a hand, and when they last did."""
        return [msgspec.convert(row, Hand) for row in await self._database.fetch(HANDS, session)]

    async def questions(self, session: str) -> Sequence[Asked]:
        """The questions that were not dismissed."""
        return [msgspec.convert(row, Asked) for row in await self._database.fetch(QUESTIONS, session)]

    async def votes(self, session: str) -> Mapping[str, int]:
        """In how many polls each user voted by name."""
        return {row["user_id"]: row["votes"] for row in await self._database.fetch(VOTES, session)}

    async def polls(self, session: str) -> Sequence[PollTaken]:
        return [msgspec.convert(row, PollTaken) for row in await self._database.fetch(POLLS, session)]
