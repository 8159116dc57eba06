"""The rows of extensions and accommodations: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from modules.assignments.catalogue.date_messages import shown
from modules.assignments.catalogue.grant_messages import AccommodationView, ExtensionView
from modules.assignments.dates.wall_time import WallTime
from modules.assignments.records import date_of

EXTENSIONS: Final = "SELECT * FROM assignments_extension WHERE assignment_id = $1 ORDER BY user_id"
EXTENSION: Final = "SELECT * FROM assignments_extension WHERE assignment_id = $1 AND user_id = $2"
# The primary key makes the second of two who write the first revision wait, and then fail.
WRITE_EXTENSION: Final = """
    INSERT INTO assignments_extension AS extension (assignment_id, user_id, due_wall, due_zone, due_at, closes_wall,
        closes_zone, closes_at, extra_attempts, reason, granted_by, granted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (assignment_id, user_id) DO UPDATE SET due_wall = $3, due_zone = $4, due_at = $5, closes_wall = $6,
        closes_zone = $7, closes_at = $8, extra_attempts = $9, reason = $10, granted_by = $11, granted_at = $12,
        rev = extension.rev + 1
    WHERE extension.rev = $13
    RETURNING *
"""
DELETE_EXTENSION: Final = "DELETE FROM assignments_extension WHERE assignment_id = $1 AND user_id = $2"
ACCOMMODATIONS: Final = "SELECT * FROM assignments_accommodation WHERE program_id = $1 ORDER BY user_id"
ACCOMMODATION: Final = "SELECT * FROM assignments_accommodation WHERE program_id = $1 AND user_id = $2"
WRITE_ACCOMMODATION: Final = """
    INSERT INTO assignments_accommodation AS accommodation
        (program_id, user_id, extra_days, extra_attempts, note, granted_by, granted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (program_id, user_id) DO UPDATE SET extra_days = $3, extra_attempts = $4, note = $5, granted_by = $6,
        granted_at = $7, rev = accommodation.rev + 1
    WHERE accommodation.rev = $8
    RETURNING *
"""
DELETE_ACCOMMODATION: Final = "DELETE FROM assignments_accommodation WHERE program_id = $1 AND user_id = $2"
DATES_REV: Final = "SELECT nextval('assignments_dates_rev') AS rev"


class GrantRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def extensions(self, assignment_id: str) -> list[ExtensionView]:
        return [_extension(row) for row in await self._database.fetch(EXTENSIONS, assignment_id)]

    async def lock_extension(self, assignment_id: str, user_id: str) -> ExtensionView | None:
        for row in await self._database.fetch(f"{EXTENSION} FOR UPDATE", assignment_id, user_id):
            return _extension(row)
        return None

    async def write_extension(
        self,
        assignment_id: str,
        user_id: str,
        due: WallTime | None,
        closes: WallTime | None,
        extra_attempts: int,
        reason: str,
        granted_by: str,
        granted_at: datetime,
        *,
        before: int,
    ) -> ExtensionView | None:
        """None when it is not at the revision `before`, 0 for none, any more."""
        arguments = (*_columns(due), *_columns(closes), extra_attempts, reason, granted_by, granted_at, before)
        for row in await self._database.fetch(WRITE_EXTENSION, assignment_id, user_id, *arguments):
            return _extension(row)
        return None

    async def delete_extension(self, assignment_id: str, user_id: str) -> None:
        await self._database.fetch(DELETE_EXTENSION, assignment_id, user_id)

    async def accommodations(self, program_id: str) -> list[AccommodationView]:
        rows = await self._database.fetch(ACCOMMODATIONS, program_id)
        return [msgspec.convert(row, AccommodationView) for row in rows]

    async def lock_accommodation(self, program_id: str, user_id: str) -> AccommodationView | None:
        for row in await self._database.fetch(f"{ACCOMMODATION} FOR UPDATE", program_id, user_id):
            return msgspec.convert(row, AccommodationView)
        return None

    async def write_accommodation(self, new: AccommodationView) -> AccommodationView | None:
        """None when it is not at the revision `new.rev`, 0 for none, any more."""
        for row in await self._database.fetch(WRITE_ACCOMMODATION, *msgspec.structs.astuple(new)):
            return msgspec.convert(row, AccommodationView)
        return None

    async def delete_accommodation(self, program_id: str, user_id: str) -> None:
        await self._database.fetch(DELETE_ACCOMMODATION, program_id, user_id)

    async def next_dates_rev(self) -> int:
        """A revision for a student's dates: higher than all before."""
        (row,) = await self._database.fetch(DATES_REV)
        rev: int = row["rev"]
        return rev


def _columns(date: WallTime | None) -> tuple[datetime | None, str | None, datetime | None]:
    return (None, None, None) if date is None else (date.at, date.zone, date.moment())


def _extension(row: Mapping[str, Any]) -> ExtensionView:
    return ExtensionView(
        row["assignment_id"],
        row["user_id"],
        shown(date_of(row, "due")),
        shown(date_of(row, "closes")),
        row["extra_attempts"],
        row["reason"],
        row["granted_by"],
        row["granted_at"],
        row["rev"],
    )
