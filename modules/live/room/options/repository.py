"""The rows of a room's options."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.room.options.messages import RoomOptions

CHOSEN: Final = """
    SELECT part.rev, option.anonymous_questions, option.attention, option.lobby
    FROM live_part AS part JOIN live_option AS option ON option.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = 'options'
"""
CHOOSE: Final = """
    INSERT INTO live_option (session_id, anonymous_questions, attention, lobby) VALUES ($1, $2, $3, $4)
    ON CONFLICT (session_id) DO UPDATE SET anonymous_questions = $2, attention = $3, lobby = $4
"""


class OptionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, *, anonymous_questions: bool) -> None:
        """`anonymous_questions` is what holds in sessions whose hosts have chosen nothing."""
        self._database = database
        self._unchosen = RoomOptions(0, anonymous_questions)

    async def of(self, session: str) -> RoomOptions:
        for row in await self._database.fetch(CHOSEN, session):
            return msgspec.convert(row, RoomOptions)
        return self._unchosen

    async def choose(self, session: str, options: RoomOptions) -> None:
        await self._database.fetch(CHOOSE, session, options.anonymous_questions, options.attention, options.lobby)
