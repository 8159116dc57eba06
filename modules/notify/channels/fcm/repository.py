"""The rows of pushes: what became of deliveries at single devices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract import Database
from modules.notify.channels.fcm.answers import Fate

# Deliveries that are gone by now, with their user, are left out.
WRITE: Final = """
    INSERT INTO notify_push (delivery_id, installation, state, reason, vendor_id)
    SELECT told.delivery_id, told.installation, told.state, told.reason, told.vendor_id
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
        AS told (delivery_id, installation, state, reason, vendor_id)
    WHERE EXISTS (SELECT FROM notify_delivery WHERE id = told.delivery_id)
    ON CONFLICT DO NOTHING
"""
READ: Final = """
    SELECT delivery_id, installation, state, reason, vendor_id FROM notify_push WHERE delivery_id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What FCM has said for good of a delivery at one device."""

    delivery_id: str
    installation: str
    fate: Fate
    reason: str
    vendor_id: str


class PushRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, answered: Sequence[Answered]) -> None:
        """What was written before stays."""
        await self._database.fetch(
            WRITE,
            [each.delivery_id for each in answered],
            [each.installation for each in answered],
            [each.fate.value for each in answered],
            [each.reason for each in answered],
            [each.vendor_id for each in answered],
        )

    async def read(self, deliveries: Collection[str]) -> Mapping[str, Mapping[str, Answered]]:
        """What is known of these deliveries, by delivery and installation."""
        found: dict[str, dict[str, Answered]] = {}
        for row in await self._database.fetch(READ, list(deliveries)):
            id = str(row["delivery_id"])
            answered = Answered(id, row["installation"], Fate(row["state"]), row["reason"], row["vendor_id"])
            found.setdefault(id, {})[row["installation"]] = answered
        return found
