"""The rows of devices: every statement, and what it gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from modules.notify.devices.address import Address
from modules.notify.devices.messages import Device, NewDevice, Platform

SHOWN: Final = ", ".join(Device.__struct_fields__)

# Two installations that register one address take turns.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7283))"
# The app was installed again, or its data was copied: the address is where it was registered last.
TAKE: Final = "DELETE FROM notify_device WHERE address = $1 AND installation <> $2"
PUT: Final = f"""
    INSERT INTO notify_device
        (installation, user_id, platform, address_kind, address, app, locale, registered_at, seen_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    ON CONFLICT (installation) DO UPDATE SET
        registered_at = CASE WHEN notify_device.user_id = excluded.user_id THEN notify_device.registered_at
            ELSE excluded.registered_at END,
        user_id = excluded.user_id, platform = excluded.platform, address_kind = excluded.address_kind,
        address = excluded.address, app = excluded.app, locale = excluded.locale, seen_at = excluded.seen_at
    RETURNING {SHOWN}
"""  # noqa: S608
BOUND: Final = """
    DELETE FROM notify_device WHERE user_id = $1 AND installation IN (
        SELECT installation FROM notify_device WHERE user_id = $1 ORDER BY seen_at DESC, installation OFFSET $2
    )
"""
OF_USER: Final = f"SELECT {SHOWN} FROM notify_device WHERE user_id = $1 ORDER BY seen_at DESC, installation"  # noqa: S608
OF_USERS: Final = """
    SELECT user_id, installation, platform, address_kind, address FROM notify_device WHERE user_id = ANY($1)
    ORDER BY user_id, seen_at DESC
"""
REMOVE: Final = "DELETE FROM notify_device WHERE installation = $1 AND user_id = $2"
# A device that has registered another address meanwhile is kept.
REMOVE_DEAD: Final = """
    DELETE FROM notify_device AS device USING unnest($1::text[], $2::text[]) AS dead (installation, address)
    WHERE device.installation = dead.installation AND device.address = dead.address
    RETURNING device.installation
"""
FORGET: Final = "DELETE FROM notify_device WHERE user_id = $1 AND seen_at <= $2"
HELD: Final = f"SELECT {SHOWN}, address_kind, address FROM notify_device WHERE user_id = $1 ORDER BY installation"  # noqa: S608
SWEEP: Final = """
    DELETE FROM notify_device WHERE installation IN (
        SELECT installation FROM notify_device WHERE seen_at < $1 ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING installation
"""


class DeviceRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, user: str, installation: str, new: NewDevice, now: datetime, most: int) -> Device:
        """Have an installation be this user's, at this address, inside a transaction. Of the user's `most` stay."""
        kind, address = ("fid", new.fid) if new.fid is not None else ("token", new.token)
        await self._database.fetch(LOCK, address)
        await self._database.fetch(TAKE, address, installation)
        (row,) = await self._database.fetch(
            PUT, installation, user, new.platform.value, kind, address, new.app, new.locale, now
        )
        await self._database.fetch(BOUND, user, most)
        return msgspec.convert(dict(row), Device)

    async def of_user(self, user: str) -> list[Device]:
        return [msgspec.convert(dict(row), Device) for row in await self._database.fetch(OF_USER, user)]

    async def of_users(self, users: Collection[str]) -> Mapping[str, Sequence[Address]]:
        """Where the devices of each user are reached; a user without one is left out."""
        found = defaultdict[str, list[Address]](list)
        for row in await self._database.fetch(OF_USERS, list(users)):
            address = Address(row["installation"], Platform(row["platform"]), row["address_kind"], row["address"])
            found[row["user_id"]].append(address)
        return found

    async def remove(self, user: str, installation: str) -> None:
        """One that is another user's by now stays."""
        await self._database.fetch(REMOVE, installation, user)

    async def remove_dead(self, dead: Collection[Address]) -> int:
        """Remove devices whose address reaches nobody any more; how many there were."""
        installations = [address.installation for address in dead]
        return len(await self._database.fetch(REMOVE_DEAD, installations, [address.value for address in dead]))

    async def forget(self, user: str, until: datetime) -> None:
        """Remove those of a user that have not been registered since then."""
        await self._database.fetch(FORGET, user, until)

    async def held(self, user: str) -> list[Mapping[str, Any]]:
        return [dict(row) for row in await self._database.fetch(HELD, user)]

    async def sweep(self, before: datetime, most: int) -> int:
        """Remove devices that were not seen since then; how many there were."""
        return len(await self._database.fetch(SWEEP, before, most))
