"""The rows of mail: suppressions, what was handed to the vendor, and what it told of deliveries. Every statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from gateway.contract import Database
from gateway.identifier import new_id
from modules.notify.mail.messages import Reason

STOPPED: Final = "SELECT address, scope FROM notify_suppression WHERE address = ANY($1)"
STOP: Final = """
    INSERT INTO notify_suppression (id, address, scope, reason, user_id, detail, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (address, scope) DO NOTHING
"""
LIFT: Final = "DELETE FROM notify_suppression WHERE id = $1 RETURNING user_id, scope, reason"
HELD: Final = "SELECT address, scope, reason, detail, at FROM notify_suppression WHERE user_id = $1 ORDER BY at"
FORGET: Final = "DELETE FROM notify_suppression WHERE user_id = $1"
BEGIN: Final = """
    INSERT INTO notify_mail (delivery_id, begun_at) SELECT id, $2 FROM notify_delivery WHERE id = ANY($1::uuid[])
    ON CONFLICT (delivery_id) DO UPDATE SET begun_at = EXCLUDED.begun_at
"""
BEGUN: Final = "SELECT delivery_id, begun_at FROM notify_mail WHERE delivery_id = ANY($1::uuid[])"
# An event may be there before the worker has noted its answer, or after the worker gave it up: it knows better.
TELL: Final = """
    UPDATE notify_delivery SET
        state = $2, lease_until = NULL,
        reason = CASE WHEN $2 = 'sent' THEN '' ELSE $3 END,
        vendor_id = $4,
        sent_at = CASE WHEN $2 = 'failed' THEN sent_at ELSE coalesce(sent_at, $5) END,
        delivered_at = CASE WHEN $2 = 'delivered' THEN coalesce(delivered_at, $5) ELSE delivered_at END
    WHERE id = $1 AND state = ANY($6)
"""
REMARK: Final = "UPDATE notify_delivery SET reason = $2 WHERE id = $1"
DELIVERY: Final = "SELECT user_id, kind FROM notify_delivery WHERE id = $1 AND channel = 'email'"
KEY: Final = "SELECT secret FROM notify_mail_key"


class Told(NamedTuple):
    """Whose delivery an event is of, and the name of its kind."""

    user_id: str
    kind: str


class MailRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stopped(self, addresses: Collection[str]) -> Mapping[str, set[str]]:
        """The scopes that are stopped of those of these addresses that have any; addresses in lower case."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in await self._database.fetch(STOPPED, list(addresses)):
            found[row["address"]].add(row["scope"])
        return found

    async def stop(self, address: str, scope: str, reason: Reason, user_id: str, detail: str, at: datetime) -> None:
        """Done again it changes nothing."""
        await self._database.fetch(STOP, new_id(), address.lower(), scope, reason, user_id, detail[:500], at)

    async def lift(self, id: Any) -> Mapping[str, Any] | None:
        """What was lifted; None where there is no such suppression."""
        for row in await self._database.fetch(LIFT, id):
            return dict(row)
        return None

    async def begin(self, delivery_ids: Collection[str], now: datetime) -> None:
        """They are handed to the vendor next."""
        await self._database.fetch(BEGIN, list(delivery_ids), now)

    async def begun(self, delivery_ids: Collection[str]) -> Mapping[str, datetime]:
        """When those of these deliveries that the vendor may know were handed over."""
        rows = await self._database.fetch(BEGUN, list(delivery_ids))
        return {str(row["delivery_id"]): row["begun_at"] for row in rows}

    async def tell(
        self, delivery_id: str, state: str, reason: str, vendor_id: str, at: datetime, before: Sequence[str]
    ) -> None:
        """Write what the vendor says of a delivery that is in one of the states `before`."""
        await self._database.fetch(TELL, delivery_id, state, reason, vendor_id, at, list(before))

    async def remark(self, delivery_id: str, reason: str) -> None:
        await self._database.fetch(REMARK, delivery_id, reason)

    async def delivery(self, delivery_id: str) -> Told | None:
        for row in await self._database.fetch(DELIVERY, delivery_id):
            return Told(row["user_id"], row["kind"])
        return None

    async def key(self) -> bytes:
        rows = await self._database.fetch(KEY)
        return bytes(rows[0]["secret"])

    async def held(self, user_id: str) -> list[Mapping[str, Any]]:
        return [dict(row) for row in await self._database.fetch(HELD, user_id)]

    async def forget(self, user_id: str) -> None:
        await self._database.fetch(FORGET, user_id)
