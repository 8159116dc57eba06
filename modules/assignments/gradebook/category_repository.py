"""The rows of categories: every statement, and what it gives."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database
from modules.assignments.decimals import rounded
from modules.assignments.gradebook.category_messages import CategoryView

COLUMNS: Final = ", ".join(CategoryView.__struct_fields__)
OF_PROGRAM: Final = f"SELECT {COLUMNS} FROM assignments_category WHERE program_id = $1 ORDER BY position, id"  # noqa: S608
ONE: Final = f"SELECT {COLUMNS} FROM assignments_category WHERE id = $1"  # noqa: S608
# A program's categories are counted and placed one after the other.
LOCK_PROGRAM: Final = "SELECT pg_advisory_xact_lock(hashtext('assignments.categories'), hashtext($1))"
INSERT: Final = f"""
    INSERT INTO assignments_category ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""  # noqa: S608
UPDATE: Final = """
    UPDATE assignments_category SET name = $2, weight = $3, drop_lowest = $4, position = $5, rev = $6 WHERE id = $1
"""
DELETE: Final = "DELETE FROM assignments_category WHERE id = $1"
USED: Final = "SELECT FROM assignments_assignment WHERE category_id = $1 LIMIT 1"


class CategoryRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_program(self, program_id: str) -> list[CategoryView]:
        """In order."""
        return [_category(row) for row in await self._database.fetch(OF_PROGRAM, program_id)]

    async def find(self, id: str) -> CategoryView | None:
        return await self._one(ONE, id)

    async def lock(self, id: str) -> CategoryView | None:
        """Nobody changes it, and no assignment is put into it, until the transaction ends."""
        return await self._one(f"{ONE} FOR UPDATE", id)

    async def lock_program(self, program_id: str) -> None:
        """Nobody else adds a category to the program until the transaction ends."""
        await self._database.fetch(LOCK_PROGRAM, program_id)

    async def insert(self, new: CategoryView) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(new))

    async def update(self, changed: CategoryView) -> None:
        values = (changed.name, changed.weight, changed.drop_lowest, changed.position, changed.rev)
        await self._database.fetch(UPDATE, changed.id, *values)

    async def delete(self, id: str) -> None:
        await self._database.fetch(DELETE, id)

    async def used(self, id: str) -> bool:
        """Whether an assignment is in it."""
        return bool(await self._database.fetch(USED, id))

    async def _one(self, statement: str, id: str) -> CategoryView | None:
        for row in await self._database.fetch(statement, id):
            return _category(row)
        return None


def _category(row: object) -> CategoryView:
    found = msgspec.convert(row, CategoryView)
    return msgspec.structs.replace(found, weight=rounded(found.weight))
