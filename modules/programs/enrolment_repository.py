"""The rows of places and of the payments that were decided: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

import msgspec

from gateway.contract import Database
from modules.programs.facade import banned_from
from modules.programs.messages import EnrolmentView
from modules.programs.states import PlaceState, ProgramState

LOCK_PROGRAM: Final = "SELECT id, state, price, capacity FROM program WHERE id = $1 FOR UPDATE"
COUNT_TAKEN: Final = "SELECT count(*) AS taken FROM program_enrolment WHERE program_id = $1 AND state = 'enrolled'"
PLACE: Final = """
    SELECT program_id, user_id, state, CASE state WHEN 'waiting' THEN (
        SELECT count(*) FROM program_enrolment AS other
        WHERE other.program_id = mine.program_id AND other.state = 'waiting' AND other.id < mine.id
    ) END AS ahead
    FROM program_enrolment AS mine WHERE program_id = $1 AND user_id = $2
"""
ADD: Final = """
    INSERT INTO program_enrolment (program_id, user_id, state, payment_id) VALUES ($1, $2, $3, $4) RETURNING created_at
"""
REMOVE: Final = "DELETE FROM program_enrolment WHERE program_id = $1 AND user_id = $2 RETURNING state, payment_id"
PROGRAMS_OF: Final = "SELECT program_id FROM program_enrolment WHERE user_id = $1 ORDER BY program_id"
PAID_WITH: Final = "SELECT FROM program_enrolment WHERE program_id = $1 AND user_id = $2 AND payment_id = $3"
DECIDE: Final = """
    INSERT INTO program_payment (payment_id, program_id, user_id) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING payment_id
"""
DECIDED: Final = "SELECT FROM program_payment WHERE payment_id = $1 AND program_id = $2 AND user_id = $3"
WAITING: Final = """
    SELECT id, user_id FROM program_enrolment WHERE program_id = $1 AND state = 'waiting' AND id > $2
    ORDER BY id LIMIT $3
"""
WAITED_FOR: Final = """
    SELECT program_id FROM program_enrolment WHERE user_id = $1 AND state = 'waiting' ORDER BY program_id
"""
BANNED_AMONG: Final = f"SELECT id FROM unnest($2::text[]) AS asked (id) WHERE {banned_from('$1', 'asked.id')}"  # noqa: S608
PROMOTE: Final = """
    UPDATE program_enrolment SET state = 'enrolled' WHERE program_id = $1 AND user_id = ANY($2) AND state = 'waiting'
"""


class LockedProgram(msgspec.Struct, frozen=True):
    """What decides about places; the program's row is locked. Without `capacity` there is a place for all."""

    id: str
    state: ProgramState
    price: int
    capacity: int | None


class Waiting(msgspec.Struct, frozen=True):
    """A user on the waiting list; `id` is the order of it."""

    id: int
    user_id: str


class RemovedPlace(msgspec.Struct, frozen=True):
    state: PlaceState
    payment_id: str | None


class EnrolmentRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_program(self, program: str) -> LockedProgram | None:
        """Nobody else gives or frees a place of the program until the transaction ends."""
        for row in await self._database.fetch(LOCK_PROGRAM, program):
            return msgspec.convert(row, LockedProgram)
        return None

    async def count_taken(self, program: str) -> int:
        rows = await self._database.fetch(COUNT_TAKEN, program)
        return int(rows[0]["taken"])

    async def place(self, program: str, user: str) -> EnrolmentView | None:
        """The user's place, or where they stand on the waiting list."""
        for row in await self._database.fetch(PLACE, program, user):
            return msgspec.convert(row, EnrolmentView)
        return None

    async def add(self, program: str, user: str, state: PlaceState, payment_id: str | None) -> datetime:
        """Since when the user has the place, or waits for one."""
        (row,) = await self._database.fetch(ADD, program, user, state, payment_id)
        return cast(datetime, row["created_at"])

    async def remove(self, program: str, user: str) -> RemovedPlace | None:
        for row in await self._database.fetch(REMOVE, program, user):
            return msgspec.convert(row, RemovedPlace)
        return None

    async def programs_of(self, user: str) -> list[str]:
        """The programs in which the user has a place or waits for one, by id."""
        return [row["program_id"] for row in await self._database.fetch(PROGRAMS_OF, user)]

    async def is_paid_with(self, program: str, user: str, payment_id: str) -> bool:
        return bool(await self._database.fetch(PAID_WITH, program, user, payment_id))

    async def decide(self, payment_id: str, program: str, user: str) -> bool:
        """Note that the payment is decided; False when it was before."""
        return bool(await self._database.fetch(DECIDE, payment_id, program, user))

    async def was_decided(self, payment_id: str, program: str, user: str) -> bool:
        """Whether the payment was decided about this very place."""
        return bool(await self._database.fetch(DECIDED, payment_id, program, user))

    async def waiting(self, program: str, after: int, most: int) -> list[Waiting]:
        """The next on the waiting list after one of them, in order."""
        return [msgspec.convert(row, Waiting) for row in await self._database.fetch(WAITING, program, after, most)]

    async def banned_among(self, program: str, users: Sequence[str]) -> set[str]:
        """Those of these users who are kept out of the program."""
        return {row["id"] for row in await self._database.fetch(BANNED_AMONG, program, list(users))}

    async def waited_for(self, user: str) -> list[str]:
        """The programs in which the user waits for a place, by id."""
        return [row["program_id"] for row in await self._database.fetch(WAITED_FOR, user)]

    async def promote(self, program: str, users: Sequence[str]) -> None:
        """Give places to these users, who wait."""
        await self._database.fetch(PROMOTE, program, list(users))
