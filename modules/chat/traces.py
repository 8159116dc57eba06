"""What chat holds on a user besides their messages; it names nobody, so nothing goes when they are deleted."""

from __future__ import annotations

from typing import Any, Final

from modules.chat.tables import ReportRow

# Each takes the user's id once.
HELD: Final = {
    "reactions": "SELECT session_id, seq, emoji FROM chat_reaction WHERE user_id = {} ORDER BY session_id, seq, emoji",
    "mutes": "SELECT session_id, muted, until, reason, at FROM chat_mute WHERE user_id = {} ORDER BY at",
    "reports": "SELECT session_id, seq, reason, status, created_at FROM chat_report WHERE reporter_id = {} ORDER BY id",
}


async def held(user: str) -> dict[str, Any]:
    found = {what: await ReportRow.raw(statement, user) for what, statement in HELD.items()}
    return {what: rows for what, rows in found.items() if rows}
