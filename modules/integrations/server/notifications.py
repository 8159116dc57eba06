"""Notifications that services send to users, and what became of them."""

from __future__ import annotations

from uuid import UUID

from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.identifier import new_id
from gateway.principal import Author, ServicePrincipal
from modules.accounts.facade import record
from modules.integrations.server.notification_messages import NewNotification, SentNotification
from modules.notify.facade import Message, NoticeReport, read_report, send_to


class ServiceNotifications:
    """Each call raises Unavailable, also where notifications are off."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def send(self, service: ServicePrincipal, new: NewNotification) -> SentNotification:
        """Raises BadInput `invalid` or `not_found` for the audience, and what filters raise."""
        await self._kernel.filters.check(new, Author(service.actor, service.name, "service"))
        message = Message(new.title, new.body, new.link)
        key = f"{_prefix(service)}{new.id or new_id()}"
        async with self._kernel.database.transaction():
            notice = await send_to(self._kernel, new.audience, message, key=key, actor=service.actor, urgent=new.urgent)
            details = {"notice": notice, "audience": new.audience, "key": service.key}
            await record(self._kernel.database, service.actor, "integrations.send_notification", service.id, details)
        return SentNotification(UUID(notice))

    async def report(self, service: ServicePrincipal, id: UUID) -> NoticeReport:
        """Raises BadInput `not_found`, also for what somebody else sent."""
        report = await read_report(self._kernel, str(id))
        if report is None or not report.subject.startswith(_prefix(service)):
            raise not_found("there is no such notification")
        return report


def _prefix(service: ServicePrincipal) -> str:
    return f"integrations:{service.id}:"
