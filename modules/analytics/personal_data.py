"""What the events say of a user, given to them: under their subject, as long as there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.contract import Database

HELD: Final = {
    "facts": """
        SELECT name, at, program_id, session_id, label, value FROM analytics_register
        WHERE subject = (SELECT subject FROM analytics_subject WHERE user_id = $1) ORDER BY name, at, id
    """,
    "client_events": """
        SELECT name, count(*) AS count, min(at) AS first_at, max(at) AS last_at FROM analytics_event
        WHERE client AND subject = (SELECT subject FROM analytics_subject WHERE user_id = $1)
        GROUP BY name ORDER BY name
    """,
    "learner_days": """
        SELECT day, program_id FROM analytics_learner_day
        WHERE subject = (SELECT subject FROM analytics_subject WHERE user_id = $1) ORDER BY day, program_id
    """,
}


async def held_on(database: Database, user: str) -> Mapping[str, Any]:
    """What an export shows, without what is empty. Client events are counted by name: there may be a great many."""
    found = {name: [dict(row) for row in await database.fetch(statement, user)] for name, statement in HELD.items()}
    return {name: rows for name, rows in found.items() if rows}
