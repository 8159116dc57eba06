"""The rows of guests."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.room.lobby.messages import GuestState
from modules.live.room.repository import with_revision


class GuestRow(msgspec.Struct, frozen=True):
    user_id: str
    name: str
    state: GuestState
    knocked_at: datetime


COUNT_WAITING: Final = "SELECT count(*) AS count FROM live_guest WHERE session_id = $1 AND state = 'waiting'"
STATE_OF: Final = "SELECT state FROM live_guest WHERE session_id = $1 AND user_id = $2"
KNOCK: Final = """
    INSERT INTO live_guest (session_id, user_id, name, state, knocked_at) VALUES ($1, $2, $3, 'waiting', $4)
    RETURNING *
"""
ADMIT: Final = """
    UPDATE live_guest SET state = 'admitted'
    WHERE session_id = $1 AND state = 'waiting' AND ($2::text IS NULL OR user_id = $2)
    RETURNING *
"""
# Presence lags a moment, so somebody may be there who was kicked just now.
ADMIT_PRESENT: Final = """
    INSERT INTO live_guest (session_id, user_id, name, state, knocked_at) SELECT $1, $2, $3, 'admitted', $4
    WHERE NOT EXISTS (
        SELECT FROM live_ban JOIN live_session AS session ON session.id = $1
        WHERE user_id = $2 AND (until IS NULL OR until > $4) AND (
            session_id = $1 OR (scope = 'program' AND live_ban.program_id = session.program_id)
        )
    )
    ON CONFLICT (session_id, user_id) DO NOTHING
"""
# Nobody is shown the name of a guest who does not wait.
ADMIT_PROMOTED: Final = """
    INSERT INTO live_guest (session_id, user_id, name, state, knocked_at)
    SELECT session_id, user_id, '', 'admitted', $2 FROM live_promotion WHERE session_id = $1
    ON CONFLICT (session_id, user_id) DO NOTHING
"""
REMOVE: Final = "DELETE FROM live_guest WHERE session_id = $1 AND user_id = $2 RETURNING *"
IN_PROGRAM: Final = """
    SELECT session_id FROM live_guest JOIN live_session ON id = session_id
    WHERE user_id = $1 AND program_id = $2 AND visibility = 'program' ORDER BY session_id
"""
WAITING: Final = """
    SELECT part.rev, guest.* FROM live_part AS part
    LEFT JOIN live_guest AS guest ON guest.session_id = part.session_id AND guest.state = 'waiting'
    WHERE part.session_id = $1 AND part.part = 'guests'
"""


class GuestRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_waiting(self, session: str) -> int:
        return int((await self._database.fetch(COUNT_WAITING, session))[0]["count"])

    async def state_of(self, session: str, user: str) -> str | None:
        for row in await self._database.fetch(STATE_OF, session, user):
            return str(row["state"])
        return None

    async def knock(self, session: str, user: str, name: str, at: datetime) -> GuestRow:
        return msgspec.convert((await self._database.fetch(KNOCK, session, user, name, at))[0], GuestRow)

    async def admit(self, session: str, user: str | None) -> list[GuestRow]:
        """Admit one guest who waits, or with None all of them; gives those who were admitted now."""
        return [msgspec.convert(row, GuestRow) for row in await self._database.fetch(ADMIT, session, user)]

    async def admit_present(self, session: str, user: str, name: str, at: datetime) -> None:
        """Admit a user who is in the session's room already, unless they are kept out of it."""
        await self._database.fetch(ADMIT_PRESENT, session, user, name, at)

    async def admit_promoted(self, session: str, at: datetime) -> None:
        """Admit all speakers and co-hosts, also those who are away."""
        await self._database.fetch(ADMIT_PROMOTED, session, at)

    async def remove(self, session: str, user: str) -> GuestRow | None:
        for row in await self._database.fetch(REMOVE, session, user):
            return msgspec.convert(row, GuestRow)
        return None

    async def in_program(self, user: str, program: str) -> list[str]:
        """The ids of the program's sessions that are not open and of which the user is a guest."""
        return [row["session_id"] for row in await self._database.fetch(IN_PROGRAM, user, program)]

    async def waiting(self, session: str) -> tuple[int, list[GuestRow]]:
        """The part's revision, and the guests who wait."""
        return with_revision(await self._database.fetch(WAITING, session), GuestRow, "user_id")
