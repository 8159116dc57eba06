"""The rows of whiteboard: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.contract import Database
from ksmp_whiteboard.messages import Board, Stroke

CREATE: Final = "INSERT INTO whiteboard_board (session_id) VALUES ($1) ON CONFLICT DO NOTHING"
LOCK: Final = "SELECT strokes FROM whiteboard_board WHERE session_id = $1 FOR UPDATE"
WRITE: Final = "UPDATE whiteboard_board SET rev = rev + 1, strokes = $2 WHERE session_id = $1 RETURNING rev"
COUNT: Final = "UPDATE whiteboard_board SET wipes = wipes + 1 WHERE session_id = $1"
READ: Final = "SELECT rev, strokes FROM whiteboard_board WHERE session_id = $1"
STROKES: Final = msgspec.json.Decoder(list[Stroke])


class BoardRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, session: str) -> list[Stroke]:
        """The board's strokes. Nobody else changes it until the transaction ends; it is made when missing."""
        await self._database.fetch(CREATE, session)
        rows = await self._database.fetch(LOCK, session)
        return STROKES.decode(rows[0]["strokes"])

    async def write(self, session: str, strokes: Sequence[Stroke]) -> Board:
        """Replace the strokes of a locked board."""
        rows = await self._database.fetch(WRITE, session, msgspec.json.encode(strokes).decode())
        return Board(session, rows[0]["rev"], list(strokes))

    async def count_wipe(self, session: str) -> None:
        await self._database.fetch(COUNT, session)

    async def find(self, session: str) -> Board | None:
        """The board, or None when nobody has drawn there yet."""
        for row in await self._database.fetch(READ, session):
            return Board(session, row["rev"], STROKES.decode(row["strokes"]))
        return None
