"""What boards hold on users: those that they made, and those that are shared with them by name."""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Database

HELD: Final = {
    "boards": """
        SELECT id, title, widgets::text AS widgets, created_at FROM analytics_board WHERE owner_id = $1 ORDER BY id
    """,
    "shared_boards": "SELECT id, title FROM analytics_board WHERE users @> ARRAY[$1]::text[] ORDER BY id",
}
FORGET: Final = (
    "DELETE FROM analytics_board WHERE owner_id = $1",
    """
    UPDATE analytics_board SET users = array_remove(users, $1), rev = rev + 1 WHERE users @> ARRAY[$1]::text[]
    """,
)


async def held_on(database: Database, user: str) -> dict[str, Any]:
    """What an export shows, without what is empty."""
    found = {name: [dict(row) for row in await database.fetch(statement, user)] for name, statement in HELD.items()}
    return {name: rows for name, rows in found.items() if rows}


async def forget(database: Database, user: str) -> None:
    """Done again it changes nothing."""
    for statement in FORGET:
        await database.fetch(statement, user)
