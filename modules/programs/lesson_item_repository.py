"""The rows of what lessons consist of: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.contract import Database
from modules.programs.item_messages import ItemKind


class ItemRow(msgspec.Struct, frozen=True):
    """An item as it is written. `content` is the text, the address, or the id of the file or the session."""

    id: str
    lesson_id: str
    kind: ItemKind
    title: str
    content: str
    rev: int


COLUMNS: Final = ", ".join(ItemRow.__struct_fields__)
OF_LESSON: Final = f"SELECT {COLUMNS} FROM program_lesson_item WHERE lesson_id = $1 ORDER BY position, id"  # noqa: S608
ADD: Final = f"""
    INSERT INTO program_lesson_item ({COLUMNS}, position) VALUES ($1, $2, $3, $4, $5, $6,
        (SELECT coalesce(max(position) + 1, 0) FROM program_lesson_item WHERE lesson_id = $2))
"""  # noqa: S608
WRITE: Final = "UPDATE program_lesson_item SET title = $2, content = $3, rev = $4 WHERE id = $1"
DELETE: Final = "DELETE FROM program_lesson_item WHERE id = $1"
PLACE: Final = """
    UPDATE program_lesson_item AS item SET position = placed.position
    FROM unnest($1::text[]) WITH ORDINALITY AS placed (id, position) WHERE item.id = placed.id
"""
WITH_FILES: Final = """
    SELECT DISTINCT lesson_id FROM program_lesson_item AS item JOIN program_lesson AS lesson ON lesson.id = lesson_id
    WHERE kind = 'file' AND (lesson.id = $1 OR lesson.unit_id = $1)
"""


class LessonItemRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_lesson(self, lesson: str) -> list[ItemRow]:
        """In their order."""
        return [msgspec.convert(row, ItemRow) for row in await self._database.fetch(OF_LESSON, lesson)]

    async def add(self, new: ItemRow) -> None:
        """Insert it after the others of its lesson."""
        await self._database.fetch(ADD, new.id, new.lesson_id, new.kind.value, new.title, new.content, new.rev)

    async def write(self, changed: ItemRow) -> None:
        await self._database.fetch(WRITE, changed.id, changed.title, changed.content, changed.rev)

    async def delete(self, item: str) -> None:
        await self._database.fetch(DELETE, item)

    async def place(self, items: Sequence[str]) -> None:
        """Put all items of a lesson in this order."""
        await self._database.fetch(PLACE, list(items))

    async def lessons_with_files(self, lesson_or_unit: str) -> list[str]:
        """The lesson, or the lessons of the unit, that have items of kind `file`."""
        return [row["lesson_id"] for row in await self._database.fetch(WITH_FILES, lesson_or_unit)]
