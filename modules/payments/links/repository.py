"""The rows of payment links: every statement, and what it gives."""

from __future__ import annotations

from typing import Final

from gateway.contract import Database

INSERT: Final = """
    INSERT INTO payments_link (order_id, created_by) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
URL: Final = "SELECT url FROM payments_link WHERE order_id = $1"
OPEN: Final = """
    WITH link AS (UPDATE payments_link SET url = $3 WHERE order_id = $1)
    UPDATE payments_order SET link_id = $2 WHERE id = $1
"""


class LinkRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, order_id: str, created_by: str) -> None:
        await self._database.fetch(INSERT, order_id, created_by)

    async def url(self, order_id: str) -> str:
        """Where the order is paid; empty when that is not known yet."""
        for row in await self._database.fetch(URL, order_id):
            found: str = row["url"]
            return found
        return ""

    async def open(self, order_id: str, link_id: str, url: str) -> None:
        """The vendor has made the link of a locked order."""
        await self._database.fetch(OPEN, order_id, link_id, url)
