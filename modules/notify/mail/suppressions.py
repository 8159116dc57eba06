"""Suppressions, for admins: which addresses some mail does not go to, and the end of one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.notify.mail.messages import Suppression
from modules.notify.mail.repository import MailRepository
from modules.notify.mail.tables import SuppressionRow

NEWEST: Final = Sort("newest", (SuppressionRow.at, SuppressionRow.id), descending=True)


class Suppressions:
    """What an admin does is in the audit, by the user's id: an address does not stay there."""

    def __init__(self, kernel: Kernel, rows: MailRepository) -> None:
        self._database = kernel.database
        self._rows = rows

    async def page(self, span: Span, address: str | None, user: str | None) -> Page[Suppression]:
        """The newest first; raises Unavailable."""
        query = SuppressionRow.select()
        if address is not None:
            query = query.where(SuppressionRow.address == address.lower().replace("\0", " "))
        if user is not None:
            query = query.where(SuppressionRow.user_id == user.replace("\0", " "))
        with self._database.guard():
            return await page_of(query, NEWEST, span, Suppression)

    async def lift(self, principal: Principal, id: UUID) -> None:
        """Mail goes there again; raises BadInput `not_found` and Unavailable."""
        async with self._database.transaction():
            lifted = await self._rows.lift(id)
            if lifted is None:
                raise not_found("there is no such suppression")
            details = {"scope": lifted["scope"], "reason": lifted["reason"]}
            await record(self._database, principal, "notify.lift_suppression", lifted["user_id"], details)
