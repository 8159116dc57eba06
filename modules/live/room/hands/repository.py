"""The rows of raised hands."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.contract import Database
from gateway.principal import Principal
from modules.live.room.repository import with_revision


class HandRow(msgspec.Struct, frozen=True):
    user_id: str
    name: str
    state: Literal["raised", "invited", "lowered"]
    raised_at: datetime


class DesertedHand(msgspec.Struct, frozen=True):
    """A hand that is up although its user was not seen for a while."""

    session_id: str
    user_id: str


HAND_OF: Final = "SELECT user_id, name, state, raised_at FROM live_hand WHERE session_id = $1 AND user_id = $2"
COUNT_UP: Final = "SELECT count(*) AS count FROM live_hand WHERE session_id = $1 AND state <> 'lowered'"
RAISE: Final = """
    INSERT INTO live_hand (session_id, user_id, name, state, raised_at) VALUES ($1, $2, $3, 'raised', $4)
    ON CONFLICT (session_id, user_id) DO UPDATE SET name = $3, state = 'raised', raised_at = $4
    RETURNING user_id, name, state, raised_at
"""
TURN: Final = """
    UPDATE live_hand SET state = $3 WHERE session_id = $1 AND user_id = $2
    RETURNING user_id, name, state, raised_at
"""
LOWER_RAISED: Final = "UPDATE live_hand SET state = 'lowered' WHERE session_id = $1 AND state = 'raised'"
# The attendance writer has had the time to see whoever raised it.
DESERTED: Final = """
    SELECT session_id, user_id FROM live_hand AS hand
    WHERE ($1::text IS NULL OR session_id = $1) AND state <> 'lowered' AND raised_at < $2 AND NOT EXISTS (
        SELECT FROM live_stay LEFT JOIN live_node USING (node)
        WHERE session_id = hand.session_id AND user_id = hand.user_id
        AND coalesce(ended_at, seen_at, started_at) >= $2
    ) ORDER BY session_id, user_id
"""
QUEUE: Final = """
    SELECT part.rev, hand.user_id, hand.name, hand.state, hand.raised_at
    FROM live_part AS part LEFT JOIN live_hand AS hand ON hand.session_id = part.session_id AND hand.state <> 'lowered'
    WHERE part.session_id = $1 AND part.part = 'hands'
"""


class HandRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, session: str, user: str) -> HandRow | None:
        for row in await self._database.fetch(HAND_OF, session, user):
            return msgspec.convert(row, HandRow)
        return None

    async def count_up(self, session: str) -> int:
        return int((await self._database.fetch(COUNT_UP, session))[0]["count"])

    async def raise_hand(self, session: str, user: Principal, at: datetime) -> HandRow:
        return msgspec.convert((await self._database.fetch(RAISE, session, user.id, user.name, at))[0], HandRow)

    async def turn(self, session: str, user: str, state: Literal["invited", "lowered"]) -> HandRow:
        return msgspec.convert((await self._database.fetch(TURN, session, user, state))[0], HandRow)

    async def lower_raised(self, session: str) -> None:
        """Lower every hand that is up and was not invited."""
        await self._database.fetch(LOWER_RAISED, session)

    async def deserted(self, since: datetime, session: str | None = None) -> list[DesertedHand]:
        """Hands that are up since before this time, whose users no gateway has seen since, in one session or all."""
        return [msgspec.convert(row, DesertedHand) for row in await self._database.fetch(DESERTED, session, since)]

    async def queue(self, session: str) -> tuple[int, list[HandRow]]:
        """The part's revision, and the hands that are up."""
        return with_revision(await self._database.fetch(QUEUE, session), HandRow, "user_id")
