"""The rows of campaigns: every statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.notify.campaigns.messages import Campaign
from modules.notify.campaigns.states import CampaignState
from modules.notify.campaigns.tables import CampaignRow

COLUMNS: Final = ", ".join(Campaign.__struct_fields__)
SHOWN: Final = [getattr(CampaignRow, name) for name in Campaign.__struct_fields__]
NEWEST: Final = Sort("newest", (CampaignRow.created_at, CampaignRow.id), descending=True)
INSERT: Final = f"""
    INSERT INTO notify_campaign ({COLUMNS}, counted_next_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $8)
"""  # noqa: S608
ONE: Final = f"SELECT {COLUMNS} FROM notify_campaign WHERE id = $1"  # noqa: S608
# Two that begin at the same time wait for each other.
LOCK_ALL: Final = "SELECT pg_advisory_xact_lock(hashtext('notify_campaign'))"
COUNT_OPEN: Final = "SELECT count(*) AS count FROM notify_campaign WHERE state IN ('waiting', 'running')"
CREATED_BY: Final = """
    SELECT id, title, body, audience, created_at FROM notify_campaign WHERE created_by = $1 ORDER BY created_at
"""
END: Final = f"""
    UPDATE notify_campaign SET state = $2, ended_at = $3, rev = rev + 1 WHERE id = $1 RETURNING {COLUMNS}
"""  # noqa: S608
CLAIM: Final = f"""
    UPDATE notify_campaign SET
        state = 'running', rev = rev + 1,
        -- Less often when it takes long: some deliveries wait until the morning.
        counted_next_at = $1 + greatest(interval '2 seconds', least(interval '1 minute', ($1 - at) / 20))
    WHERE id = (
        SELECT id FROM notify_campaign WHERE state IN ('waiting', 'running') AND counted_next_at <= $1
        ORDER BY counted_next_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING {COLUMNS}
"""  # noqa: S608
COUNT: Final = """
    SELECT
        (SELECT count(*) FROM notify_notification WHERE notice_id = $1) AS users,
        (SELECT state FROM notify_notice WHERE id = $1) AS notice,
        count(*) FILTER (WHERE state IN ('sent', 'delivered', 'opened')) AS sent,
        count(*) FILTER (WHERE state = 'skipped') AS skipped,
        count(*) FILTER (WHERE state = 'failed') AS failed,
        count(*) FILTER (WHERE state IN ('waiting', 'sending') OR state = 'unknown' AND due_at < $2) AS left
    FROM notify_delivery WHERE notice_id = $1
"""


class CampaignRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, campaign: Campaign) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(campaign))

    async def lock_all(self) -> int:
        """How many are open. Nobody else begins one until the transaction ends."""
        await self._database.fetch(LOCK_ALL)
        (row,) = await self._database.fetch(COUNT_OPEN)
        return int(row["count"])

    async def find(self, id: UUID) -> Campaign | None:
        return await self._one(ONE, id)

    async def lock(self, id: UUID) -> Campaign | None:
        return await self._one(f"{ONE} FOR UPDATE", id)

    async def page(self, span: Span, state: CampaignState | None) -> Page[Campaign]:
        query = CampaignRow.select(*SHOWN)
        if state is not None:
            query = query.where(CampaignRow.state == state.value)
        with self._database.guard():
            return await page_of(query, NEWEST, span, Campaign)

    async def end(self, id: UUID, state: CampaignState, now: datetime) -> Campaign | None:
        return await self._one(END, id, state.value, now)

    async def claim(self, now: datetime) -> Campaign | None:
        """A campaign that has begun, and that was not counted for a while; it is running now."""
        return await self._one(CLAIM, now)

    async def count(self, notice_id: UUID, never: datetime) -> Mapping[str, Any]:
        (row,) = await self._database.fetch(COUNT, notice_id, never)
        return row

    async def created_by(self, user: str) -> Sequence[Mapping[str, Any]]:
        return [dict(row) for row in await self._database.fetch(CREATED_BY, user)]

    async def _one(self, statement: str, *values: Any) -> Campaign | None:
        for row in await self._database.fetch(statement, *values):
            return msgspec.convert(row, Campaign)
        return None
