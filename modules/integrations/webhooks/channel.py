"""The channel `webhook`: notifications of users go to the endpoints that name `integrations.notification`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from modules.integrations.webhooks.public_events import NOTIFICATION
from modules.integrations.webhooks.recording import WebhookRecorder
from modules.notify.facade import Channel, DeliveryState, Outcome, Outgoing, SkipReason

NAME: Final = "webhook"
WANTED: Final = """
    SELECT FROM integrations_endpoint AS endpoint
    JOIN integrations_service AS service ON service.id = endpoint.service_id
    WHERE endpoint.enabled AND endpoint.deleted_at IS NULL AND NOT service.disabled
        AND $1 = ANY(endpoint.events)
    LIMIT 1
"""


class NotificationData(msgspec.Struct, frozen=True, kw_only=True):
    """One notification for one user, in the user's language, as an integrator passes it on."""

    notification_id: str
    kind: str
    user_id: str
    title: str
    body: str
    link: str
    language: str
    expires_at: datetime


class WebhookChannel(Channel):
    """A delivery is sent when its webhook is written: from there on it has the tries and the order of webhooks.

    The id of the webhook is the delivery's, so a delivery that comes again is written once.
    """

    name = NAME

    def __init__(self, database: Database, recorder: WebhookRecorder) -> None:
        self._database = database
        self._recorder = recorder

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        if not await self._is_wanted():
            return [_skipped(outgoing) for outgoing in batch]
        return [await self._write(outgoing) for outgoing in batch]

    async def reaches(self, user_ids: Collection[str]) -> Collection[str]:
        return user_ids if await self._is_wanted() else ()

    async def _write(self, outgoing: Outgoing) -> Outcome:
        data = NotificationData(
            notification_id=outgoing.notification_id,
            kind=outgoing.kind.name,
            user_id=outgoing.user_id,
            title=outgoing.title,
            body=outgoing.body,
            link=outgoing.link,
            language=outgoing.language,
            expires_at=outgoing.expires_at,
        )
        if await self._recorder.notification(UUID(outgoing.id), f"user:{outgoing.user_id}", data):
            return Outcome(id=outgoing.id, state=DeliveryState.SENT, vendor_id=outgoing.id)
        return _skipped(outgoing)

    async def _is_wanted(self) -> bool:
        found: Sequence[Any] = await self._database.fetch(WANTED, NOTIFICATION)
        return bool(found)


def _skipped(outgoing: Outgoing) -> Outcome:
    return Outcome(id=outgoing.id, state=DeliveryState.SKIPPED, reason=SkipReason.NO_ADDRESS.value)
