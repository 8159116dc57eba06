"""What chat's own tables hold on a user; what they said is in the archive, which is the kernel's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.contract import Database

HELD: Final = {
    "mutes": "SELECT session_id, muted, until, reason, at FROM chat_mute WHERE user_id = $1 ORDER BY at, session_id",
    "reports": "SELECT session_id, seq, reason, status, created_at FROM chat_report WHERE reporter_id = $1 ORDER BY id",
    "reactions": "SELECT session_id, seq, emoji FROM chat_reaction WHERE user_id = $1 ORDER BY session_id, seq, emoji",
}
# The ids stay, in reports too: what was decided was decided about somebody.
FORGET: Final = (
    "DELETE FROM chat_reaction WHERE user_id = $1",
    "DELETE FROM chat_wait WHERE user_id = $1",
    "DELETE FROM chat_mute WHERE user_id = $1",
    "UPDATE chat_report SET text = '' WHERE author_id = $1 AND text <> ''",
    "UPDATE chat_report SET reason = '' WHERE reporter_id = $1 AND reason <> ''",
)


async def export(database: Database, user: str) -> Mapping[str, Any]:
    """By table; raises Unavailable."""
    found = {name: [dict(row) for row in await database.fetch(query, user)] for name, query in HELD.items()}
    return {name: rows for name, rows in found.items() if rows}


async def forget(database: Database, user: str) -> None:
    """In the caller's transaction; again, it changes nothing. Raises Unavailable."""
    for statement in FORGET:
        await database.fetch(statement, user)
