"""Consents: a user chooses, and what they allow no more is deleted wherever it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.analytics.consent.messages import Consent, ConsentChoice
from modules.analytics.consent.repository import ConsentRepository, ConsentRow
from modules.analytics.deletions.deletions import Deletions
from modules.analytics.deletions.states import Reason


class Consents:
    """Each call raises Unavailable without PostgreSQL."""

    def __init__(self, kernel: Kernel, deletions: Deletions) -> None:
        self._kernel = kernel
        self._deletions = deletions
        self._rows = ConsentRepository(kernel.database)

    async def read(self, user_id: str) -> Consent:
        row = await self._rows.find(user_id)
        return Consent(None, None, None, 0) if row is None else _shown(row)

    async def choose(self, principal: Principal, choice: ConsentChoice) -> Consent:
        """Choosing again what holds changes nothing."""
        now = clock.now()
        async with self._kernel.database.transaction():
            row = await self._rows.lock(principal.id, now)
            if row.rev and (row.analytics, row.sinks) == (choice.analytics, choice.sinks):
                return _shown(row)
            await self._take_back(row, choice, Reason.WITHDRAWN, now)
            row = _chosen(row, choice, now)
            await self._rows.write(row)
            # Whoever processes data by consent must be able to show when it was given.
            details = {"analytics": choice.analytics, "sinks": choice.sinks}
            await record(self._kernel.database, principal, "analytics.consent", principal.id, details)
        return _shown(row)

    async def held(self, user_id: str) -> Mapping[str, Any]:
        """What an export shows."""
        row = await self._rows.find(user_id)
        return {} if row is None else {"consent": msgspec.to_builtins(_shown(row))}

    async def forget(self, user_id: str) -> None:
        """Done again it changes nothing. Call it while the user still has a subject."""
        nothing = ConsentChoice(None, None)
        if (row := await self._rows.delete(user_id)) is not None:
            await self._take_back(row, nothing, Reason.DELETED, clock.now())

    async def _take_back(self, row: ConsentRow, choice: ConsentChoice, reason: Reason, now: datetime) -> None:
        """Have deleted what `choice` allows no more."""
        if row.analytics and not choice.analytics:
            await self._deletions.of_events(row.user_id, reason, now)
        if row.outside is not None and not choice.sinks:
            await self._deletions.of_sinks(row.outside, reason, now)


def _chosen(row: ConsentRow, choice: ConsentChoice, now: datetime) -> ConsentRow:
    outside, since = row.outside, row.outside_since
    if not choice.sinks:
        outside, since = None, None
    elif outside is None:
        outside, since = uuid4(), now
    return ConsentRow(row.user_id, choice.analytics, choice.sinks, outside, since, now, row.rev + 1)


def _shown(row: ConsentRow) -> Consent:
    return Consent(row.analytics, row.sinks, row.changed_at, row.rev)
