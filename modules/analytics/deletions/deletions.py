"""Deletions: what is to be deleted of somebody, as rows that a worker does and admins can look at."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.analytics.deletions.messages import DeletionView
from modules.analytics.deletions.repository import DeletionRepository
from modules.analytics.deletions.states import DeletionState, Reason


class Deletions:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._rows = DeletionRepository(kernel.database)

    async def of_events(self, user_id: str, reason: Reason, now: datetime) -> None:
        """Delete what the clients of the user sent, and its part of the rollups."""
        await self._rows.add_events(user_id, reason, now)

    async def of_sinks(self, outside: UUID, reason: Reason, now: datetime) -> None:
        """Delete what every sink has of somebody, who is `outside` there."""
        for name in await self._rows.sinks():
            await self._rows.add(name, outside, reason, now)

    async def drop_subject(self, user_id: str) -> None:
        """All facts of the user are nobody's from now on."""
        await self._rows.drop_subject(user_id)

    async def retry(self, principal: Principal, id: UUID) -> DeletionView:
        """Have one tried again. One that has not failed is left as it is. Raises BadInput `not_found`."""
        async with self._kernel.database.transaction():
            found = await self._rows.retry(id, clock.now())
            if found is not None:
                await record(self._kernel.database, principal, "analytics.retry_deletion", str(id))
            else:
                found = await self._rows.find(id)
        if found is None:
            raise not_found("there is no such deletion")
        return found

    async def page(self, state: DeletionState | None, place: str | None, span: Span) -> Page[DeletionView]:
        return await self._rows.page(state, place, span)
