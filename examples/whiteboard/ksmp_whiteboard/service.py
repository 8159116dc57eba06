"""The rules of whiteboard."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.errors import not_found
from ksmp_whiteboard.messages import Board, Stroke
from ksmp_whiteboard.tables import BoardRow

CREATE = "INSERT INTO whiteboard_board (session_id) VALUES ({}) ON CONFLICT DO NOTHING"
LOCK = "SELECT rev, strokes FROM whiteboard_board WHERE session_id = {} FOR UPDATE"
WRITE = "UPDATE whiteboard_board SET rev = rev + 1, strokes = {} WHERE session_id = {} RETURNING rev"
COUNT = "UPDATE whiteboard_board SET wipes = wipes + 1 WHERE session_id = {}"
STROKES = msgspec.json.Decoder(list[Stroke])


async def draw(session: str, stroke: Stroke, most: int) -> Board:
    """Add a stroke, in the transaction around this call."""
    await BoardRow.raw(CREATE, session)
    # Locked, so that of two who draw at once neither loses a stroke.
    rows = await BoardRow.raw(LOCK, session)
    return await _write(session, [*STROKES.decode(rows[0]["strokes"]), stroke][-most:])


async def wipe(session: str) -> Board:
    """Empty the board, in the transaction around this call."""
    await BoardRow.raw(CREATE, session)
    return await _write(session, [])


async def count_wipe(session: str) -> None:
    await BoardRow.raw(COUNT, session)


async def read(session: str) -> Board:
    """Raises BadInput `not_found` when nobody has drawn there yet."""
    row = await BoardRow.select().where(BoardRow.session_id == session).first()
    if row is None:
        raise not_found("nobody has drawn in this session")
    return Board(session, row["rev"], STROKES.decode(row["strokes"]))


async def _write(session: str, strokes: Sequence[Stroke]) -> Board:
    rows = await BoardRow.raw(WRITE, msgspec.json.encode(strokes).decode(), session)
    return Board(session, rows[0]["rev"], list(strokes))
