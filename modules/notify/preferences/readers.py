"""Readers: how the users of a batch are written to, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from gateway.contract import Database
from modules.accounts.facade import addressees
from modules.notify.preferences.quiet_hours import QuietHours
from modules.notify.preferences.repository import PreferenceRepository, ReaderRow

ENGLISH = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A user as notifications see them. Who is `gone` is blocked or deleted."""

    user_id: str
    # A BCP 47 tag: what they chose here, their profile's, or the platform's.
    language: str
    time_zone: str
    zone: tzinfo
    quiet: QuietHours | None = None
    gone: bool = False


class Readers:
    """Reads users a batch at a time, in two queries."""

    def __init__(self, database: Database, *, language: str, time_zone: str) -> None:
        """Language and zone are for those whose profile says nothing."""
        self._database = database
        self._rows = PreferenceRepository(database)
        self._language = language
        self._time_zone = time_zone
        self._zones: dict[str, tzinfo] = {}

    async def load(self, user_ids: Collection[str]) -> Mapping[str, Reader]:
        """Each of these users, also those whom the platform has not met; raises Unavailable."""
        users = sorted({*user_ids})
        known = await addressees(self._database, users)
        chosen = await self._rows.readers(users)
        zones = {user: (known[user].time_zone if user in known else None) or self._time_zone for user in users}
        await self._read_zones(zones.values())
        readers = {}
        for user in users:
            row = chosen.get(user, ReaderRow(user))
            profile = known.get(user)
            readers[user] = Reader(
                user_id=user,
                language=row.language or (profile.locale if profile else None) or self._language,
                time_zone=zones[user],
                zone=self._zones[zones[user]],
                quiet=quiet_of(row),
                gone=profile is not None and profile.kept_out,
            )
        return readers

    async def _read_zones(self, names: Iterable[str]) -> None:
        """A zone is a file: each is read once, in a thread."""
        if new := {*names} - self._zones.keys():
            self._zones |= await asyncio.to_thread(lambda: {name: _zone(name) for name in new})


def quiet_of(row: ReaderRow) -> QuietHours | None:
    if row.quiet_from is None or row.quiet_until is None:
        return None
    return QuietHours(row.quiet_from, row.quiet_until)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):
        # Written by a gateway whose database of zones is newer.
        return UTC
