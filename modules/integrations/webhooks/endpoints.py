"""What admins, and services for themselves, do with endpoints. Each act has its entry in the audit."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from modules.accounts.facade import record
from modules.integrations import errors
from modules.integrations.services.messages import Rotation
from modules.integrations.services.repository import ServiceRepository
from modules.integrations.settings import IntegrationsSettings
from modules.integrations.webhooks.addresses import checked_url
from modules.integrations.webhooks.delivery_repository import DeliveryRepository
from modules.integrations.webhooks.endpoint_repository import EndpointRepository
from modules.integrations.webhooks.messages import (
    DeliveryView,
    EndpointChange,
    EndpointView,
    EventCatalogue,
    EventDescription,
    NewEndpoint,
    Replay,
    Replayed,
    ShownEndpoint,
)
from modules.integrations.webhooks.public_events import NOTIFICATION, PING, PublicEvents
from modules.integrations.webhooks.recording import WebhookRecorder
from modules.integrations.webhooks.signatures import new_signing_secret
from modules.integrations.webhooks.states import DeliveryState, DisabledReason


@dataclass(frozen=True)
class Owner:
    """Who asks, as the audit names them; a service sees endpoints of its own alone, an admin those of all."""

    actor: str
    service: UUID | None = None


class Endpoints:
    """Each call raises Unavailable, and BadInput `not_found` for what is not there or is another service's."""

    def __init__(
        self,
        kernel: Kernel,
        settings: IntegrationsSettings,
        services: ServiceRepository,
        endpoints: EndpointRepository,
        deliveries: DeliveryRepository,
        public: PublicEvents,
        recorder: WebhookRecorder,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._services = services
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._public = public
        self._recorder = recorder

    def catalogue(self) -> EventCatalogue:
        """What webhooks tell of."""
        described = [
            EventDescription(name, _first_clause(public.event.__doc__ or ""), public.subject, list(public.fields))
            for name, public in sorted(self._public.by_name.items())
        ]
        return EventCatalogue(described)

    async def create(self, owner: Owner, service: UUID, new: NewEndpoint) -> ShownEndpoint:
        """Raises BadInput `invalid`, Refused `forbidden`, and Conflict `integrations.too_many`."""
        url = checked_url(new.url, private=self._settings.private_addresses)
        made = EndpointView(
            id=UUID(new_id()),
            service_id=service,
            url=url,
            events=self._events(owner, new.events),
            enabled=True,
            reason=DisabledReason.NONE,
            failures=0,
            failing_since=None,
            created_by=owner.actor,
            created_at=clock.now(),
            rev=1,
        )
        secret = new_signing_secret()
        async with self._kernel.database.transaction():
            if await self._services.lock(service) is None:
                raise not_found("there is no such service")
            if await self._endpoints.count(service) >= self._settings.endpoints_per_service:
                raise errors.too_many("endpoints of this service", self._settings.endpoints_per_service)
            await self._endpoints.insert(made, secret)
            await self._record(owner, "integrations.add_endpoint", made, {"url": url, "events": made.events})
        return ShownEndpoint(made, secret)

    async def page(self, service: UUID, span: Span) -> Page[EndpointView]:
        if await self._services.find(service) is None:
            raise not_found("there is no such service")
        return await self._endpoints.page(service, span)

    async def read(self, owner: Owner, id: UUID) -> EndpointView:
        return _owned(owner, await self._endpoints.find(id))

    async def change(self, owner: Owner, id: UUID, change: EndpointChange, if_match: IfMatch) -> EndpointView:
        """Raises BadInput `precondition_failed` or `invalid`, and Refused `forbidden`."""
        given: dict[str, Any] = {}
        if change.url is not msgspec.UNSET:
            given["url"] = checked_url(change.url, private=self._settings.private_addresses)
        if change.events is not msgspec.UNSET:
            given["events"] = self._events(owner, change.events)
        if change.enabled is not msgspec.UNSET:
            given |= {"enabled": change.enabled, "reason": DisabledReason.NONE}
        if change.enabled is True:
            given |= {"failures": 0, "failing_since": None}
        async with self._kernel.database.transaction():
            before = _owned(owner, await self._endpoints.lock(id))
            if_match.check(before.rev)
            changed = msgspec.structs.replace(before, rev=before.rev + 1, **given)
            await self._endpoints.update(changed)
            if not changed.enabled:
                await self._deliveries.give_up(id, clock.now())
            details = {"url": changed.url, "events": changed.events, "enabled": changed.enabled}
            await self._record(owner, "integrations.change_endpoint", changed, details)
        return changed

    async def delete(self, owner: Owner, id: UUID) -> None:
        async with self._kernel.database.transaction():
            endpoint = _owned(owner, await self._endpoints.lock(id))
            now = clock.now()
            await self._endpoints.delete(id, now)
            await self._deliveries.give_up(id, now)
            await self._record(owner, "integrations.delete_endpoint", endpoint)

    async def rotate(self, owner: Owner, id: UUID, rotation: Rotation) -> ShownEndpoint:
        """Another secret; both sign until the overlap ends. Raises BadInput `invalid` for one that is too long."""
        if rotation.overlap > self._settings.overlap:
            raise invalid(f"an overlap is at most {self._settings.overlap:.0f} seconds", field="overlap")
        secret = new_signing_secret()
        async with self._kernel.database.transaction():
            endpoint = _owned(owner, await self._endpoints.lock(id))
            await self._endpoints.rotate(id, secret, clock.now() + timedelta(seconds=rotation.overlap))
            await self._record(owner, "integrations.rotate_secret", endpoint, {"overlap": rotation.overlap})
        return ShownEndpoint(msgspec.structs.replace(endpoint, rev=endpoint.rev + 1), secret)

    async def ping(self, owner: Owner, id: UUID) -> DeliveryView:
        """Send a test event; its delivery is listed like any other. Raises Conflict `integrations.disabled`."""
        async with self._kernel.database.transaction():
            endpoint = _owned(owner, await self._endpoints.lock(id))
            _enabled(endpoint)
            delivery = await self._deliveries.find(await self._recorder.ping(id, PING))
        return _delivery(delivery)

    async def deliveries(self, owner: Owner, id: UUID, state: DeliveryState | None, span: Span) -> Page[DeliveryView]:
        """The newest first."""
        await self.read(owner, id)
        return await self._deliveries.page(id, state, span)

    async def replay(self, owner: Owner, id: UUID, event: UUID) -> DeliveryView:
        """Send one again, whatever became of it. Raises Conflict `integrations.disabled`."""
        async with self._kernel.database.transaction():
            endpoint = _owned(owner, await self._endpoints.lock(id))
            found = _delivery(await self._deliveries.of_event(id, event))
            _enabled(endpoint)
            replayed = await self._deliveries.replay(found.id, clock.now())
            if replayed is not None:
                await self._record(owner, "integrations.replay", endpoint, {"event": str(event)})
        return replayed or found

    async def replay_since(self, owner: Owner, id: UUID, replay: Replay) -> Replayed:
        """Send again all that failed since then. Raises Conflict `integrations.disabled`."""
        async with self._kernel.database.transaction():
            endpoint = _owned(owner, await self._endpoints.lock(id))
            _enabled(endpoint)
            count = await self._deliveries.replay_since(id, replay.since, clock.now())
            details = {"since": replay.since.isoformat(), "count": count}
            await self._record(owner, "integrations.replay", endpoint, details)
        return Replayed(count)

    def _events(self, owner: Owner, wanted: Collection[str]) -> list[str]:
        unknown = sorted(set(wanted) - self._public.by_name.keys() - {NOTIFICATION})
        if unknown:
            raise invalid(f"there is no event {unknown[0]}", field="events")
        if NOTIFICATION in wanted and owner.service is not None:
            raise forbidden(f"an admin says which endpoints get {NOTIFICATION}")
        return sorted(set(wanted))

    async def _record(
        self, owner: Owner, act: str, endpoint: EndpointView, details: dict[str, Any] | None = None
    ) -> None:
        said = {"endpoint": str(endpoint.id), **(details or {})}
        await record(self._kernel.database, owner.actor, act, str(endpoint.service_id), said)


def _first_clause(said: str) -> str:
    """What an event says of itself, without what follows on fields that webhooks may not have."""
    return re.split(r"[.;]\s", f"{said} ")[0] + "."


def _owned(owner: Owner, endpoint: EndpointView | None) -> EndpointView:
    if endpoint is None or (owner.service is not None and endpoint.service_id != owner.service):
        raise not_found("there is no such endpoint")
    return endpoint


def _enabled(endpoint: EndpointView) -> None:
    if not endpoint.enabled:
        raise errors.disabled()


def _delivery(delivery: DeliveryView | None) -> DeliveryView:
    if delivery is None:
        raise not_found("there is no such delivery")
    return delivery
