"""The rows of services and keys: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.integrations.services.messages import KeyView, ServiceView
from modules.integrations.services.tables import KeyRow, ServiceRow

SERVICE_COLUMNS: Final = ", ".join(ServiceView.__struct_fields__)
KEY_COLUMNS: Final = ", ".join(KeyView.__struct_fields__)
NEWEST: Final = Sort("newest", (ServiceRow.id,), descending=True)
NEWEST_KEY: Final = Sort("newest", (KeyRow.created_at, KeyRow.id), descending=True)
# To how many seconds the time of the last use is written.
USE_EVERY: Final = 60.0

ONE: Final = f"SELECT {SERVICE_COLUMNS} FROM integrations_service WHERE id = $1"  # noqa: S608
INSERT: Final = f"INSERT INTO integrations_service ({SERVICE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"  # noqa: S608
UPDATE: Final = "UPDATE integrations_service SET name = $2, disabled = $3, rev = $4 WHERE id = $1"
ONE_KEY: Final = f"SELECT {KEY_COLUMNS} FROM integrations_key WHERE id = $1"  # noqa: S608
INSERT_KEY: Final = f"""
    INSERT INTO integrations_key ({KEY_COLUMNS}, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""  # noqa: S608
COUNT_KEYS: Final = """
    SELECT count(*) AS count FROM integrations_key WHERE service_id = $1 AND revoked_at IS NULL AND expires_at > $2
"""
END_KEY: Final = "UPDATE integrations_key SET expires_at = least(expires_at, $2) WHERE id = $1"
REVOKE: Final = """
    UPDATE integrations_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING service_id
"""
SHOWN: Final = """
    SELECT key.id, key.service_id, key.hash, key.scopes, key.rooms, key.expires_at,
        key.revoked_at IS NOT NULL AS revoked, service.name, service.disabled,
        coalesce(key.last_used_at < $2::timestamptz - make_interval(secs => $3), true) AS use_is_old
    FROM integrations_key AS key JOIN integrations_service AS service ON service.id = key.service_id WHERE key.id = $1
"""
USED: Final = """
    UPDATE integrations_key SET last_used_at = $2
    WHERE id = $1 AND coalesce(last_used_at < $2::timestamptz - make_interval(secs => $3), true)
"""


class HeldKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a key that is shown is checked against."""

    id: str
    service_id: UUID
    hash: bytes
    scopes: list[str]
    rooms: list[str]
    expires_at: datetime
    revoked: bool
    name: str
    disabled: bool
    use_is_old: bool


class ServiceRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> ServiceView | None:
        return await self._one(ONE, id)

    async def lock(self, id: UUID) -> ServiceView | None:
        """The service. Nobody else changes it, or adds a key, until the transaction ends."""
        return await self._one(f"{ONE} FOR NO KEY UPDATE", id)

    async def insert(self, new: ServiceView) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(new))

    async def update(self, changed: ServiceView) -> None:
        await self._database.fetch(UPDATE, changed.id, changed.name, changed.disabled, changed.rev)

    async def page(self, span: Span) -> Page[ServiceView]:
        with self._database.guard():
            return await page_of(ServiceRow.select(), NEWEST, span, ServiceView)

    async def _one(self, statement: str, id: UUID) -> ServiceView | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(dict(row), ServiceView)
        return None


class KeyRepository:
    """As ServiceRepository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: str) -> KeyView | None:
        for row in await self._database.fetch(ONE_KEY, id):
            return msgspec.convert(dict(row), KeyView)
        return None

    async def insert(self, new: KeyView, hash: bytes) -> None:
        await self._database.fetch(INSERT_KEY, *msgspec.structs.astuple(new), hash)

    async def count_good(self, service: UUID, now: datetime) -> int:
        """How many keys of the service are good."""
        return int((await self._database.fetch(COUNT_KEYS, service, now))[0]["count"])

    async def end_at(self, id: str, when: datetime) -> None:
        """The key is good until then, or until its own end when that is earlier."""
        await self._database.fetch(END_KEY, id, when)

    async def revoke(self, id: str, now: datetime) -> bool:
        """False when the key was revoked before, or is not there."""
        return bool(await self._database.fetch(REVOKE, id, now))

    async def page(self, service: UUID, span: Span) -> Page[KeyView]:
        columns = [getattr(KeyRow, name) for name in KeyView.__struct_fields__]
        with self._database.guard():
            return await page_of(KeyRow.select(*columns).where(KeyRow.service_id == service), NEWEST_KEY, span, KeyView)

    async def held(self, id: str, now: datetime) -> HeldKey | None:
        for row in await self._database.fetch(SHOWN, id, now, USE_EVERY):
            return msgspec.convert(dict(row), HeldKey)
        return None

    async def used(self, id: str, now: datetime) -> None:
        """Note that the key was used, unless that was noted within the last minute."""
        await self._database.fetch(USED, id, now, USE_EVERY)
