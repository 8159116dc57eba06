"""What admins do with services and their keys. Each act is one transaction with its entry in the audit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.integrations import errors
from modules.integrations.services.key_format import new_secret
from modules.integrations.services.messages import (
    KeyView,
    NewKey,
    NewService,
    Rotation,
    ServiceChange,
    ServiceView,
    ShownKey,
)
from modules.integrations.services.repository import KeyRepository, ServiceRepository
from modules.integrations.services.scopes import IN_ROOMS
from modules.integrations.settings import KeySettings


class Services:
    """Services and keys. Each call raises Unavailable, and BadInput `not_found` where it needs one."""

    def __init__(self, kernel: Kernel, settings: KeySettings, services: ServiceRepository, keys: KeyRepository) -> None:
        self._kernel = kernel
        self._settings = settings
        self._services = services
        self._keys = keys

    async def create(self, admin: Principal, new: NewService) -> ServiceView:
        made = ServiceView(
            id=UUID(new_id()), name=new.name, disabled=False, created_by=admin.id, created_at=clock.now(), rev=1
        )
        async with self._kernel.database.transaction():
            await self._services.insert(made)
            await self._record(admin, "integrations.create_service", str(made.id))
        return made

    async def page(self, span: Span) -> Page[ServiceView]:
        return await self._services.page(span)

    async def read(self, id: UUID) -> ServiceView:
        return _service(await self._services.find(id))

    async def change(self, admin: Principal, id: UUID, change: ServiceChange, if_match: IfMatch) -> ServiceView:
        """Raises BadInput `precondition_failed`."""
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        async with self._kernel.database.transaction():
            before = _service(await self._services.lock(id))
            if_match.check(before.rev)
            changed = msgspec.structs.replace(before, rev=before.rev + 1, **given)
            await self._services.update(changed)
            await self._record(admin, "integrations.change_service", str(id), {"disabled": changed.disabled})
        return changed

    async def add_key(self, admin: Principal, service: UUID, new: NewKey) -> ShownKey:
        """Raises BadInput `invalid`, and Conflict `integrations.too_many`."""
        if bool(new.rooms) != (not IN_ROOMS.isdisjoint(new.scopes)):
            raise invalid("scopes of rooms need `rooms`, and others take none", field="rooms")
        for room in sorted(new.rooms):
            kind = room.partition(":")[0]
            if kind not in self._kernel.rooms.kinds or kind in self._settings.closed_rooms:
                raise invalid(f"no key is for rooms like {room}", field="rooms")
        now = clock.now()
        last = now + timedelta(seconds=self._settings.key_life)
        expires_at = last if new.expires_at is None else new.expires_at
        if not now < expires_at <= last:
            raise invalid("a key ends in the future, and not too far ahead", field="expires_at")
        async with self._kernel.database.transaction():
            _service(await self._services.lock(service))
            return await self._make(admin, service, new, expires_at.astimezone(UTC), replaces=None)

    async def keys(self, service: UUID, span: Span) -> Page[KeyView]:
        """The keys of a service, also those that are over, the newest first."""
        await self.read(service)
        return await self._keys.page(service, span)

    async def rotate(self, admin: Principal, id: str, rotation: Rotation) -> ShownKey:
        """Another key with the same rights. The old one is good until the overlap ends.

        Raises BadInput `invalid` for an overlap that is too long, Conflict `integrations.key_over` for a key that is
        good no longer, and Conflict `integrations.too_many`.
        """
        if rotation.overlap > self._settings.overlap:
            raise invalid(f"an overlap is at most {self._settings.overlap:.0f} seconds", field="overlap")
        async with self._kernel.database.transaction():
            service = _key(await self._keys.find(id)).service_id
            await self._services.lock(service)
            # Read again behind the lock: somebody may have revoked or rotated it.
            old = _key(await self._keys.find(id))
            now = clock.now()
            if old.revoked_at is not None or old.expires_at <= now:
                raise errors.key_over()
            terms = NewKey(old.scopes, old.rooms)
            await self._keys.end_at(id, now + timedelta(seconds=rotation.overlap))
            last = now + timedelta(seconds=self._settings.key_life)
            return await self._make(admin, service, terms, last, replaces=id)

    async def revoke(self, admin: Principal, id: str) -> None:
        """The key is refused from the commit on, on every gateway; done again it changes nothing."""
        async with self._kernel.database.transaction():
            service = _key(await self._keys.find(id)).service_id
            await self._services.lock(service)
            if await self._keys.revoke(id, clock.now()):
                await self._record(admin, "integrations.revoke_key", str(service), {"key": id})

    async def _make(
        self, admin: Principal, service: UUID, terms: NewKey, expires_at: datetime, *, replaces: str | None
    ) -> ShownKey:
        now = clock.now()
        if await self._keys.count_good(service, now) >= self._settings.keys_per_service:
            raise errors.too_many("good keys of this service", self._settings.keys_per_service)
        secret = new_secret()
        key = KeyView(
            id=secret.id,
            service_id=service,
            scopes=sorted(set(terms.scopes)),
            rooms=sorted(set(terms.rooms)),
            replaces=replaces,
            created_by=admin.id,
            created_at=now,
            expires_at=expires_at,
            revoked_at=None,
            last_used_at=None,
        )
        await self._keys.insert(key, secret.hash)
        details = {"key": key.id, "scopes": key.scopes, "rooms": key.rooms}
        act = "integrations.add_key" if replaces is None else "integrations.rotate_key"
        await self._record(admin, act, str(service), details if replaces is None else {**details, "replaces": replaces})
        return ShownKey(key, secret.key)

    async def _record(self, admin: Principal, act: str, subject: str, details: dict[str, Any] | None = None) -> None:
        await record(self._kernel.database, admin, act, subject, details)


def _service(found: ServiceView | None) -> ServiceView:
    if found is None:
        raise not_found("there is no such service")
    return found


def _key(found: KeyView | None) -> KeyView:
    if found is None:
        raise not_found("there is no such key")
    return found
