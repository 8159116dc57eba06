"""Reports: what became of a notice, in counts, for those who may know it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.errors import not_found
from gateway.principal import Principal, Role
from modules.notify.facade import ChannelCount, NoticeReport
from modules.notify.kinds import Kinds

NOTICE: Final = """
    SELECT id, kind, subject, audience, actor, state, at, expires_at FROM notify_notice WHERE id = $1
"""
USERS: Final = """
    SELECT count(*) AS users, count(*) FILTER (WHERE in_app) AS listed, count(seen_at) AS seen, count(read_at) AS read,
        count(opened_at) AS opened
    FROM notify_notification WHERE notice_id = $1
"""
DELIVERIES: Final = """
    SELECT channel, state, reason, count(*) AS count FROM notify_delivery WHERE notice_id = $1
    GROUP BY channel, state, reason ORDER BY channel, state, reason
"""


class Reports:
    """Each call raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, kinds: Kinds) -> None:
        self._database = database
        self._kinds = kinds

    async def find(self, id: str) -> NoticeReport | None:
        for notice in await self._database.fetch(NOTICE, id):
            (users,) = await self._database.fetch(USERS, id)
            deliveries = await self._database.fetch(DELIVERIES, id)
            return msgspec.convert(
                {**notice, **users, "deliveries": [msgspec.convert(dict(row), ChannelCount) for row in deliveries]},
                NoticeReport,
            )
        return None

    async def read(self, principal: Principal, id: UUID) -> NoticeReport:
        """For admins, for whoever told it, and for those who teach its audience; `not_found` for all others."""
        for notice in await self._database.fetch(NOTICE, id):
            if await self._may_read(principal, notice["actor"], notice["audience"]):
                report = await self.find(str(id))
                if report is not None:
                    return report
        raise not_found("there is no such notice")

    async def _may_read(self, principal: Principal, actor: str, named: str) -> bool:
        if principal.role is Role.ADMIN or actor == principal.id:
            return True
        if not named:
            return False
        try:
            audience, id = self._kinds.audience(named)
        except ValueError:
            # Its module is off now.
            return False
        return audience.teaches is not None and await audience.teaches(principal, id)
