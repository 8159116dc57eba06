"""Feedback: what becomes of deliveries and addresses by what SES tells. Events come late, twice, or never."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from gateway import clock
from gateway.contract import Database
from modules.notify.facade import Kind
from modules.notify.kinds import Kinds
from modules.notify.mail.events import MailEvent
from modules.notify.mail.repository import MailRepository
from modules.notify.mail.scopes import ALL, scope_of
from modules.notify.states import DeliveryState

log = structlog.get_logger(__name__)

events: Final = Counter("ksmp_notify_mail_events", "What the vendor told of mails", ["event"])

# A mail that was asked for: the worker that did has perhaps not noted it, or has given it up.
ASKED: Final = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
# What an event makes of a delivery, its reason, and the states that this may follow.
STEPS: Final[Mapping[str, tuple[DeliveryState, str, tuple[DeliveryState, ...]]]] = {
    "Send": (DeliveryState.SENT, "", ASKED),
    "Delivery": (DeliveryState.DELIVERED, "", (*ASKED, DeliveryState.SENT)),
    "Bounce": (DeliveryState.FAILED, "bounced", (*ASKED, DeliveryState.SENT)),
    "Reject": (DeliveryState.FAILED, "rejected", (*ASKED, DeliveryState.SENT)),
    "Complaint": (DeliveryState.DELIVERED, "complained", (*ASKED, DeliveryState.SENT)),
}


class Feedback:
    """Handles one event at a time, in a transaction."""

    def __init__(self, database: Database, rows: MailRepository, kinds: Kinds) -> None:
        self._database = database
        self._rows = rows
        self._kinds = kinds

    async def handle(self, event: MailEvent) -> None:
        """Done again it changes nothing. Raises Unavailable."""
        step, id = STEPS.get(event.event_type), event.mail.delivery_id
        events.labels(event.event_type if step is not None else "other").inc()
        if step is None or not _is_id(id):
            # Mail that somebody else sends by the same account.
            return
        state, reason, before = step
        async with self._database.transaction():
            told = await self._rows.delivery(id)
            if told is None:
                # It was deleted with its user, or is very old.
                return
            now = clock.now()
            await self._rows.tell(id, state, reason, event.mail.message_id, now, before)
            if event.bounce is not None and event.bounce.is_permanent:
                for one in event.bounce.bounced_recipients:
                    await self._rows.stop(one.address, ALL, "bounced", told.user_id, event.bounce.detail, now)
            if event.complaint is not None:
                await self._rows.remark(id, reason)
                scope = self._scope(told.kind)
                for one in event.complaint.complained_recipients:
                    detail = event.complaint.complaint_feedback_type
                    await self._rows.stop(one.address, scope, "complained", told.user_id, detail, now)

    def _scope(self, name: str) -> str:
        kind: Kind | None = self._kinds.kinds.get(name)
        return scope_of(kind) if kind is not None else name


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
