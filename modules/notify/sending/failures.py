"""Failures: deliveries whose tries are over, listed for admins, who may have them tried again."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.notify.bells import Bells
from modules.notify.errors import expired, not_failed
from modules.notify.sending.messages import Delivery, Retried, RetryFailed
from modules.notify.sending.tables import DeliveryRow
from modules.notify.states import DeliveryState

NEWEST: Final = Sort("newest", (DeliveryRow.id,), descending=True)
COLUMNS: Final = [getattr(DeliveryRow, name) for name in Delivery.__struct_fields__]
FIND: Final = """
    SELECT delivery.state, notification.expires_at FROM notify_delivery AS delivery
    JOIN notify_notification AS notification ON notification.id = delivery.notification_id WHERE delivery.id = $1
"""
# So many at most at once: a request ends.
MOST: Final = 10_000
RETRY: Final = """
    UPDATE notify_delivery SET state = 'waiting', due_at = $1, failures = 0 WHERE id IN (
        SELECT delivery.id FROM notify_delivery AS delivery
        JOIN notify_notification AS notification ON notification.id = delivery.notification_id
        WHERE delivery.state = 'failed' AND notification.expires_at > $1
            AND ($2::uuid IS NULL OR delivery.id = $2)
            AND ($3::text IS NULL OR delivery.channel = $3)
            AND ($4::text IS NULL OR delivery.reason = $4)
            AND ($5::uuid IS NULL OR delivery.notice_id = $5)
        LIMIT $6 FOR NO KEY UPDATE OF delivery SKIP LOCKED
    )
    RETURNING id
"""


class Failures:
    """What an admin does is in the audit."""

    def __init__(self, kernel: Kernel, bells: Bells) -> None:
        self._database = kernel.database
        self._bells = bells

    async def page(self, span: Span, channel: str | None, reason: str | None) -> Page[Delivery]:
        """Failed deliveries, the newest first; raises Unavailable."""
        query = DeliveryRow.select(*COLUMNS).where(DeliveryRow.state == DeliveryState.FAILED.value)
        if channel is not None:
            query = query.where(DeliveryRow.channel == channel)
        if reason is not None:
            query = query.where(DeliveryRow.reason == reason)
        with self._database.guard():
            return await page_of(query, NEWEST, span, Delivery)

    async def retry(self, principal: Principal, id: UUID) -> Retried:
        """Raises BadInput `not_found`, Conflict `notify.not_failed` or `notify.expired`, and Unavailable."""
        async with self._database.transaction():
            count = await self._retry(id)
            if not count:
                for row in await self._database.fetch(FIND, id):
                    raise not_failed() if row["state"] != DeliveryState.FAILED else expired()
                raise not_found("there is no such delivery")
            await record(self._database, principal, "notify.retry", str(id))
        for bell in self._bells.channels.values():
            bell.ring()
        return Retried(count)

    async def retry_many(self, principal: Principal, which: RetryFailed) -> Retried:
        async with self._database.transaction():
            count = await self._retry(None, which.channel, which.reason, which.notice_id)
            details = {"reason": which.reason, "notice": str(which.notice_id or ""), "count": count}
            await record(self._database, principal, "notify.retry_many", which.channel, details)
        self._bells.channels[which.channel].ring()
        return Retried(count)

    async def _retry(self, *which: Any) -> int:
        chosen = [*which, None, None, None, None][:4]
        return len(await self._database.fetch(RETRY, clock.now(), *chosen, MOST))
