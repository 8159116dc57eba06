"""Digests: what was collected for a user is told as one, by one delivery that carries the others.

A window has one row, unique by user, channel and end: whoever writes it makes the digest, and however many workers find
deliveries of it due, it is told once. All that is due then becomes a part, also of earlier windows, such as those that
quiet hours held back: nobody gets several digests at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog

from gateway.contract import Database
from gateway.identifier import new_id
from modules.notify.decide.repository import DecisionRepository
from modules.notify.due import Due
from modules.notify.kinds import Kinds
from modules.notify.states import SkipReason

log = structlog.get_logger(__name__)

GONE_STATES: Final = ("withdrawing", "withdrawn")


class Digests:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, kinds: Kinds) -> None:
        self._database = database
        self._kinds = kinds
        self._rows = DecisionRepository(database)

    async def collect(self, window_ends: Mapping[str, datetime]) -> None:
        """These deliveries wait for the end of a window."""
        await self._rows.collect(window_ends)

    async def begin(self, ready: Sequence[Due], channel: str, now: datetime) -> Mapping[str, str]:
        """Make digests of what is due of these users. Each is carried by the first of `ready`, which is collected.

        Gives the digest of each delivery that is a part of one now. What is not came too late for the digest of its
        window.
        """
        users = {due.user_id for due in ready}
        digest_of: dict[str, str] = {}
        async with self._database.transaction():
            await self._rows.lock(users)
            parts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
            for row in await self._rows.open(users, channel, now):
                parts[row["user_id"]].append(row)
            open_ids = {str(row["id"]) for rows in parts.values() for row in rows}
            carriers: dict[str, str] = {}
            for due in ready:
                if due.id in open_ids:
                    carriers.setdefault(due.user_id, due.id)
            last = await self._rows.last(carriers, channel)
            ids = {user: new_id() for user in carriers}
            made = await self._rows.begin(
                list(ids.values()),
                list(ids),
                [last.get(user) or min(row["created_at"] for row in parts[user]) for user in ids],
                [max(row["digest_at"] for row in parts[user]) for user in ids],
                channel,
                list(carriers.values()),
                now,
            )
            for user, id in ids.items():
                if id in made:
                    digest_of |= {str(row["id"]): id for row in parts[user]}
            await self._rows.add(digest_of)
        return digest_of

    async def parts(self, digest_ids: Collection[str]) -> Mapping[str, Sequence[Due]]:
        """The deliveries of digests, by digest. Those of kinds that no module has any more are left out."""
        parts: dict[str, list[Due]] = {id: [] for id in digest_ids}
        data: dict[str, msgspec.Struct] = {}
        for row in await self._rows.parts(digest_ids):
            kind = self._kinds.kinds.get(row["kind"])
            if kind is None:
                continue
            notice = str(row["notice_id"])
            if notice not in data:
                try:
                    data[notice] = msgspec.json.decode(row["data"], type=kind.data)
                except msgspec.MsgspecError as error:
                    log.error("notifications.bad_data", kind=kind.name, error=str(error))
                    continue
            parts[str(row["digest_id"])].append(
                Due(
                    id=str(row["id"]),
                    notification_id=str(row["notification_id"]),
                    notice_id=notice,
                    kind=kind,
                    subject=row["subject"],
                    user_id=row["user_id"],
                    channel=row["channel"],
                    data=data[notice],
                    at=row["at"],
                    created_at=row["created_at"],
                    expires_at=row["expires_at"],
                    seen_at=row["seen_at"],
                    read_at=row["read_at"],
                    taken_back=_taken_back(row),
                )
            )
        return parts


def _taken_back(row: Mapping[str, Any]) -> SkipReason | None:
    if row["withdrawn_at"] is None and row["notice_state"] not in GONE_STATES:
        return None
    return SkipReason.STOPPED if row["campaign_id"] else SkipReason.WITHDRAWN
