"""Differences as an operator sees and resolves them. The routes let admins alone in."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Database
from gateway.errors import Conflict, not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal
from gateway.text import checked
from modules.payments.reconciliation.messages import LONGEST_NOTE, DifferenceView
from modules.payments.reconciliation.tables import DifferenceRow

NEWEST: Final = Sort("newest", (DifferenceRow.found_at, DifferenceRow.id), descending=True)
COLUMNS: Final = ", ".join(DifferenceView.__struct_fields__)
READ: Final = f"SELECT {COLUMNS} FROM payments_difference WHERE id = $1"  # noqa: S608
RESOLVE: Final = f"""
    UPDATE payments_difference SET resolved_at = $2, resolved_by = $3, note = $4, rev = rev + 1
    WHERE id = $1 AND resolved_at IS NULL RETURNING {COLUMNS}
"""  # noqa: S608


class Resolutions:
    """Each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, span: Span, *, is_open: bool | None, kind: str | None) -> Page[DifferenceView]:
        """The newest first; with `is_open` only those that wait for somebody, or only the others."""
        query = DifferenceRow.select()
        if is_open is not None:
            at = DifferenceRow.resolved_at
            query = query.where(at.is_null() if is_open else at.is_not_null())
        if kind is not None:
            query = query.where(DifferenceRow.kind == kind)
        with self._database.guard():
            return await page_of(query, NEWEST, span, DifferenceView)

    async def resolve(self, principal: Principal, id: str, note: str) -> DifferenceView:
        """Close it. The same values are not noted again: who resolves it has decided about them.

        Raises BadInput `not_found` or `invalid`, and Conflict when somebody else has resolved it.
        """
        checked(note, LONGEST_NOTE, "note")
        for row in await self._database.fetch(RESOLVE, id, clock.now(), principal.id, note):
            return msgspec.convert(row, DifferenceView)
        if await self._database.fetch(READ, id):
            raise Conflict("this difference is resolved already")
        raise not_found("there is no such difference")
