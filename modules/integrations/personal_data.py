"""What the module holds on users: the ids of the admins who made services, keys and endpoints."""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Database

HELD: Final = {
    "services": "SELECT id, name, created_at FROM integrations_service WHERE created_by = $1 ORDER BY id",
    "keys": "SELECT id, service_id, created_at FROM integrations_key WHERE created_by = $1 ORDER BY created_at, id",
    "endpoints": """
        SELECT id, service_id, url, created_at FROM integrations_endpoint WHERE created_by = $1 ORDER BY id
    """,
}


async def held_on(database: Database, user: str) -> dict[str, Any]:
    """What the user made. The id stays when they are deleted: it says in the audit who did it, and no name with it."""
    found = {name: [dict(row) for row in await database.fetch(statement, user)] for name, statement in HELD.items()}
    return {name: rows for name, rows in found.items() if rows}
