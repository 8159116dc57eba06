"""What the module holds on users: ids of admins who made something, and notifications that go out by webhooks."""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Database

HELD: Final = {
    "services": "SELECT id, name, created_at FROM integrations_service WHERE created_by = $1 ORDER BY id",
    "keys": "SELECT id, service_id, created_at FROM integrations_key WHERE created_by = $1 ORDER BY created_at, id",
    "endpoints": """
        SELECT id, service_id, url, created_at FROM integrations_endpoint WHERE created_by = $1 ORDER BY id
    """,
    "notifications": """
        SELECT event.id, event.body, event.at FROM integrations_event AS event
        JOIN integrations_delivery AS delivery ON delivery.event_id = event.id
        WHERE delivery.event = 'integrations.notification' AND delivery.subject = 'user:' || $1 ORDER BY event.id
    """,
}
# What is not sent yet is not sent any more.
FORGET: Final = """
    DELETE FROM integrations_event WHERE id IN (
        SELECT event_id FROM integrations_delivery
        WHERE event = 'integrations.notification' AND subject = 'user:' || $1
    )
"""


async def held_on(database: Database, user: str) -> dict[str, Any]:
    """What an export shows, without what is empty."""
    found = {name: [dict(row) for row in await database.fetch(statement, user)] for name, statement in HELD.items()}
    return {name: rows for name, rows in found.items() if rows}


async def forget(database: Database, user: str) -> None:
    """Done again it changes nothing. Ids of who made something stay: they say who did it, and no name with it."""
    await database.fetch(FORGET, user)
