"""What completion holds on a user, and what goes when they are deleted: the name on their certificates."""

from __future__ import annotations

from typing import Any

from gateway.contract import Database
from modules.assignments.completion.repository import CertificateRepository


class CertificatePersonalData:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._certificates = CertificateRepository(database)

    async def export(self, user: str) -> dict[str, Any]:
        """What an export shows, without what is empty."""
        held = await self._certificates.held(user)
        return {"certificates": held} if held else {}

    async def forget(self, user: str) -> None:
        """A certificate says from now on that it was issued, and not to whom."""
        await self._certificates.forget(user)
